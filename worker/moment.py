"""Dates as feeds write them, read to a moment in UTC. Owns what a date may look like; knows nothing of feeds.

Understood: ISO 8601 and RFC 3339 with what is left out of them, RFC 822 and its relatives (asctime, RFC 850), month
names in eighteen languages in any order of day, month and year, numeric dates with dots or slashes, seconds or
milliseconds since 1970. A date without a zone is UTC; one that no calendar has (30 February) is none.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache

_ISO = re.compile(
    r"^(?P<year>\d{4})-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?"
    r"(?:(?:[Tt_]|\s+)\s*(?P<time>\d{1,2}:\d{2}\S*(?:\s+\S+)*))?$"
)
_COMPACT = re.compile(r"^(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:T(\d\d)(\d\d)(\d\d)(.*))?$")
_NUMERIC = re.compile(r"^(?:\w+,?\s+)?(\d{1,4})([./])(\d{1,2})\2(\d{1,4})(?:,?\s+(?P<time>\d.*))?$")
_PLAIN = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?([0-9]{1,2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:GMT|UTC|([+-])([0-9]{2})([0-9]{2}))"
)
_PLAIN_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_TIME = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?(?:[.,]\d+)?"
    r"\s*(?P<half>[ap]\.?m\b\.?)?\s*(?P<zone>.*)$",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"^\(?(?:GMT|UTC?)?\s*([+-])(\d{1,2}):?(\d{2})?(?![\d:])", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_LOCALES = ["en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "ro", "hu", "tr", "ru", "uk"]
_ZONES = {
    name: minutes
    for names, minutes in (
        ("Z UT UTC GMT WET", 0),
        ("BST CET MEZ WEST WAT", 60),
        ("CEST EET MESZ SAST CAT", 120),
        ("EEST MSK TRT EAT AST3", 180),
        ("GST SAMT", 240),
        ("PKT", 300),
        ("IST", 330),
        ("WIB ICT", 420),
        ("HKT SGT AWST PHT WITA", 480),
        ("JST KST WIT", 540),
        ("ACST", 570),
        ("AEST", 600),
        ("ACDT", 630),
        ("AEDT", 660),
        ("NZST", 720),
        ("NZDT", 780),
        ("NST", -210),
        ("NDT", -150),
        ("ADT BRT ART CLST", -180),
        ("AST EDT CLT", -240),
        ("EST CDT", -300),
        ("CST MDT", -360),
        ("MST PDT", -420),
        ("PST AKDT", -480),
        ("AKST", -540),
        ("HST", -600),
    )
    for name in names.split()
}
"""Minutes east of Greenwich, the commonest meaning of each name in feeds; other names count as UTC."""


def read_moment(text: str) -> datetime | None:
    """The moment a date names, to the second, or None where it names none that the calendar has."""
    try:
        if moment := _plain_moment(text):
            return moment
    except (ValueError, OverflowError):
        pass  # what is odd about it is judged below
    tidy = " ".join(unicodedata.normalize("NFKC", text).split())[:100]
    if tidy.isdigit() and len(tidy) in (10, 13):
        return datetime.fromtimestamp(int(tidy[:10]), UTC)
    found = _calendar_day(tidy)
    if found is None:
        return None
    day, rest = found
    try:
        return _at(day, rest)
    except (ValueError, OverflowError):
        return None


def _plain_moment(text: str) -> datetime | None:
    """The moment of a date that is written as nearly all are, which need not be taken apart word by word."""
    if plain := _PLAIN.fullmatch(text):
        day, month, year, hour, minute, second, sign, east_hours, east_minutes = plain.groups()
        local = datetime(int(year), _ENGLISH[month.lower()], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign is None:
            return local
        east = timedelta(minutes=int(east_hours) * 60 + int(east_minutes))
        return None if east >= timedelta(days=1) else local + east if sign == "-" else local - east
    if plain := _PLAIN_ISO.fullmatch(text):
        return datetime.fromisoformat(plain[1] + plain[2]).astimezone(UTC)
    return None


def _calendar_day(text: str) -> tuple[date, str] | None:
    """The day that is named, and what stands of the time."""
    try:
        if iso := _ISO.match(text):
            return date(int(iso["year"]), int(iso["month"]), int(iso["day"] or 1)), iso["time"] or ""
        if compact := _COMPACT.match(text):
            hour, minute, second, zone = compact.groups()[3:]
            time = f"{hour}:{minute}:{second}{zone}" if hour else ""
            return date(int(compact["year"]), int(compact["month"]), int(compact["day"])), time
        if numeric := _NUMERIC.match(text):
            return _numeric_day(numeric), numeric["time"] or ""
        return _named_day(text)
    except ValueError:
        return None


def _numeric_day(found: re.Match[str]) -> date:
    """`2026/03/01`; `01.03.2026` by day, `13/03/2026` too; `03/13/2026` and `03/04/2026` by month, as Americans do."""
    first, mark, second, third = found.group(1), found.group(2), int(found.group(3)), found.group(4)
    if len(first) == 4:  # noqa: PLR2004
        return date(int(first), second, int(third))
    is_by_day = mark == "." or int(first) > 12  # noqa: PLR2004
    day, month = (int(first), second) if is_by_day else (second, int(first))
    return date(_full_year(third), month, day)


def _named_day(text: str) -> tuple[date, str] | None:
    time = _TIME.search(text)
    # the year may follow the time, as in asctime
    before, after = (text[: time.start()], text[time.start() :]) if time else (text, "")
    months = [month for word in _WORD.findall(before) if (month := _month(word))]
    numbers = re.findall(r"\d+", before)
    if len(numbers) == 1 and (year := re.search(r"(?<![\d:+-])(\d{4})$", after)):
        numbers.append(year[1])
        after = after[: year.start()].strip()
    if len(numbers) != 2 or not months:  # noqa: PLR2004
        return None
    day, year_digits = numbers if len(numbers[0]) <= 2 else reversed(numbers)  # noqa: PLR2004
    return date(_full_year(year_digits), months[-1], int(day)), after


def _full_year(digits: str) -> int:
    """Two digits are a year from 1970 to 2069."""
    year = int(digits)
    return year if len(digits) > 2 else year + (1900 if year >= 70 else 2000)  # noqa: PLR2004


def _at(day: date, text: str) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    time = _TIME.search(text)
    if not time:
        return midnight
    hour, minute, second = int(time["hour"]), int(time["minute"]), int(time["second"] or 0)
    if time["half"]:
        hour = hour % 12 + (12 if time["half"].lower().startswith("p") and hour <= 12 else 0)  # noqa: PLR2004
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second):  # noqa: PLR2004
        raise ValueError(text)
    # 24:00 is the next day's midnight, and a leap second the next minute's first
    local = midnight + timedelta(hours=hour, minutes=minute, seconds=second)
    return local.replace(tzinfo=_zone(time["zone"])).astimezone(UTC)


def _zone(text: str) -> timezone:
    if offset := _OFFSET.match(text):
        sign, hours, minutes = offset.groups()
        east = int(hours) * 60 + int(minutes or 0)
        return timezone(timedelta(minutes=-east if sign == "-" else east)) if east < 24 * 60 else UTC
    name = _WORD.match(text.lstrip("("))
    return timezone(timedelta(minutes=_ZONES.get(name[0].upper(), 0) if name else 0))


def _month(word: str) -> int | None:
    plain = _undressed(word)
    if plain in _ENGLISH_DAYS:
        return None  # the other languages' names take a third of a second to load
    return _ENGLISH.get(plain[:3]) if plain in _ENGLISH_NAMES else _months().get(plain)


def _undressed(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


_ENGLISH = {
    name: number
    for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}  # fmt: skip
_ENGLISH_NAMES = frozenset(
    (
        "jan january feb february mar march apr april may jun june jul july aug august sep sept september oct "
        "october nov november dec december"
    ).split()
)
_ENGLISH_DAYS = frozenset(
    ("mon monday tue tues tuesday wed wednesday thu thur thurs thursday fri friday sat saturday sun sunday").split()
)
"""None of them is a month in any of the languages."""


@cache
def _months() -> dict[str, int]:
    """Month names, full and short, of the locales above; a name that means two months means neither."""
    from babel import Locale

    meant: dict[str, set[int]] = {}
    for code in _LOCALES:
        months = Locale(code).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    meant.setdefault(_undressed(name.rstrip(".")), set()).add(number)
    return {name: min(numbers) for name, numbers in meant.items() if len(numbers) == 1}
