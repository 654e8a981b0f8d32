"""Addresses of Sentinels: what they may say, and the one message where they are wrong."""

import pytest
from kombu.utils.url import parse_url

from worker.errors import ConfigError
from worker.runtime.sentinel import ASK_S, SentinelAddress, celery_settings, parse_address
from worker.runtime.settings import load_settings

SECRET = "planted-password"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("sentinel://one/?master=m", SentinelAddress((("one", 26379),), "m")),
        ("sentinel://one:1?master=m", SentinelAddress((("one", 1),), "m")),
        ("sentinel://one:1,two,10.0.0.3:3/7?master=m-1",
         SentinelAddress((("one", 1), ("two", 26379), ("10.0.0.3", 3)), "m-1", 7)),
        ("sentinel://[::1]:5,[fe80::2]/0?master=m", SentinelAddress((("::1", 5), ("fe80::2", 26379)), "m")),
        ("sentinel://me:p%40ss%2Fw%2Crd@one/0?master=m",
         SentinelAddress((("one", 26379),), "m", user="me", password="p@ss/w,rd")),
        ("sentinel://:pw@one/0?master=m&sentinel_user=u&sentinel_password=a%26b",
         SentinelAddress((("one", 26379),), "m", password="pw", sentinel_user="u", sentinel_password="a&b")),
    ],
)  # fmt: skip
def test_an_address_names_sentinels_primary_database_and_passwords(url, address):
    assert parse_address(url) == address


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sentinel://one/0", "names no primary"),
        ("sentinel://one/0?master=", "names no primary"),
        ("sentinel:///0?master=m", "no host:port"),
        (f"sentinel://:{SECRET}@one,,two/0?master=m", "no host:port"),
        ("sentinel://one:99999/0?master=m", "no host:port"),
        ("sentinel://one:0/0?master=m", "no host:port"),
        ("sentinel://one:x/0?master=m", "no host:port"),
        (f"sentinel://:{SECRET}@one:1;sentinel://:{SECRET}@two:2/0?master=m", "database"),
        ("sentinel://one/mine?master=m", "no number as its database"),
        ("sentinel://one/0?master=m&master=n", "each once"),
        (f"sentinel://one/0?master=m&password={SECRET}", "may say master, sentinel_password, sentinel_user"),
        (f"sentinel://one/0?master=m&{SECRET}", "not NAME=VALUE"),
        (f"sentinel://:{SECRET}/x@one/0?master=m", "no number as its database"),
    ],
)
def test_a_wrong_address_is_told_once_without_its_secrets(url, said):
    with pytest.raises(ConfigError) as told:
        load_settings({"TOCSIN_REDIS_URL": url})
    assert said in str(told.value)
    assert str(told.value).startswith("environment variable TOCSIN_REDIS_URL: ")
    assert SECRET not in str(told.value)


def test_no_secret_is_in_the_repr_of_an_address():
    assert SECRET not in repr(parse_address(f"sentinel://:{SECRET}@one?master=m&sentinel_password={SECRET}"))


def test_every_spelling_for_celery_says_everything_and_sentinels_are_not_waited_for_long():
    address = parse_address("sentinel://me:p%40ss%2F@one:1,[::1]:2/7?master=m&sentinel_password=other")
    url, options = celery_settings(address)
    assert [
        (parse_url(one)["hostname"], parse_url(one)["port"], parse_url(one)["password"], parse_url(one)["virtual_host"])
        for one in url.split(";")
    ] == [("one", 1, "p@ss/", "7"), ("::1", 2, "p@ss/", "7")]
    assert options["master_name"] == "m"
    asking = options["sentinel_kwargs"]
    assert (asking["socket_timeout"], asking["socket_connect_timeout"], asking["password"]) == (ASK_S, ASK_S, "other")
    assert asking["retry"].get_retries() == 0
