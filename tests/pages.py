"""Web pages as publishers make them, written for the tests: stories, walls, riddles and lists."""

STORY = (
    "The government of Norland has delivered forty battle tanks to Sudmark, the defence ministry said on Sunday.",
    "The shipment left the port of Karstad under naval escort two nights ago and was unloaded before dawn.",
    "Opposition deputies asked why parliament had not been told of the export licence before the vessel sailed.",
    "A spokesman for the ministry answered that the licence had been granted under a treaty signed last year.",
    "Sudmark's army will train its crews at a base near the river until the summer, two officers told reporters.",
    "Analysts in the capital expect further deliveries of artillery shells and spare parts during the spring.",
)
SUMMARY = "Norland has delivered forty battle tanks to Sudmark."
TITLE = "Norland ships tanks to Sudmark"
MENU = "".join(
    f"<li><a href='/{name}'>{name}</a></li>" for name in ("World", "Business", "Sport", "Culture", "Weather")
)


def story(*paragraphs: str, head: str = "", after: str = "", title: str = TITLE) -> str:
    """A page with a menu, one article, and a footer."""
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs or STORY)
    return (
        f"<!doctype html><html><head><meta charset=utf-8><title>{title} | The Wire</title>{head}</head><body>"
        f"<header><nav><ul>{MENU}</ul></nav></header><main><article><h1>{title}</h1>{text}{after}</article></main>"
        "<footer><p>About us · Subscribe to our newsletter · Privacy policy · Cookie settings</p></footer></body></html>"
    )


LONG = story(
    *STORY, *(f"In the {n}th week of the talks {line[0].lower()}{line[1:]}" for n in range(5, 9) for line in STORY)
)
PAYWALLS = {
    "says so for search engines": story(
        *STORY[:2],
        head='<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":false}</script>',
    ),
    "says so in a meta element": story(*STORY[:2], head='<meta property="article:content_tier" content="locked">'),
    "in English": story(*STORY[:2], after="<div><p>Subscribe to continue reading this article.</p></div>"),
    "in German": story(
        *STORY[:2], after="<div><p>Jetzt abonnieren und weiterlesen: Dieser Text ist für uns wichtig.</p></div>"
    ),
    "in French": story(*STORY[:2], after="<div><p>Il vous reste 75 % de cet article à lire.</p></div>"),
    "in Spanish": story(*STORY[:2], after="<div><p>Contenido exclusivo para suscriptores del diario.</p></div>"),
}
COOKIE_WALL = story(
    "We value your privacy. We and our 812 partners store and access cookies on your device to show personalised ads.",
    "With your consent, we and our partners may use precise data. You may accept all cookies or manage consent.",
    "Some partners rely on legitimate interest. Your privacy settings apply to this site; read our privacy policy.",
    title="Before you continue",
)
INDEX = story(title="World news").replace(
    "</article>",
    "</article>"
    + "".join(f"<article><h2><a href='/{n}'>Minister number {n} opens a bridge</a></h2></article>" for n in range(20)),
)
LIST = (
    "<html><head><title>World</title></head><body><main><h1>World</h1>"
    + "".join(f"<p>Minister number {n} opens another bridge in the north</p>" for n in range(30))
    + "</main></body></html>"
)
OTHER_STORY = story(
    "The choir of the village took first place at the regional festival on Sunday evening, to long applause.",
    "Its conductor, a retired teacher, thanked the parents who had sewn the costumes over many winter nights.",
    "The jury praised the balance between the voices and the courage to sing without any accompaniment at all.",
    title="Village choir wins a prize",
)
CHALLENGES = {
    "Cloudflare": "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><div class='main'>Enable "
    "JavaScript and cookies to continue</div><script src='/cdn-cgi/challenge-platform/h/b/orchestrate'></script></body></html>",
    "Akamai": "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\nYou don't have permission to "
    "access this on this server.<P>\nReference&#32;&#35;18&#46;abcd1234<P>\nhttps&#58;&#47;&#47;errors&#46;edgesuite&#46;net"
    "</BODY></HTML>",
    "Imperva": "<html><head><META NAME='ROBOTS' CONTENT='NOINDEX'></head><body><iframe src='/_Incapsula_Resource?CWUDNSAI=9'>"
    "Request unsuccessful. Incapsula incident ID: 7-1</iframe></body></html>",
    "DataDome": "<html><head><title>site.example</title></head><body><p>Please enable JS and disable any ad blocker</p>"
    "<script>var dd={'rt':'c','host':'geo.captcha-delivery.com'}</script></body></html>",
    "PerimeterX": "<html><head><title>Access to this page has been denied</title></head><body><div id='px-captcha'></div>"
    "<script>window._pxAppId='PX1';</script></body></html>",
    "AWS WAF": "<!DOCTYPE html><html><head><title></title><script>window.gokuProps={}</script>"
    "<script src='https://x.edge.sdk.awswaf.com/x/challenge.js'></script></head><body></body></html>",
}
