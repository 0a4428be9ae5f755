"""Card numbers and IBANs in a plain text (see `plain_text`). Both prove themselves by a checksum and by who issues them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from domain.plain_text import Sheet, Stretch, wordy

_DIGITS = re.compile(r"[0-9]+")
_GAP = re.compile(r"[ ./_-]{1,3}")
_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({13, 16, 19})),  # Visa
    (51, 55, frozenset({16})),  # Mastercard
    (2221, 2720, frozenset({16})),
    (34, 34, frozenset({15})),  # American Express
    (37, 37, frozenset({15})),
    (300, 305, frozenset({14})),  # Diners Club
    (309, 309, frozenset({14})),
    (36, 36, frozenset({14})),
    (38, 39, frozenset({14})),
    (6011, 6011, frozenset({16, 19})),  # Discover
    (644, 659, frozenset({16, 19})),
    (62, 62, frozenset({16, 19})),  # UnionPay
    (3528, 3589, frozenset({16, 19})),  # JCB
    (60, 60, frozenset({16})),  # RuPay
    (81, 82, frozenset({16})),
    (2200, 2204, frozenset({16})),  # Mir
    (5018, 5020, frozenset({16, 19})),  # Maestro, Dankort
    (5038, 5038, frozenset({16, 19})),
    (5893, 5893, frozenset({16, 19})),
    (6304, 6304, frozenset({16, 19})),
    (6759, 6763, frozenset({16, 19})),
    (9792, 9792, frozenset({16})),  # Troy
)
"""First digits from, to, and how many there are in all. 17 and 18 are left out: nearly all numbers of that length are ids of posts."""

_IBAN = re.compile(r"[A-Za-z]{2}[0-9]{2}")
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
"""The countries of SWIFT's IBAN registry."""
_FEWEST_IBAN_DIGITS = 8  # no country has fewer, and words have none


def cards(sheet: Sheet) -> Iterator[Stretch]:
    """Card numbers, in order."""
    groups = [group.span() for group in _DIGITS.finditer(sheet.text)]
    done = 0
    for first, (start, _) in enumerate(groups):
        if start >= done and (end := _card_end(sheet, groups, first)):
            done = end
            yield start, end


def _card_end(sheet: Sheet, groups: Sequence[Stretch], first: int) -> int:
    """Where the longest card number ends that begins with this group; 0 when none does."""
    start, before = groups[first]
    digits, sizes, longest = "", set(), 0
    for begins, ends in islice(groups, first, first + _LONGEST_CARD):
        if begins > before and not _GAP.fullmatch(sheet.text, before, begins):
            break
        digits += sheet.text[begins:ends]
        if len(digits) > _LONGEST_CARD:
            break
        sizes.add(ends - begins)
        before = ends
        if _is_card(digits) and (min(sizes) > 1 or sizes == {1}) and sheet.stands_alone(start, ends, beside_a_slash=True):
            longest = ends
    return longest


def _is_card(digits: str) -> bool:
    if len(digits) < _SHORTEST_CARD or len(set(digits)) == 1:
        return False
    issued = any(len(digits) in lengths and low <= int(digits[: len(str(low))]) <= high for low, high, lengths in _ISSUERS)
    return issued and _luhn(digits)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[::-2]))) % 10 == 0


def ibans(sheet: Sheet) -> Iterator[Stretch]:
    """IBANs in either case, in order."""
    for head in _IBAN.finditer(sheet.text):
        start = head.start()
        end = _iban_end(sheet.text, head.end(), _IBAN_LENGTHS.get(head[0][:2].upper(), 0))
        if end and _is_apart(sheet.text, start, end) and _is_iban(sheet.text[start:end]):
            yield start, end


def _iban_end(text: str, at: int, length: int) -> int:
    """Where an IBAN of this length ends whose first four characters end at `at`; 0 when there are not so many."""
    count = 4
    for place in range(at, min(at + 3 * length, len(text))):
        sign = text[place]
        if sign.isascii() and sign.isalnum():
            count += 1
            if count == length:
                return place + 1
        elif sign not in " -" or text[place - 2 : place] in ("  ", "--"):
            return 0
    return 0


def _is_apart(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (before and wordy(before)) and not (after and wordy(after))


def _is_iban(written: str) -> bool:
    """ISO 13616: the country and the check digits at the end, letters as numbers from 10 on, leave 1 when divided by 97."""
    iban = "".join(sign for sign in written if sign.isalnum())
    number = int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4]))
    return number % 97 == 1 and sum(map(str.isdigit, iban)) >= _FEWEST_IBAN_DIGITS
