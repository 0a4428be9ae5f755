"""What looks like personal data in a text that is public or is going to be.

Made for few false alarms, since an alarm stops a colleague: what is found says itself what it is, by a checksum, by the way in which
a country writes it, or by the words before it. It is a second pair of eyes and no proof that a text is free of personal data.

Not looked for: names, addresses, dates of birth; numbers within links, @handles and #hashtags (order numbers and e-mail addresses
there are found); telephone numbers that are free to call, which are never a person's; numbers over more than one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import regex

from domain.accounts import cards, ibans
from domain.e_mails import e_mails, mask_of_e_mail
from domain.order_numbers import order_pattern
from domain.plain_text import Sheet, Stretch, plain
from domain.sentences import joined, say
from domain.telephones import FEWEST_DIGITS, national, phones

__all__ = ["Finding", "Kind", "find", "masked", "named", "order_pattern"]


class Kind(StrEnum):
    """What a finding is."""

    E_MAIL = "e_mail"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data at `start` to `end` of the text as given. Never over the end of a line."""

    kind: Kind
    start: int
    end: int


Pattern = re.Pattern[str] | regex.Pattern[str]

_LINK = regex.compile(
    r"""(?:(?:https?|ftp)://|(?<![\w•])www\.|(?<=[\w•]\.)\p{L}{2,24}/)(?:[^\s•]|•++[ ]?)*+
    |(?<![\w•])@[A-Za-z0-9_•.-]+
    |\#[\w•]+""",
    regex.IGNORECASE | regex.VERBOSE,
)
"""A link, from `://`, `www.` or `.com/` on; a handle; a hashtag. A hidden piece does not end it."""
_AN_OBJECT = "\ufffc"

_HIDDEN = regex.compile(r"[^\W_]{0,2}•{3,}+(?:@[^\W_]?•{3,}+\.[^\W\d_]{2,24}| ?[^\W_]{1,4}(?![^\W_]))?")
"""What `masked` writes."""


def find(text: str, orders: Sequence[Pattern] = (), ours: frozenset[str] = frozenset()) -> list[Finding]:
    """What looks personal in `text`: in order, apart from each other. Takes time in proportion to the text's length.

    `orders` are the brand's own patterns of order and customer numbers, made by `order_pattern`. `ours` are the brand's public
    addresses and numbers, written in any way, which never count. What `masked` has hidden is not found again.
    """
    read = plain(text)
    found = [Finding(kind, *read.span(*stretch)) for kind, stretch in _found(Sheet(read.text), orders, *_parted(ours))]
    return sorted(found, key=lambda finding: finding.start)


def _parted(ours: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The brand's addresses and its numbers, as they are compared."""
    addresses = frozenset(plain(own).text.strip().casefold() for own in ours if "@" in own)
    return addresses, frozenset(national(plain(own).text) for own in ours if "@" not in own) - {""}


def _found(sheet: Sheet, orders: Sequence[Pattern], addresses: frozenset[str], numbers: frozenset[str]) -> Iterator[tuple[Kind, Stretch]]:
    """One kind after the other, each on what those before have left, so that hiding what was found uncovers nothing new."""
    for hidden in _HIDDEN.finditer(sheet.text):
        sheet.take(*hidden.span())
    yield from _taken(sheet, Kind.IBAN, ibans(sheet.settled()))
    yield from _taken(sheet, Kind.E_MAIL, e_mails(sheet.settled(), addresses))
    numeric = sum(map(sheet.text.count, "0123456789")) >= FEWEST_DIGITS
    if numeric:
        yield from _taken(sheet, Kind.CARD, cards(_without_links(sheet.settled())))
    for pattern in orders:
        yield from _taken(sheet, Kind.ORDER, _orders(sheet.settled(), pattern, numbers))
    if numeric:
        yield from _taken(sheet, Kind.PHONE, phones(_without_links(sheet.settled()), numbers))


def _taken(sheet: Sheet, kind: Kind, stretches: Iterator[Stretch]) -> Iterator[tuple[Kind, Stretch]]:
    for stretch in stretches:
        sheet.take(*stretch)
        yield kind, stretch


def _without_links(sheet: Sheet) -> Sheet:
    """The sheet with something else in the place of links, handles and hashtags, whose numbers nobody has."""
    return Sheet(_LINK.sub(lambda link: _AN_OBJECT * len(link[0]), sheet.text))


def _orders(sheet: Sheet, pattern: Pattern, ours: frozenset[str]) -> Iterator[Stretch]:
    for match in pattern.finditer(sheet.text):
        written = match[0].strip() and "•" not in match[0] and len(match[0].splitlines()) == 1
        if written and national(match[0]) not in ours:
            yield match.span()


def masked(text: str, findings: Iterable[Finding]) -> str:
    """`text` with each finding hidden but for what it is recognised by. `findings` as `find` gives them for this text.

    Left are the first letters of an e-mail address, the last 4 digits of a card or an account (with its country), 3 at most of a
    telephone number, of an order number a third and 3 at most. Everything else stays as it is, and so do the lines.
    """
    parts, at = [], 0
    for finding in findings:
        parts += [text[at : finding.start], _MASKS[finding.kind](plain(text[finding.start : finding.end]).text)]
        at = finding.end
    return "".join([*parts, text[at:]])


def named(kinds: Iterable[Kind]) -> str:
    """How people are told what was found: "an e-mail address and a phone number". Each kind once; nothing for none."""
    there_are = frozenset(kinds)
    names = [name for kind, name in _NAMES.items() if kind in there_are]
    if len(names) < 2:
        return names[0] if names else ""
    return say("{several} and {last}", several=joined(", ", names[:-1]), last=names[-1])


_NAMES = {
    Kind.E_MAIL: say("an e-mail address"),
    Kind.PHONE: say("a phone number"),
    Kind.CARD: say("a card number"),
    Kind.IBAN: say("a bank account number"),
    Kind.ORDER: say("an order number"),
}


def _mask_of_number(most: int, share: int) -> Callable[[str], str]:
    def mask(number: str) -> str:
        signs = "".join(sign for sign in number if sign.isalnum())
        left = min(most, len(signs) // share)
        return f"•••• {signs[-left:]}" if left else "••••"

    return mask


def _mask_of_iban(iban: str) -> str:
    return f"{iban[:2].upper()}{_MASKS[Kind.CARD](iban)}"


_MASKS: dict[Kind, Callable[[str], str]] = {
    Kind.E_MAIL: mask_of_e_mail,
    Kind.PHONE: _mask_of_number(3, 3),
    Kind.CARD: _mask_of_number(4, 3),
    Kind.IBAN: _mask_of_iban,
    Kind.ORDER: _mask_of_number(3, 3),
}
