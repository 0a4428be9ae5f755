"""What is held about a person, as a page that they can read and print."""

from __future__ import annotations

import re
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:start;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #8888}"
    "blockquote{margin:.2rem 0;white-space:pre-wrap;overflow-wrap:anywhere}small{opacity:.75}"
)


_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")


def page(data: dict[str, Any]) -> str:
    """The whole page; nothing in it is fetched from elsewhere."""
    parts = [_person(one) for one in data["people"]]
    if data["not_placed_in_a_case"]:
        rows = "".join(
            f"<tr><td>{_told(one['received_at'])}</td><td>{escape(one['channel'])}</td><td><blockquote>{escape(one['message'])}"
            "</blockquote></td></tr>"
            for one in data["not_placed_in_a_case"]
        )
        parts.append(
            f"<h2>Messages that belong to no case</h2><table><tr><th>Received</th><th>Channel</th><th>Message</th></tr>{rows}</table>"
        )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>What we hold about you</title>'
        f"<style>{_STYLE}</style></head><body><h1>What we hold about you</h1><p><small>As of {_told(data['exported_at'])}. Colleagues are "
        f"named by their role.</small></p>{''.join(parts)}</body></html>\n"
    )


def _person(one: dict[str, Any]) -> str:
    shown = " · ".join(escape(str(v)) for v in (one["name"], f"@{one['handle']}" if one["handle"] else None, one["channel"]) if v)
    told = "".join(f"<li>{escape(t['department'])}, {_told(t['opens_at'])}</li>" for t in one["told_when_we_are_back"])
    posts = "".join(
        f"<li dir='auto'>{escape(p['channel'])} {escape(p['id'])}, {_told(p['posted_at'])}"
        f"{', deleted by you ' + _told(p['deleted_at']) if p['deleted_at'] else ''}</li>"
        for p in one["posts"]
    )
    linked = [
        f"linked with others of these by {link['by']}, {_told(link['at'])}{': ' + link['why'] if link['why'] else ''}"
        for link in one["linked"]
    ]
    linked += [f"first seen signed in to your account with {seen['brand']} {_told(seen['first_seen_at'])}" for seen in one["signed_in"]]
    return (
        f"<h2 dir='auto'>{shown}</h2><p>Known since {_told(one['known_since'])}.</p>{''.join(_case(case) for case in one['cases'])}"
        f"<h3>Your posts, by the network's id</h3><ul>{posts or '<li>none</li>'}</ul>{_loose(one)}"
        f"{f'<h3>How we know that it is you</h3><ul>{_items(linked)}</ul>' if linked else ''}"
        f"{f'<h3>When you were told that we are back</h3><ul>{told}</ul>' if told else ''}"
    )


def _items(lines: list[str]) -> str:
    return "".join(f"<li>{escape(line)}</li>" for line in lines)


def _case(case: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{_told(e['at'])}</td><td>{escape(e['what'].replace('_', ' '))}<br><small>{escape(e['by'])}</small></td>"
        f"<td>{_words(e['words'])}<small>{_details(e['details'])}</small></td></tr>"
        for e in case["history"]
    )
    return (
        f"<h3>Case #{case['number']} ({escape(case['status'].replace('_', ' '))})</h3>"
        f"<table><tr><th>When</th><th>What</th><th>Words and details</th></tr>{rows}</table>"
    )


def _loose(one: dict[str, Any]) -> str:
    """Words that no event of their own cases shows: what they wrote in cases of others, and drafts."""
    own = {case["case"] for case in one["cases"]}
    shown = [e["words"] for case in one["cases"] for e in case["history"] if e["words"]]
    rest = [w for w in one["words"].values() if w["content"] and (w["case"] not in own or w["content"] not in shown)]
    rows = "".join(f"<tr><td>{_told(w['written_at'])}</td><td>{_words(w['content'])}</td></tr>" for w in rest)
    return f"<h3>Other words that we keep with you</h3><table><tr><th>When</th><th>Words</th></tr>{rows}</table>" if rows else ""


def _words(content: dict[str, Any] | None) -> str:
    if not content:
        return ""
    return f"<blockquote dir='auto'>{escape(str(content.get('text', '')))}</blockquote>"


def _details(details: dict[str, Any]) -> str:
    return "; ".join(f"{escape(name.replace('_', ' '))}: {_told(value)}" for name, value in details.items())


def _told(value: Any) -> str:
    """A value as people read it: moments to the second, lists with commas, and of a post on the network its address."""
    if isinstance(value, list | tuple):
        return ", ".join(_told(one) for one in value)
    if isinstance(value, dict):
        return _told(value["url"]) if "url" in value else _details(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    moment = _MOMENT.fullmatch(str(value))
    return f"{moment[1]} {moment[2]} UTC" if moment else escape(str(value))
