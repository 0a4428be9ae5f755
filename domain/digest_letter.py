"""The digest as an e-mail: the same in plain text and in HTML. What others wrote stands in it as text, escaped where it is HTML."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlsplit

from domain.digest import Digest, Linked
from domain.figures_told import change, told
from domain.report import Figure

NOTHING_RISES = "Nothing rises above the usual."
NOTHING_STALLED = "Nothing is stalled."
CHANGE_IT = "Choose another day or another way"
"""The text of the link to the page of the console."""
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


def subject(made: Digest) -> str:
    """What the mail is called."""
    return f"Loopkeeper, {week(made.first, made.last)}: {made.about}"[:150]


def week(first: date, last: date) -> str:
    """The days, as people say them."""
    begins = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    return f"{begins} to {last.day} {last:%B %Y}"


def compared(figure: Figure) -> str:
    """What it was in the week before, and what that changes."""
    return _before(figure, " the week before")


def _before(figure: Figure, named: str = "") -> str:
    changed = change(figure.value, figure.before, figure.unit)
    return f"{told(figure.before, figure.unit)}{named}{f', {changed}' if changed else ''}"


def stalled_said(made: Digest) -> str:
    """How many cases are stalled now."""
    if not made.stalled_total:
        return NOTHING_STALLED
    more = made.stalled_total - len(made.stalled)
    return f"{made.stalled_total:,} stalled now" + (f"; {more:,} more are on the board" if more else "") + ":"


def plain(made: Digest, stop: str | None) -> str:
    """The text. `stop`: where the reader ends it."""
    lines = [f"{made.about}, {week(made.first, made.last)}", ""]
    wide = max(len(one.title) for one in made.figures)
    lines += [f"  {one.title:<{wide}}  {told(one.value, one.unit):>7}   ({compared(one)})" for one in made.figures]
    lines += ["", f"All the numbers: {made.numbers}", "", "Rising"]
    lines += _listed(made.rising) if made.rising else [f"  {NOTHING_RISES}"]
    lines += ["", "Stalled", f"  {stalled_said(made)}", *_listed(made.stalled)]
    lines += [f"  The board: {made.board}"] if made.stalled_total else []
    lines += ["", "--", f"{CHANGE_IT}: {made.choose}"]
    lines += [f"Stop these mails: {stop}"] if stop else []
    return "\n".join(lines) + "\n"


def _listed(lines: Sequence[Linked]) -> list[str]:
    return [f"  - {one.text}\n    {one.url}" for one in lines]


def html_of(made: Digest, stop: str | None) -> str:
    """The page. Tables, and styles that stand at each part: many mail programs know nothing else."""
    cell = "padding:8px 12px 8px 0;border-bottom:1px solid #d0d7de;text-align:start;vertical-align:top"
    rows = "".join(
        f'<tr><th scope="row" style="{cell};font-weight:400">{_link(made.links[one.key], one.title)}</th>'
        f'<td style="{cell};text-align:end;white-space:nowrap"><strong>{_safe(told(one.value, one.unit))}</strong></td>'
        f'<td class="soft" style="{cell};color:#57606a">{_safe(_before(one))}</td></tr>'
        for one in made.figures
    )
    head = "".join(f'<th scope="col" style="{cell}">{title}</th>' for title in ("What", "Last week", "The week before"))
    stalled = _list(made.stalled) + f"<p>{_link(made.board, 'The board of stalled cases')}</p>" if made.stalled_total else ""
    end = _link(made.choose, CHANGE_IT) + (f" · {_link(stop, 'Stop these mails')}" if stop else "")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{_safe(subject(made))}</title>'
        f'<style>{_STYLE}</style></head><body style="margin:0;background:#fff;color:#1b1f24">'
        f'<table class="all" role="presentation" width="100%" style="{_FONT};font-size:16px;line-height:1.5;color:#1b1f24">'
        f'<tr><td style="padding:24px 16px;border:0"><div style="max-width:40rem;margin:0 auto">'
        f'<h1 style="font-size:22px;margin:0">{_safe(made.about)}</h1>'
        f'<p class="soft" style="margin:0 0 16px;color:#57606a">{_safe(week(made.first, made.last))}</p>'
        f'<table style="border-collapse:collapse;width:100%"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        f"<p>{_link(made.numbers, 'All the numbers')}</p>"
        f'<h2 style="font-size:18px;margin:24px 0 8px">Rising</h2>'
        f"{_list(made.rising) if made.rising else f'<p>{NOTHING_RISES}</p>'}"
        f'<h2 style="font-size:18px;margin:24px 0 8px">Stalled</h2><p>{_safe(stalled_said(made))}</p>{stalled}'
        f'<p class="soft" style="margin:24px 0 0;font-size:14px;color:#57606a">{end}</p>'
        "</div></td></tr></table></body></html>"
    )


def _list(lines: Sequence[Linked]) -> str:
    items = "".join(f'<li dir="auto">{_link(one.url, one.text)}</li>' for one in lines)
    return f'<ul style="margin:0;padding-inline-start:20px">{items}</ul>'


def _link(url: str, words: str) -> str:
    return f'<a href="{_safe(url)}" style="color:#0b5cad">{_safe(words)}</a>'


def _safe(words: str) -> str:
    return html.escape(words, quote=True)


# --- is it theirs? -------------------------------------------------------------------------------------------------------


def confirming(key: str, to: str, link: str) -> Letter:
    """The mail by which somebody confirms that an address is theirs. It says nothing about any case, for it may reach a stranger."""
    return Letter(key, to, CONFIRM, f"{asking(link)}\n\n{link}\n\n{NOT_YOU}\n")


CONFIRM = "Loopkeeper: do you want the weekly digest here?"
NOT_YOU = "If that was not you, leave this alone: then nothing more is sent here."


def asking(link: str) -> str:
    """What somebody is asked before the first digest."""
    host = urlsplit(link).netloc
    return (
        f"Somebody who is signed in at Loopkeeper ({host}) wants its weekly digest sent here. "
        "If that was you, confirm it within three days:"
    )
