"""Every message that pages can show: those in the templates, those in the code, and the words of closed sets.

`python -m api.languages` brings the catalogues up to date with them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po

from domain.story import OWED
from domain.values import Audience, ClockName, Intent, Priority, Purpose, Role, Status, Via

ROOT = Path(__file__).parent.parent.parent
CODE = ("domain", "api", "adapters")
_TEMPLATES = {"trimmed": "true", "newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
_IN_CODE = {"say": None, "mark": None, "say_n": (1, 2), "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
_IN_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
CLOSED: tuple[type[StrEnum], ...] = (Audience, ClockName, Intent, Priority, Purpose, Role, Status, Via)
"""Closed sets whose words templates show with `|spoken`."""
CATEGORIES = ("billing", "technical", "product", "website", "delivery", "service", "other")
"""Those of the policy that comes with the product; a policy's own are shown as it has them."""


def messages() -> Catalog:
    """The messages as the sources have them now, without translations."""
    found = Catalog(fuzzy=False)
    for path in sorted((ROOT / "api" / "templates").glob("*.html")):
        _add(found, path, "jinja2", _IN_TEMPLATES, _TEMPLATES)
    for path in (path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))):
        _add(found, path, "python", _IN_CODE, {})
    for word in words():
        found.add(word, auto_comments=["a word of a closed set"])
    return found


def words() -> Iterator[str]:
    """Words that are shown without standing in a template or a sentence."""
    for kinds in CLOSED:
        yield from (str(one.value).replace("_", " ") for one in kinds)
    yield from CATEGORIES
    yield from (category.capitalize() for category in CATEGORIES)  # by which the reports call them
    yield "open"  # an outcome that auditors look for
    yield from OWED.values()
    yield from (told.lower() for told in OWED.values())


def _add(found: Catalog, path: Path, method: str, keywords: Mapping[str, Any], options: dict[str, str]) -> None:
    where = path.relative_to(ROOT).as_posix()
    for _, message, comments, context in extract_from_file(method, path, keywords, ["Translators:"], options):
        found.add(message, locations=[(where, 0)], auto_comments=comments, context=context)


def written(catalogue: Catalog) -> bytes:
    """A catalogue as it is kept: no moment and no name in its head, so that it only changes where messages do."""
    body = io.BytesIO()
    write_po(body, catalogue, width=0, include_lineno=False, omit_header=True)
    head = f"""msgid ""\nmsgstr ""\n"Language: {catalogue.locale}\\n"\n"Plural-Forms: {catalogue.plural_forms}\\n"\n"""
    return (head + '"Content-Type: text/plain; charset=utf-8\\n"\n\n').encode() + body.getvalue()


def brought_up_to_date(catalogue: Catalog) -> Catalog:
    """A language's catalogue with exactly the messages that there are now; new ones have no translation yet."""
    catalogue.update(messages(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def untranslated(catalogue: Catalog) -> Iterable[str]:
    """The messages that a catalogue does not have, or not for sure."""
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and (message.fuzzy or not all(forms)):
            yield str(message.id)
