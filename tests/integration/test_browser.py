"""The page in a real browser: a first visit, a live alert, the filter, the detail, the keys, and hostile content."""

from urllib.parse import urlsplit

import pytest

from tests.browser import Browser, find_chromium
from tests.conftest import absent
from tests.desk import CONFIGURATION, HOSTILE, Desk, replace, serving
from tests.integration.world import eventually
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.demo import compose
from worker.runtime.views import list_alerts
from worker.watchlist import load_configuration

pytestmark = pytest.mark.integration
TESTED = """watches:
  - id: arms-transfer
    title: Arms
    match: {topic: arms-transfer}
    tests:
      - {title: "Norland sells howitzers and shells to Sudmark", expect: {fires: true}}
      - {title: "Norland sells howitzers and tanks to Sudmark", expect: {fires: false}}
"""
WATCHES = "watches:\n  - {id: arms-transfer, title: Arms, match: {topic: arms-transfer}}\n"


@pytest.fixture(scope="module")
def window():
    found = find_chromium()
    if not found:
        absent("chromium and chromedriver are not installed; `make browser` installs them on Debian")
    opened = Browser(*found)
    yield opened
    opened.close()


@pytest.fixture
def desk(redis_store):
    made = Desk(redis_store)
    made.publish(*(compose(p) for p in (0, 1, 2)))
    return made


@pytest.fixture
def page(desk, window, tmp_path):
    """The browser on the first page; at the end nothing was logged and nobody else was asked for anything."""
    (tmp_path / "watches.yaml").write_text(WATCHES, "utf-8")
    with serving(desk.store, tmp_path, may_edit=True) as base:
        window.requested()
        window.console()
        window.base = base
        window.open(base + "/")
        eventually(lambda: window.text("#live-word") == "live", 10, "the live stream")
        yield window
        asked = [urlsplit(url) for url in window.requested()]
        assert {url.netloc for url in asked if url.scheme in ("http", "https")} == {urlsplit(base).netloc}
        assert window.console() == []
        window.open("about:blank")


def titles(page: Browser) -> list[str]:
    return page.texts(".card h3")


def test_a_live_alert_arrives_without_a_reload(page, desk):
    page.run("window.isSame = true")
    before = len(titles(page))
    desk.publish(compose(14))
    eventually(lambda: len(titles(page)) > before, 10, "the alert")
    assert titles(page)[0] == compose(14)["title"]
    assert page.run("return window.isSame"), "the page was loaded again"
    assert "New alert" in page.text("#said")
    eventually(lambda: "✓ desk" in page.text(".card:first-child .sent"), 10, "its delivery's state")


def test_a_held_stream_keeps_what_comes_until_it_is_asked_for(page, desk):
    before = titles(page)
    page.press("p")
    desk.publish(compose(14))
    eventually(lambda: page.text("#fresh") == "1 new alert", 10, "the count")
    assert titles(page) == before
    page.click("#fresh")
    assert titles(page)[0] == compose(14)["title"]


def test_a_filter_narrows_what_is_shown_and_what_comes(page, desk):
    page.choose("[name=watch]", "arms-transfer")
    eventually(lambda: titles(page) == [compose(2)["title"]], 10, "the filtered list")
    assert "watch=arms-transfer" in page.run("return location.href")
    eventually(lambda: page.text("#live-word") == "live", 10, "the stream")
    desk.publish(compose(4), compose(6))  # sanctions, arms
    eventually(lambda: titles(page)[:1] == [compose(6)["title"]], 10, "the alert that passes")
    assert len(titles(page)) == 2
    page.type("#search", "no such words")
    eventually(lambda: "No alert passes" in page.text("#stream"), 10, "the empty list")


def test_the_keys_lead_to_an_alert_and_judge_it(page, desk):
    page.press("j")
    page.press("\ue007")  # Enter
    eventually(lambda: page.texts("#acknowledge"), 10, "the alert's page")
    assert page.texts(".text mark")
    assert page.texts(".tree li")
    page.press("a")
    eventually(lambda: page.text("#acknowledge") == "Acknowledged", 10, "the acknowledgement")
    page.press("f")
    eventually(lambda: page.run("return document.getElementById('false')?.ariaPressed") == "true", 10, "the verdict")
    alert_id = page.run("return location.pathname").split("/")[2]
    assert desk.store.client.hget("{tocsin}:alert:" + alert_id, "verdict") == "false"
    page.press("u")
    eventually(lambda: "judged false" in page.text(".card"), 10, "the verdict on the card")


def test_hostile_content_is_inert(page, desk):
    desk.publish(HOSTILE)
    eventually(lambda: "</mark><script>alert(3)</script>" in page.text("#stream"), 10, "its words, as words")
    page.click(".card h3 a")
    eventually(lambda: page.texts(".text"), 10, "the alert's page")
    assert page.run("return document.querySelectorAll('main script, main img, main [onerror]').length") == 0
    assert "javascript:" not in page.run("return document.body.innerHTML")


def test_the_playground_shows_what_fires(page):
    page.open(page.base + "/playground")
    page.type("textarea", "Germany to deliver howitzers to Greece\nGermany sold howitzers and ammunition to Greece.")
    page.click("#go")
    eventually(lambda: "FIRES" in page.text("#result h2").upper(), 90, "the answer")
    assert "Arms" in page.text("#result")
    assert "Germany" in page.text("#result .text .entity")


def test_an_article_becomes_a_test_of_its_watch(page, tmp_path):
    page.open(page.base + "/playground")
    page.type(
        "textarea", "Germany to deliver howitzers to Greece\nGermany sold howitzers </textarea><script>x</script>."
    )
    page.click("#go")
    eventually(lambda: page.texts("#keep"), 90, "the answer")
    page.choose("[name=watch]", "arms-transfer")
    page.click("#keep")
    eventually(lambda: "expect: {fires: true}" in page.text("#snippet"), 10, "the test as YAML")
    assert "sold howitzers </textarea><script>x</script>." in page.text("#snippet")
    assert page.run("return document.activeElement.id") == "add-test"
    page.press("\ue007")
    eventually(lambda: "Added to watches.yaml" in page.text("#kept"), 10, "the confirmation")
    [watch] = load_configuration(tmp_path).watches
    assert watch.tests[0].text.endswith("</textarea><script>x</script>.")
    page.open(page.base + "/watches")


def test_the_watches_tests_are_run_on_the_page(window, desk, tmp_path):
    (tmp_path / "watches.yaml").write_text(TESTED, "utf-8")
    for row in list_alerts(desk.store, 5, AlertFilter(watch="arms-transfer")):
        desk.store.mark_alert(row["alert_id"], "true")
    loaded = load_configuration(tmp_path)
    with serving(desk.store, tmp_path, replace(CONFIGURATION, watches=loaded.watches, hash=loaded.hash)) as base:
        window.open(base + "/watches")
        window.click("#run-tests")
        eventually(lambda: "1 of 2 failed" in window.text(".tested"), 90, "the outcome")
        window.click(".tested summary")
        assert "expected silence" in window.text(".failures")
        assert "0.21–1.00" in window.text("tbody")
        assert window.console() == []
        assert "old" not in window.text(".tested")
        window.open("about:blank")


def test_dead_letters_and_what_was_set_aside_go_out_again_by_keyboard(page, desk):
    desk.give_up()
    desk.set_aside(HOSTILE)
    for path, button, said in (
        ("/endpoints", ".letters button", "Queued again"),
        ("/quarantine", ".title button", "Released"),
    ):
        page.open(page.base + path)
        page.run("document.querySelector(arguments[0]).focus()", button)
        page.press("\ue007")
        eventually(lambda said=said: said in page.text(".good"), 10, said)
    assert desk.store.quarantined() == []
    assert desk.store.client.zcard("{tocsin}:dead:night-shift") == 0


def test_a_watch_is_silenced_from_its_alert(page, desk):
    page.open(page.run("return document.querySelector('.card h3 a').href"))
    eventually(lambda: page.texts("#acknowledge"), 10, "the alert's page")
    page.click("a[href^='/silences?']")
    eventually(lambda: page.texts("#silence"), 10, "the form")
    assert page.run("return document.querySelector('[name=matchers]').value").startswith('watch="')
    page.type("[name=comment]", "<script>x</script> drill")
    page.type("[name=author]", "Ada")
    page.click("#silence-it")
    eventually(lambda: "holds from now on" in page.text(".good"), 10, "the silence")
    assert "<script>x</script> drill" in page.text(".silence")
    page.click(".silence button")
    eventually(lambda: "has ended" in page.text(".good"), 10, "its end")


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_window(page, desk, width):
    page.resize(width, 844)
    try:
        desk.give_up()
        desk.set_aside(HOSTILE)
        for path in ("/", "/trends", "/feeds", "/watches", "/endpoints", "/quarantine", "/silences", "/playground"):
            page.open(page.base + path)
            assert page.run("return document.documentElement.scrollWidth") <= width, path
    finally:
        page.resize(1440, 900)


def test_nothing_moves_where_less_motion_is_preferred(page, desk):
    page.prefer(reduced_motion="reduce")
    try:
        desk.publish(compose(14))
        eventually(lambda: page.texts(".arrived"), 10, "the alert")
        running = "return document.getAnimations().filter(a => a.playState === 'running').length"
        assert page.run(running) == 0
    finally:
        page.prefer(reduced_motion="no-preference")


def test_the_theme_follows_the_system_and_then_the_choice(page):
    ground = "return getComputedStyle(document.body).backgroundColor"
    page.prefer(color_scheme="dark")
    dark = page.run(ground)
    page.press("d")
    light = page.run(ground)
    page.open(page.base + "/feeds")
    assert page.run(ground) == light != dark
    page.run("localStorage.clear()")
    page.prefer(color_scheme="light")


def test_the_wall_is_large_and_without_menus_until_it_is_taken_back(page, desk):
    size = "return parseFloat(getComputedStyle(document.querySelector('.card h3')).fontSize)"
    before = page.run(size)
    page.press("w")
    assert page.run(size) > before
    assert page.run("return getComputedStyle(document.querySelector('nav')).display") == "none"
    page.open(page.base + "/")
    assert page.run(size) > before
    eventually(lambda: page.text("#live-word") == "live", 10, "the live stream")
    assert page.run("return document.documentElement.scrollWidth") <= 1440
    page.click("#wall")
    assert page.run(size) == before
    page.run("localStorage.clear()")


def test_every_control_has_a_name(page, desk):
    desk.give_up()
    desk.set_aside(HOSTILE)
    for path in ("/", "/playground", "/trends", "/endpoints", "/quarantine", "/silences", "/watches"):
        page.open(page.base + path)
        nodes = page.cdp("Accessibility.getFullAXTree")["nodes"]
        controls = [
            n for n in nodes if n.get("role", {}).get("value") in ("button", "link", "combobox", "searchbox", "textbox")
        ]
        assert controls
        assert [n for n in controls if not n["name"]["value"]] == []
