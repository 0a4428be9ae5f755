"""E-mail addresses in a plain text (see `plain_text`), also as people spell them to hide them: sam [at] example [dot] com.

Without brackets, "sam at example dot com", it counts only at a provider of mailboxes (gmail, outlook …): "shop at brand dot com" tells
where to shop. Not an address: @user@host, a handle of the fediverse; user@host at the beginning of a link; a picture's name@2x.png.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

from domain.plain_text import Sheet, Stretch, wordy

_AT = re.compile(r" ?[\[({<] ?at ?[\])}>] ?| (?:@|at) |@", re.IGNORECASE)
_SPELT_DOT = r"(?: ?[\[({<] ?dot ?[\])}>] ?| dot )"
_DOT = re.compile(rf"{_SPELT_DOT}|\.", re.IGNORECASE)

_END = r"(?![\p{Lu}\p{Ll}0-9_•])"
_LABEL = r"[\p{Lu}\p{Ll}0-9][\p{Lu}\p{Ll}0-9-]{0,62}"
_CAPITALS = r"[\p{Lu}0-9][\p{Lu}0-9-]{0,62}"
_A_FILE = rf"(?:png|jpe?g|gif|svg|webp|pdf|html|css|js){_END}"
_DOMAIN = regex.compile(
    rf"(?:{_LABEL}(?i:\.|{_SPELT_DOT})){{0,5}}{_LABEL}(?i:{_SPELT_DOT}[a-z]{{2,4}}){_END}"
    rf"|(?:{_LABEL}\.){{1,6}}(?!{_A_FILE})(?:\p{{Ll}}{{2,24}}|Com|Net|Org){_END}"
    rf"|(?:{_CAPITALS}\.){{1,6}}\p{{Lu}}{{2,24}}{_END}"
)
"""The last part is all small, or everything is in capitals: in "help@BrandCare.Thanks" a sentence ends."""

_PROVIDER = r"(?:gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|icloud|aol|gmx|web|protonmail|proton|mail)"
_MAILBOX = {
    " at ": regex.compile(rf"{_PROVIDER}(?:{_SPELT_DOT}[a-z]{{2,4}}){{1,2}}{_END}", regex.IGNORECASE),
    " @ ": regex.compile(rf"{_PROVIDER}(?:(?:\.|{_SPELT_DOT})[a-z]{{2,4}}){{1,2}}{_END}", regex.IGNORECASE),
}
_NOT_A_NAME = frozenset(
    {"in", "on", "up", "me", "us", "it", "him", "her", "them", "here", "there", "look", "log", "logged", "sign", "signed"}
    | {"account", "accounts", "mail", "email", "e-mail", "inbox", "address"}
)
"""Before an "at" of its own, these go on a sentence: "I cannot log in at gmail dot com"."""

_LONGEST_NAME = 64  # RFC 5321, 4.5.3.1.1
_SPELT_BEFORE = re.compile(rf"(?<![\w•.+-])[a-z0-9_-]{{1,30}}{_SPELT_DOT}\Z", re.IGNORECASE)


def e_mails(sheet: Sheet, ours: frozenset[str]) -> Iterator[Stretch]:
    """The addresses that may be a person's, in order; not `ours` (casefolded). Takes what only looks like one."""
    text, floor = sheet.text, 0
    for at in _AT.finditer(text):
        start = _start(text, floor, at.start(), spelt=at[0] != "@")
        name = text[start : at.start()]
        mailbox = _MAILBOX.get(at[0].casefold())
        domain = (mailbox or _DOMAIN).match(text, at.end())
        if not name or domain is None or (mailbox and name.casefold() in _NOT_A_NAME):
            continue
        floor = domain.end()
        elsewhere = text[start - 1 : start] == "@" or text[max(0, start - 3) : start] == "://"
        if elsewhere or f"{name}@{_DOT.sub('.', domain[0])}".casefold() in ours:
            sheet.take(start, floor)
        else:
            yield start, floor


def mask_of_e_mail(address: str) -> str:
    """s•••@e•••.com: the first letters, unless there are hardly more, and the last part of the domain."""
    name, domain = _AT.split(address, maxsplit=1)
    first, *_, top = _DOT.split(domain)
    return f"{name[:1] if len(name) > 2 else ''}•••@{first[:1] if len(first) > 2 else ''}•••.{top}"


def _start(text: str, floor: int, end: int, *, spelt: bool) -> int:
    """Where the name begins that ends at `end`, not before `floor`; there when there is none."""
    start, floor = end, max(floor, end - _LONGEST_NAME)
    while start > floor and text[start - 1] != "•" and (wordy(text[start - 1]) or text[start - 1] in ".+-'"):
        start -= 1
    while start < end and text[start] in ".+-'":
        start += 1
    before = _SPELT_BEFORE.search(text, floor, start) if spelt and start < end else None
    return before.start() if before else start  # sam dot okafor (at) …
