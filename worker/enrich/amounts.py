"""Money and dates by rule.

Owns the cue words (currencies, months, weekdays) and the patterns read around them. Does not resolve a date to a day.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from worker.enrich.find import Cue, Find, Reading

_LEFT: Final = 40
_NUMBER: Final = r"\d[\d,]*(?:\.\d+)?"
_SCALE: Final = r"thousand|million|billion|trillion|mln|bln|mn|bn|tn|m|k|b"
_AFTER_SIGN: Final = re.compile(rf"\s?{_NUMBER}(?:\s?[-–]\s?{_NUMBER})?(?:\s?-?(?:{_SCALE})\b)?", re.IGNORECASE)
_BEFORE_CURRENCY: Final = re.compile(rf"(?<![\w.,]){_NUMBER}(?:[\s-]?(?:{_SCALE}))?[\s-]$", re.IGNORECASE)
_SIGN_COUNTRY: Final = re.compile(r"(?<!\w)(?:US|AU|A|CA|C|HK|NZ|S|R)$")
_YEAR: Final = r"(?:1[5-9]|20)\d\d\b"
_DAY: Final = r"\d{1,2}(?:st|nd|rd|th)?\b(?![:.,]\d)"
_AFTER_MONTH: Final = re.compile(rf"\.?\s(?:{_DAY}(?:\s?[-–]\s?{_DAY})?(?:,?\s{_YEAR})?|{_YEAR})|,\s{_YEAR}")
_YEAR_AFTER: Final = re.compile(rf"\.?,?\s{_YEAR}")
_DAY_BEFORE: Final = re.compile(r"(?<![\w.,:])\d{1,2}(?:st|nd|rd|th)?(?:\sof)?\s$")
# What may not stand before the digits is looked for behind them. It keeps one find from starting within another.
_NUMERIC: Final = re.compile(r"(?:19|20)\d\d(?<![\w.,$€£-]....)(?:-[01]\d-[0-3]\d(?!\w)|(?![\w%-]|[.,]\d))")

_SIGNS: Final = ("$", "€", "£", "¥", "₽", "₴", "₹", "₩", "₪", "₺")
_CODES: Final = ("usd", "eur", "gbp", "chf", "jpy", "cny", "rub", "uah", "inr", "krw", "irr", "aed", "sar")
_CURRENCIES: Final = (
    "dollars dollar euros euro pounds yuan renminbi rubles roubles ruble rouble rupees yen hryvnia "
    "hryvnias won riyals rials dirhams shekels lira liras francs zloty pesos reais krona kroner kronor "
    "forints rand naira"
).split()
_MONTHS: Final = (
    "january february march april may june july august september october november december jan feb mar "
    "apr jun jul aug sept sep oct nov dec"
).split()
_SURE_MONTHS: Final = frozenset(_MONTHS[:12]) - {"march", "may", "august"}
_DAYS: Final = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    *("yesterday", "today", "tomorrow"),
)


def amount_cues() -> Iterator[Cue]:
    """Yield the cues of MONEY and DATE; bare years and ISO dates are found by `numeric_dates`."""
    for sign in (*_SIGNS, *_CODES):
        yield Cue(sign, _read_sign, is_prefix=not sign.isalpha())
    for currency in _CURRENCIES:
        yield Cue(currency, _read_currency)
    for month in _MONTHS:
        yield Cue(month, _read_month)
    for day in _DAYS:
        yield Cue(day, _read_day)


def numeric_dates(text: str) -> Iterator[Find]:
    """Yield years (1900 to 2099) and ISO 8601 dates."""
    for start in sorted(chain(_places(text, "19"), _places(text, "20"))):
        if match := _NUMERIC.match(text, start):
            yield Find(start, match.end(), "DATE")


def _places(text: str, digits: str) -> Iterator[int]:
    """Where digits stand; to leap to them costs half as much as a search for either."""
    start = text.find(digits)
    while start >= 0:
        yield start
        start = text.find(digits, start + 1)


def _read_sign(reading: Reading, start: int, end: int) -> Find | None:
    amount = _AFTER_SIGN.match(reading.text, end)
    if not amount:
        return _read_currency(reading, start, end)
    country = _SIGN_COUNTRY.search(reading.text, max(0, start - 3), start)
    return Find(country.start() if country else start, amount.end(), "MONEY")


def _read_currency(reading: Reading, start: int, end: int) -> Find | None:
    number = _BEFORE_CURRENCY.search(reading.text[max(0, start - _LEFT) : start])
    return Find(start - len(number.group()), end, "MONEY") if number else None


def _read_month(reading: Reading, start: int, end: int) -> Find | None:
    if reading.text[start].islower():
        return None
    if day := _DAY_BEFORE.search(reading.text[max(0, start - _LEFT) : start]):
        year = _YEAR_AFTER.match(reading.text, end)
        return Find(start - len(day.group()), year.end() if year else end, "DATE")
    if after := _AFTER_MONTH.match(reading.text, end):
        return Find(start, after.end(), "DATE")
    return Find(start, end, "DATE") if reading.lower[start:end] in _SURE_MONTHS else None


def _read_day(_reading: Reading, start: int, end: int) -> Find:
    return Find(start, end, "DATE")
