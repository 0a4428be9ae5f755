"""Telephone numbers in a plain text (see `plain_text`): what people write, told from all the other digits in a complaint.

There is no one shape, so a run of digits counts when it says itself that it is a number to call (a leading + or 00, a trunk 0, an area
code in brackets, the groups that a country writes), or when the words before it do ("my mobile is 8106028994").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from domain.plain_text import Sheet, Stretch

FEWEST_DIGITS = 7
"""A number has at least so many."""

_GROUP = re.compile(r"[0-9]+")
_GAP = re.compile(r" {0,2}[-./()]{0,3} {0,2}")
_OPENING = re.compile(r"(?:\(\+ ?|\+ ?\(?|\()\Z")
_WIDEST_GAP = 5
_MOST_GROUPS, _MOST_DIGITS = 8, 17
_SURELY_WHOLE = 10  # so long a number is none's half, so "0…/0…" are two

_CALLING_CODE = re.compile(
    r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-69]\d|3[578]\d|42[013]|5[09]\d|6[789]\d|8[058]\d|87[08]|9[679]\d"
)
"""The codes of countries as the ITU gives them out (E.164)."""
_LENGTHS = {
    **dict.fromkeys(("1", "7", "63", "90", "92"), (10, 10)),
    **dict.fromkeys(("27", "31", "33", "34", "41", "48", "61", "351"), (9, 9)),
    **dict.fromkeys(("45", "47", "65", "852"), (8, 8)),
    **dict.fromkeys(("32", "971"), (8, 9)),
    **dict.fromkeys(("44", "81", "254"), (9, 10)),
    **dict.fromkeys(("46", "353"), (7, 9)),
    "39": (6, 11),
    "55": (10, 11),
    "64": (8, 10),
    "86": (10, 11),
    "91": (10, 10),
    "234": (8, 10),
}
"""How many digits follow the code, where one length or nearly one is in use; else 6 to 12."""

_ROUND = "000000"
_AMERICAN = re.compile(r"[2-9]\d{2}[2-9]\d{6}")
_AMERICAN_FREE = ("800", "833", "844", "855", "866", "877", "888")
_YEAR = re.compile(r"(?:19|20)\d\d")
_TIME = re.compile(r"(?:[01]\d|2[0-4])[0-5][05]")
_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d\d")

_NOT_CALLED = regex.compile(
    r"""(?:\b(?:orders?|ref|reference|case|ticket|booking|reservation|confirmation|pnr|tracking|parcel|package|shipment|consignment|delivery
    |invoice|receipt|account|acct|acc|a/c|customer|member|membership|policy|claim|serial|imei|meid|sim|iccid|model|error|code|pin|sku|isbn
    |ean|upc|asin|vin|item|product|part|flight|transaction|txn|utr|meter|device|voucher|coupon|incident|complaint|request|id|version|build
    |bestellung|auftrag|commande|pedido|ordine)|(?<!telefon|handy|mobil|ruf)nummer|\#)
    (?:[ ]?[:.,=\#'"-]?[ ]?(?:number|numero|num|no|nr|id|code|ref|reference|is|was|of|s)\b){0,3}[ ]?[:.,=\#'"(-]{0,2}[ ]{0,2}\Z""",
    regex.IGNORECASE | regex.VERBOSE,
)
_CALLED = regex.compile(
    r"""(?:\b(?:(?:tele|smart)?phone|tel|telefon|téléphone|teléfono|telefone|telefono|telefonnummer|rufnummer|handynummer|mobilnummer|handy
    |mobile|mob|cell|cellphone|cellular|celular|cellulare|móvil|movil|telemóvel|portable|whatsapp|fax|sms|contact|reach|ring|dial
    |call|text[ ](?:me|us)|my[ ]number|number[ ]to[ ]call)\b|電話|携帯|هاتف)[.'’]?[^0-9•.!?;]{0,20}\Z""",
    regex.IGNORECASE | regex.VERBOSE,
)
_CALLED_AFTER = re.compile(r"\W{0,3}(?:is|was) my (?:\w{1,12} )?(?:tele)?(?:phone|mobile|cell|whatsapp|contact)\b", re.IGNORECASE)
_BEFORE, _AFTER = 48, 40

_MONEY_BEFORE = re.compile(r"(?:[$£€¥₹₦₽₩]|\b(?:rs|inr|usd|eur|gbp|ksh|kes|ngn|aud|cad)\.?) ?\Z", re.IGNORECASE)
_MONEY_AFTER = re.compile(r" ?(?:[$£€¥₹₦₽₩%‰]|(?:usd|eur|gbp|inr|kr|zł)\b)", re.IGNORECASE)

_BARRED = regex.compile(
    r"""(?<![\d./-])(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})|\d{4}([./-])\d{1,2}\2\d{1,2})(?![./-]?\d)   # a date
    |(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d)                                                                # a time
    |(?<![\d./])(?:24[ ]?[/x×][ ]?7|7/7)(?![\d/]|\.\d)                                                    # around the clock
    |(?<![\d.])(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})(?!\.?\d)                                     # an IP address, a version
    """,
    regex.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Number:
    """Groups of digits that may be one number, and what stands between them. `bracket`: one opens before the first."""

    groups: tuple[str, ...]
    gaps: tuple[str, ...]
    plus: bool = False
    bracket: bool = False

    @property
    def digits(self) -> str:
        return "".join(self.groups)

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(map(len, self.groups))

    @property
    def international(self) -> bool:
        return self.plus or self.groups[0].startswith("00")

    def parted(self) -> tuple[str, str]:
        """The country's code ("" when it was not written), and the number within the country without a trunk 0."""
        if not self.international:
            american = len(self.digits) == 11 and self.digits.startswith("1") and _AMERICAN.fullmatch(self.digits[1:])
            return ("1", self.digits[1:]) if american else ("", self.digits.removeprefix("0"))
        digits = self.digits if self.plus else self.digits[2:]
        code = _CALLING_CODE.match(digits)
        return (code[0], digits[code.end() :].removeprefix("0")) if code else ("", "")

    def looks_international(self) -> bool:
        code, rest = self.parted()
        least, most = _LENGTHS.get(code, (6, 12))
        if code == "1" and not _AMERICAN.fullmatch(rest):
            return False
        return bool(code) and least <= len(rest) <= most and 9 <= len(code + rest) <= 15 and not rest.endswith(_ROUND)

    def looks_national(self) -> bool:
        """Written as countries write their numbers, so that it needs no word that says what it is."""
        shaped = self._with_trunk_0() or self._american() or self._bracketed() or self._mobile()
        return shaped and not self.digits.endswith(_ROUND)

    def _with_trunk_0(self) -> bool:
        digits, lengths = self.digits, self.lengths
        if not re.match(r"0[1-9]", self.groups[0]):
            return False
        if len(lengths) == 1:
            return lengths[0] in (10, 11) or bool(re.fullmatch(r"01[5-7]\d{9}", digits))
        if any("/" in gap for gap in self.gaps[1:]) or min(lengths) < 2 or lengths[0] > 6 or len(lengths) > 6 or self._timetable():
            return False
        if len(digits) == 9:
            return not (lengths == (5, 4) and self.gaps == ("-",))  # "02134-1234" is an address in Boston
        return len(digits) in (10, 11) or (len(digits) == 12 and (len(lengths) == 2 or bool(re.match(r"01[5-7]", digits))))

    def _timetable(self) -> bool:
        """0900-1700 12, 09.30-17.00 12, 01 11 2017 10"""
        if set(self.lengths) == {2}:
            return len(set(self.gaps)) > 1
        if self.lengths[:3] == (2, 2, 4):
            return bool(_YEAR.fullmatch(self.groups[2]))
        return all(_TIME.fullmatch(group) for group in self.groups[:2])

    def _american(self) -> bool:
        """850.266.3576, 1-818-930-5703, (818) 9305703"""
        own, gaps = (self.lengths[1:], self.gaps[1:]) if self.groups[0] == "1" else (self.lengths, self.gaps)
        bracket = bool(gaps) and ")" in gaps[0]
        shaped = (own == (3, 3, 4) and (bracket or gaps[0] == gaps[1])) or (own == (3, 7) and bracket)
        return shaped and bool(_AMERICAN.fullmatch(self.digits[-10:]))

    def _bracketed(self) -> bool:
        """(11) 91234-5678"""
        return self.bracket and 2 <= self.lengths[0] <= 5 and 9 <= len(self.digits) <= 12 and min(self.lengths) >= 2

    def _mobile(self) -> bool:
        """138 1234 5678 in China, 98765 43210 in India"""
        first = self.groups[0]
        if self.lengths == (3, 4, 4):
            return bool(re.match(r"1[3-9]", first))
        round_ = any(group.endswith("00") for group in self.groups)
        return self.lengths == (5, 5) and first[0] in "6789" and self.gaps == (" ",) and not round_

    def looks_called(self) -> bool:
        """Digits that may well be a number, when the words around say so."""
        digits, lengths = self.digits, self.lengths
        if not FEWEST_DIGITS <= len(digits) <= 12 or min(lengths) < 2 or len(lengths) > 5 or any("/" in gap for gap in self.gaps):
            return False
        if all(_YEAR.fullmatch(group) or _TIME.fullmatch(group) for group in self.groups):
            return False
        return not _DATE.fullmatch(digits) and not digits.endswith("000")

    def free_to_call(self) -> bool:
        """Whether callers pay nothing: such a number is an organisation's, never a person's."""
        code, rest = self.parted()
        if not code and self.lengths == (4, 3, 3) and self.groups[0] == "0120":
            return True  # Japan
        if not code and not self.digits.startswith("0") and len(self.digits) == 10:
            code = "1"
        return code == "800" or rest.startswith(_AMERICAN_FREE if code == "1" else "800")


def national(number: str) -> str:
    """A number's digits within its country, by which it is known again however it is written: +44 800 … and 0800 … alike."""
    groups = tuple(_GROUP.findall(number))
    return _Number(groups, (), plus="+" in number).parted()[1] if groups else ""


def phones(sheet: Sheet, ours: frozenset[str]) -> Iterator[Stretch]:
    """The numbers that may be a person's, in order; not those that are free to call, nor `ours` (written as by `national`)."""
    floor = 0
    for run in _runs(sheet.text):
        at = fresh = 0
        while at < len(run):
            if at > fresh and _goes_on(run[at - 1], run[at]):
                at += 1
                continue
            found = _from(sheet, run, at, max(floor, run[at][0] - _BEFORE), ours)
            if found is None:
                at += 1
                continue
            at = fresh = found.last + 1
            if found.personal:
                floor = found.end
                yield found.start, found.end


def _goes_on(before: Stretch, group: Stretch) -> bool:
    """Whether two groups are of a long number written in fours, such as an account's: "3704 0044 0532 0130" has no number in it."""
    return before[1] - before[0] == group[1] - group[0] == 4 and group[0] - before[1] == 1


def _runs(text: str) -> Iterator[list[Stretch]]:
    """Groups of digits with nothing between them but what people part a number with, and none of a date or the like."""
    barred = bytearray(len(text))
    for zone in _BARRED.finditer(text):
        barred[zone.start() : zone.end()] = b"\1" * len(zone[0])
    run: list[Stretch] = []
    for group in _GROUP.finditer(text):
        start, end = group.span()
        free = barred.find(1, start, end) < 0
        if run and not (free and start - run[-1][1] <= _WIDEST_GAP and _GAP.fullmatch(text, run[-1][1], start)):
            yield run
            run = []
        if free:
            run.append((start, end))
    if run:
        yield run


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    last: int
    """The last group of its run that belongs to it."""
    personal: bool


def _from(sheet: Sheet, run: Sequence[Stretch], first: int, floor: int, ours: frozenset[str]) -> _Found | None:
    """The number that begins with this group: ours if there is one, else the longest. `floor`: where the words before it begin."""
    longest: _Found | None = None
    digits = 0
    for last in range(first, min(first + _MOST_GROUPS, len(run))):
        digits += run[last][1] - run[last][0]
        if digits > _MOST_DIGITS:
            break
        if digits < FEWEST_DIGITS:
            continue
        (start, end), number = _read(sheet.text, run[first : last + 1], floor)
        alone = sheet.stands_alone(start, end, beside_a_slash=digits >= _SURELY_WHOLE)
        if not alone or not _is_phone(sheet.text, start, end, number, floor):
            continue
        if number.parted()[1] in ours:
            return _Found(start, end, last, personal=False)
        longest = _Found(start, end, last, personal=not number.free_to_call())
    return longest


def _read(text: str, groups: Sequence[Stretch], floor: int) -> tuple[Stretch, _Number]:
    start, end = groups[0][0], groups[-1][1]
    gaps = tuple(text[before[1] : after[0]] for before, after in pairwise(groups))
    opening = _OPENING.search(text, max(floor, start - 3), start)
    sign = opening[0] if opening else ""
    closed = ")" in "".join(gaps)
    if sign.startswith("(") and not closed:
        sign = sign[1:]
    if sign == "+ (" or (sign == "+(" and not closed):
        sign = ""
    number = _Number(tuple(text[s:e] for s, e in groups), gaps, "+" in sign, "(" in sign and "+" not in sign)
    return (start - len(sign), end), number


def _is_phone(text: str, start: int, end: int, number: _Number, floor: int) -> bool:
    if number.plus:
        return number.looks_international()
    before = text[floor:start]
    if _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(text, end) or _NOT_CALLED.search(before):
        return False
    if number.international:
        return number.looks_international()
    called = _CALLED.search(before) or _CALLED_AFTER.match(text, end, end + _AFTER)
    return number.looks_national() or (bool(called) and number.looks_called())
