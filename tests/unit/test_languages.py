"""Pages can be read in every language: nothing is unmarked, nothing untranslated, and who reads what is as they asked."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog, Message
from starlette.requests import Request

from adapters.languages.language import SOURCE, catalogue_path, languages, read_catalogue
from adapters.languages.telling import Telling
from api.languages.choosing import COOKIE, Reader, read_by, reader_of, wanted
from api.languages.extracting import brought_up_to_date, messages, untranslated, written
from api.languages.telling import brief, localised
from api.pages import templates
from domain.sentences import Moment, known, say, say_n
from tests.templates_text import unmarked

TRANSLATED = [tag for tag in languages() if tag != SOURCE]
_NAMED = re.compile(r"%\((\w+)\)s")


def forms(message: Message) -> tuple[list[str], list[str]]:
    """What a message says, and what its translation says, by form."""
    said = list(message.id) if isinstance(message.id, tuple | list) else [message.id]
    told = list(message.string) if isinstance(message.string, tuple | list) else [message.string]
    return said, [form or "" for form in told]


def places(text: str) -> set[str]:
    """What is filled in."""
    return set(_NAMED.findall(text)) | {name for _, name, _, _ in string.Formatter().parse(_NAMED.sub("", text)) if name}


@pytest.fixture(scope="module")
def sources() -> Catalog:
    return messages()


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_message_is_translated(tag: str, sources: Catalog) -> None:
    theirs = read_catalogue(tag)
    wanted_here = {(one.id, one.context) for one in sources if one.id}
    assert {(one.id, one.context) for one in theirs if one.id} == wanted_here, "run: python -m api.languages"
    assert list(untranslated(theirs)) == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_translations_fill_in_what_the_message_does(tag: str) -> None:
    for message in read_catalogue(tag):
        said, told = forms(message)
        if not message.id or not all(told):
            continue
        allowed = set().union(*(places(text) for text in said))
        for form in told:
            assert places(form) <= allowed, f"{form!r} names what its message does not"
            if len(told) == 1:
                assert places(form) == allowed, f"{form!r} leaves out what its message names"
            assert re.findall(r"</?\w+", form) == re.findall(r"</?\w+", told[0])


@pytest.mark.parametrize("tag", TRANSLATED)
def test_catalogues_are_kept_as_the_tool_writes_them(tag: str) -> None:
    assert catalogue_path(tag).read_bytes() == written(brought_up_to_date(read_catalogue(tag))), "run: python -m api.languages"


@pytest.mark.parametrize("path", sorted(Path("api/templates").resolve().glob("*.html")), ids=lambda path: path.stem)
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    assert unmarked(templates(), path.read_text("utf-8")) == []


def asking(**headers: str) -> Request:
    """A request with these headers, of somebody who is not signed in."""

    class App:
        class state:  # noqa: N801 - as Starlette calls it
            language = "de"

            @staticmethod
            def home_zone() -> ZoneInfo:
                return ZoneInfo("Europe/London")

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": named, "app": App, "state": {}})


def test_a_browser_is_answered_in_the_language_that_it_wants_most() -> None:
    assert wanted("fr-CH, fr;q=0.9, en;q=0.5, de;q=0.7") == "de"
    assert wanted("de-AT") == "de"
    assert wanted("he;q=0, en;q=0.1") == "en"
    assert wanted("fr, *") is None
    assert wanted("de;q=x, ,;;,") is None


def test_what_was_chosen_goes_before_what_the_browser_asks_for_and_that_before_the_installations() -> None:
    assert reader_of(asking(accept_language="he", cookie=f"{COOKIE}=en")).language.tag == "en"
    assert reader_of(asking(accept_language="he", cookie=f"{COOKIE}=xx")).language.tag == "he"
    assert reader_of(asking(accept_language="fr")).language.tag == "de"
    assert reader_of(asking(cookie=f"{COOKIE}=he"), fallback="en").language.tag == "en", "a brand's page has a language of its own"
    assert reader_of(asking(accept_language="he"), fallback="de").language.tag == "he"


def test_a_sentence_is_english_until_somebody_reads_it_in_another_language() -> None:
    left = say("{span} left", span="5 min")
    assert left == "5 min left"
    assert say_n("{count} day", "{count} days", 1) == "1 day"
    assert say_n("{count} day", "{count} days", 3) == "3 days"
    at = datetime(2026, 3, 3, 13, tzinfo=UTC)
    assert Moment(at, "Europe/Berlin") == "14:00 CET on 3 March"
    with read_by(Reader(languages()["de"])):
        assert localised(say("until {when}", when=Moment(at, "Europe/Berlin"))).endswith("14:00 MEZ")
    assert brief(at, UTC).endswith("13:00 UTC")


@pytest.mark.parametrize("tag", languages())
def test_nothing_is_nothing_in_every_language(tag: str) -> None:
    told = Telling(languages()[tag])
    assert [told.kept(""), told.tell(say("")), told.language.gettext("")] == ["", "", ""]


@pytest.mark.parametrize("tag", TRANSLATED)
def test_why_a_person_is_needed_is_told_in_every_language_from_the_words_that_are_kept_on_the_board(tag: str) -> None:
    told = Telling(languages()[tag])
    refused = told.kept("the update was refused by the network")
    assert refused == told.tell(say("the {purpose} was refused by the network", purpose=known("update")))
    for kept in (
        "the update was refused by the network",
        "the acknowledgement may or may not have been posted",
        "the customer deleted the post",
        "the thank-you is still owed",
        "everybody up the chain was called, and nobody has acted",
        "somebody proposes to walk away; a lead decides",
        "a draft waits for a second person",
        "the department billing cannot be reached",
    ):
        assert told.kept(kept) != kept
