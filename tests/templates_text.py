"""What a template says that is not a message: text between tags, spoken attributes, and sentences in its expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from jinja2 import Environment, nodes
from jinja2.visitor import NodeVisitor

SPOKEN = {"aria-label", "aria-description", "title", "placeholder", "alt"}
AS_IT_IS = {"code", "kbd", "script", "style"}
"""Elements whose text is the same in every language."""
_MARKED = {"_", "gettext", "ngettext", "pgettext"}
_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"\A[A-Z][a-z’' ]+|[a-z] [a-z]")
_HERE = "\ufffc"
_ALWAYS = re.compile(r"\bKB\b|Loopkeeper|data-\w+=|/console/\S*")
"""What is the same in every language, and what only stands in an attribute or an address."""


class _Source(NodeVisitor):
    """The template's own text in its order, and the strings in its expressions that read like words for people."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.strings: list[tuple[int, str]] = []

    def visit_TemplateData(self, node: nodes.TemplateData) -> None:  # noqa: N802 - as Jinja calls it
        self.text.append(node.data)

    def visit_Output(self, node: nodes.Output) -> None:  # noqa: N802 - as Jinja calls it
        for one in node.nodes:
            if isinstance(one, nodes.TemplateData):
                self.visit(one)
            else:
                self.text.append("".join(_shown(one)) or _HERE)
                self.visit(one)

    def visit_Call(self, node: nodes.Call) -> None:  # noqa: N802 - as Jinja calls it
        if not (isinstance(node.node, nodes.Name) and node.node.name in _MARKED):
            self.generic_visit(node)
        for given in node.kwargs:
            self.visit(given)

    def visit_Const(self, node: nodes.Const) -> None:  # noqa: N802 - as Jinja calls it
        if isinstance(node.value, str) and _SENTENCE.search(node.value):
            self.strings.append((node.lineno, node.value))


def _shown(node: nodes.Node) -> Iterator[str]:
    """The constant strings that an expression may show as they are."""
    match node:
        case nodes.Const(value=str() as value):
            yield value
        case nodes.CondExpr(expr1=first, expr2=second):
            yield from _shown(first)
            if second is not None:
                yield from _shown(second)
        case nodes.Or(left=first, right=second) | nodes.And(left=first, right=second):
            yield from _shown(first)
            yield from _shown(second)
        case nodes.Concat(nodes=several):
            for one in several:
                yield from _shown(one)
        case _:
            yield _HERE


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in AS_IT_IS:
            self._within.append(tag)
        for name, value in attrs:
            if name in SPOKEN:
                self._look(value or "")

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self._look(data)

    def _look(self, text: str) -> None:
        if _WORD.search(_ALWAYS.sub("", text)):
            self.found.append((self.getpos()[0], text.strip()))


def unmarked(environment: Environment, source: str) -> list[str]:
    """Each text of a template that nobody could translate, with about where it is."""
    seen, page = _Source(), _Text()
    seen.visit(environment.parse(source))
    page.feed("".join(seen.text))
    page.close()
    return [f"{line}: {text}" for line, text in [*page.found, *seen.strings] if text not in SAME_EVERYWHERE]


SAME_EVERYWHERE = {"Loopkeeper", "Slack", "policy.yaml", "https://…", "UTC"}
