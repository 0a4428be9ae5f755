"""The digest as an e-mail, in its reader's language: the same in plain text and in HTML. What others wrote is escaped where it is HTML."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from domain.digest import Digest, Linked
from domain.figures_told import change, told
from domain.report import Figure
from domain.sentences import Days, Number, Teller, joined, say, say_n

RISING, STALLED = say("Rising"), say("Stalled cases")
NOTHING_RISES = say("Nothing rises above the usual.")
ALL_NUMBERS = say("All the numbers")
CHANGE_IT = say("Choose another day or another way")
"""The text of the link to the page of the console."""
_STOP, _BOARD = say("Stop these mails"), say("The board of stalled cases")
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif"
# Whoever reads in the dark: mail programs that know nothing of it turn the colours round by themselves.
_STYLE = (
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    "@media (prefers-color-scheme:dark){body,table.all{background:#14171c!important;color:#e6e9ee!important}"
    "a{color:#7cb8ff!important}.soft{color:#a9b2bd!important}td,th{border-color:#39414c!important}}"
)


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail that is about no case. `key`: of its effect. `stop`: where one click ends such mails (RFC 8058)."""

    key: str
    to: str = field(repr=False)
    subject: str
    text: str
    html: str | None = None
    stop: str | None = field(default=None, repr=False)


def subject(made: Digest, teller: Teller) -> str:
    """What the mail is called."""
    return teller.tell(say("Loopkeeper, {days}: {about}", days=_days(made), about=made.about))[:150]


def heading(made: Digest) -> str:
    """Whose cases, and which days."""
    return joined(", ", (made.about, _days(made)))


def compared(figure: Figure) -> str:
    """What it was in the week before, and what that changes."""
    before = say("{value} the week before", value=told(figure.before, figure.unit))
    changed = change(figure.value, figure.before, figure.unit)
    return joined(", ", (before, changed)) if changed else before


def _days(made: Digest) -> Days:
    return Days(made.first, made.last)


def stalled_said(made: Digest) -> str:
    """How many cases are stalled now."""
    total, more = made.stalled_total, made.stalled_total - len(made.stalled)
    if not total:
        return say("Nothing is stalled.")
    if not more:
        return say_n("{count} stalled now:", "{count} stalled now:", total, count=Number(total))
    return say_n(
        "{total} stalled now; {count} more is on the board:", "{total} stalled now; {count} more are on the board:", more,
        total=Number(total), count=Number(more),
    )  # fmt: skip


def plain(made: Digest, stop: str | None, teller: Teller) -> str:
    """The text. `stop`: where the reader ends it."""
    tell = teller.tell
    lines = [tell(heading(made)), ""]
    titles = [tell(one.title) for one in made.figures]
    wide = max(len(title) for title in titles)
    lines += [
        f"  {title:<{wide}}  {tell(told(one.value, one.unit)):>7}   ({tell(compared(one))})"
        for title, one in zip(titles, made.figures, strict=True)
    ]
    lines += ["", f"{tell(ALL_NUMBERS)}: {made.numbers}", "", tell(RISING)]
    lines += _listed(made.rising, tell) if made.rising else [f"  {tell(NOTHING_RISES)}"]
    lines += ["", tell(STALLED), f"  {tell(stalled_said(made))}", *_listed(made.stalled, tell)]
    lines += [f"  {tell(_BOARD)}: {made.board}"] if made.stalled_total else []
    lines += ["", "--", f"{tell(CHANGE_IT)}: {made.choose}"]
    lines += [f"{tell(_STOP)}: {stop}"] if stop else []
    return "\n".join(lines) + "\n"


def _listed(lines: Sequence[Linked], tell: Callable[[str], str]) -> list[str]:
    return [f"  - {tell(one.text)}\n    {one.url}" for one in lines]


def html_of(made: Digest, stop: str | None, teller: Teller) -> str:
    """The page. Tables, and styles that stand at each part: many mail programs know nothing else."""

    def safe(words: str) -> str:
        return html.escape(teller.tell(words), quote=True)

    def link(url: str, words: str) -> str:
        return f'<a href="{html.escape(url, quote=True)}" style="color:#0b5cad">{safe(words)}</a>'

    def listed(lines: Sequence[Linked]) -> str:
        items = "".join(f"<li>{link(one.url, one.text)}</li>" for one in lines)
        return f'<ul style="margin:0;padding-inline-start:20px">{items}</ul>'

    def changed(figure: Figure) -> str:
        words = change(figure.value, figure.before, figure.unit)
        return f" ({safe(words)})" if words else ""

    cell = "padding:8px 0;padding-inline-end:12px;border-bottom:1px solid #d0d7de;text-align:start;vertical-align:top"
    rows = "".join(
        f'<tr><th scope="row" style="{cell};font-weight:400">{link(made.links[one.key], one.title)}</th>'
        f'<td style="{cell};text-align:end;white-space:nowrap"><strong>{safe(told(one.value, one.unit))}</strong></td>'
        f'<td class="soft" style="{cell};color:#57606a">{safe(told(one.before, one.unit))}{changed(one)}</td></tr>'
        for one in made.figures
    )
    what, last, before = (safe(title) for title in _COLUMNS)
    head = (
        f'<th scope="col" style="{cell}">{what}</th><th scope="col" style="{cell};text-align:end">{last}</th>'
        f'<th scope="col" style="{cell}">{before}</th>'
    )
    stalled = listed(made.stalled) + f"<p>{link(made.board, _BOARD)}</p>" if made.stalled_total else ""
    end = link(made.choose, CHANGE_IT) + (f" · {link(stop, _STOP)}" if stop else "")
    return (
        f'<!doctype html><html lang="{teller.tag}" dir="{teller.direction}"><head><meta charset="utf-8">'
        f'<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(subject(made, teller))}</title>"
        f'<style>{_STYLE}</style></head><body dir="{teller.direction}" style="margin:0;background:#fff;color:#1b1f24">'
        f'<table class="all" role="presentation" width="100%" style="{_FONT};font-size:16px;line-height:1.5;color:#1b1f24">'
        f'<tr><td style="padding:24px 16px;border:0"><div style="max-width:40rem;margin:0 auto">'
        f'<h1 style="font-size:22px;margin:0">{safe(made.about)}</h1>'
        f'<p class="soft" style="margin:0 0 16px;color:#57606a">{safe(_days(made))}</p>'
        f'<table style="border-collapse:collapse;width:100%"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"<p>{link(made.numbers, ALL_NUMBERS)}</p>"
        f'<h2 style="font-size:18px;margin:24px 0 8px">{safe(RISING)}</h2>'
        f"{listed(made.rising) if made.rising else f'<p>{safe(NOTHING_RISES)}</p>'}"
        f'<h2 style="font-size:18px;margin:24px 0 8px">{safe(STALLED)}</h2><p>{safe(stalled_said(made))}</p>{stalled}'
        f'<p class="soft" style="margin:24px 0 0;font-size:14px;color:#57606a">{end}</p>'
        "</div></td></tr></table></body></html>"
    )


_COLUMNS = (say("What"), say("Last week"), say("The week before"))


# --- is it theirs? -------------------------------------------------------------------------------------------------------


def confirming(key: str, to: str, link: str, teller: Teller) -> Letter:
    """The mail by which somebody confirms that an address is theirs. It says nothing about any case, for it may reach a stranger."""
    tell = teller.tell
    return Letter(key, to, tell(CONFIRM), f"{tell(asking(link))}\n\n{link}\n\n{tell(NOT_YOU)}\n")


CONFIRM = say("Loopkeeper: do you want the weekly digest here?")
NOT_YOU = say("If that was not you, leave this alone: then nothing more is sent here.")


def asking(link: str) -> str:
    """What somebody is asked before the first digest."""
    return say(
        "Somebody who is signed in at Loopkeeper ({host}) wants its weekly digest sent here. "
        "If that was you, confirm it within three days:",
        host=urlsplit(link).netloc,
    )
