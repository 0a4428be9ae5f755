"""Addresses that strangers send us: none is ever fetched, and only what leads to the web is a link for people.

A socket of the test listens at the address that a post, its author, a link in its text and the network's permalink of our reply name.
Whatever then reads the case (every page, REST, every form of export) must leave it alone: `tests/unit/test_outgoing.py` says who has a way
out at all.
"""

from __future__ import annotations

import html
import io
import json
import re
import select
import socket
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from adapters.links import Links, StatusLinks
from adapters.sendgrid import mail_body
from adapters.slack import cards
from cli.engines import Postgres
from domain import commands as c
from domain.casefile import CaseFile
from domain.ports import CaseMail
from domain.values import Permalink
from tests.blockkit import texts
from tests.conftest import KEYS
from tests.integration.conftest import Bridge
from tests.integration.console import TOM, Served, console
from tests.integration.onrecord import OnRecord
from tests.integration.opened import created
from tests.integration.searching import catch_up, sealer_of
from tests.signing_in import sent_from, signed_in

ACTS = ("javascript:alert(document.domain)//", "data:text/html,<script>alert(1)</script>", "JaVaScRiPt:alert(1)", "vbscript:msgbox(1)")
"""Addresses that a browser would carry out instead of going there."""
LINKED = re.compile(r"""(?:href|src|action|formaction|poster|data)\s*=\s*["']?\s*(?:javascript|data|vbscript)\s*:""", re.IGNORECASE)


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    with console(postgres) as one:
        yield one


@dataclass
class Reader:
    """Somebody who opens everything that shows a case, and keeps what they were given."""

    served: Served
    case: OnRecord
    shown: dict[str, str] = field(default_factory=dict)

    def reads_everything(self) -> dict[str, str]:
        """Every page on which the case stands, what REST tells of it, and its exports; each by its address."""
        served, case_id = self.served, self.case.case_id
        number = served.store.reader.file(case_id).number
        with sealer_of(served.address) as sealer:
            catch_up(served.store, sealer)
        desk = Links(KEYS, "").make(case_id, self.case.case.department)
        pages = ("", "?show=all", "/inbox", f"/cases/{case_id}", f"/cases/{case_id}?do=update", "/customers", f"/audit/cases/{case_id}")
        with httpx.Client(base_url=served.url, timeout=30, trust_env=False) as http:
            lead = signed_in(http, "lead") | sent_from(http)
            auditor = signed_in(http, "auditor") | sent_from(http)
            for page in pages:
                self._get(http, f"/console{page}", lead)
            self._get(http, f"/console/audit/cases/{case_id}?words=yes", auditor)
            self._get(http, StatusLinks(KEYS, "").make(number, case_id), {})
            self._get(http, desk, {})
            for path in (f"/cases/{case_id}", f"/cases/{case_id}/history", "/board", "/inbox"):
                self._get(http, f"/api/v1{path}", lead)
            for form in ("html", "csv", "jsonl", "bundle"):
                self._export(http, auditor, form, number)
        return self.shown

    def _get(self, http: httpx.Client, path: str, headers: dict[str, str]) -> None:
        answer = http.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
        self.shown[path] = answer.text

    def _export(self, http: httpx.Client, headers: dict[str, str], form: str, number: int) -> None:
        query = {"form": form, "query": f"number={number}", **({"with_words": "yes"} if form in ("html", "bundle") else {})}
        asked = http.post("/console/audit/exports", data=query, headers=headers)
        assert asked.status_code == 303, asked.text[:300]
        content = http.get(f"{asked.headers['location']}/content", headers=headers)
        assert content.status_code == 200, content.text[:300]
        if form in ("csv", "bundle"):
            with zipfile.ZipFile(io.BytesIO(content.content)) as archive:
                self.shown |= {f"{form} {name}": archive.read(name).decode() for name in archive.namelist()}
        else:
            self.shown[f"{form} export"] = content.text


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """A socket to which nobody has come yet, and its address on the web."""
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        yield one, f"http://127.0.0.1:{one.getsockname()[1]}"


def somebody_came(to: socket.socket) -> bool:
    """Whether a connection waits there. The system takes it up before anybody accepts it, so that none is missed."""
    return bool(select.select([to], [], [], 0)[0])


def replied(case: OnRecord, url: str) -> None:
    """The network takes every reply that is planned, and says that it is there."""
    while (reply := case.case.planned()) is not None:
        words = reply.words or case.keep(f"(the {reply.purpose.value})")
        parts = (Permalink(f"r{reply.step}", url),)
        case.tell(c.Posted(f"posted-{reply.step}", reply.step, reply.purpose, case.now(), parts, words, reply.promise))


def to_the_end(case: OnRecord, url: str) -> None:
    """Through the whole loop, with every reply of ours at that address."""
    replied(case, url)
    assert case.tell(c.Accept(f"accept-{case.case_id}", TOM)) is None
    assert case.tell(c.Update(f"update-{case.case_id}", TOM, case.keep("We look into it."))) is None
    replied(case, url)


def closed(case: OnRecord, url: str) -> None:
    assert case.tell(c.Resolve(f"resolve-{case.case_id}", TOM, "other", case.keep("It is mended. Thank you!"))) is None
    replied(case, url)
    assert case.case.closing_permalink == url


def test_nothing_that_a_stranger_names_is_fetched(served: Served) -> None:
    with listening() as (trap, there):
        pictures: dict[str, Any] = {"avatar": f"{there}/avatar.png", "avatar_url": f"{there}/avatar.png", "profile": there}
        post = created(
            "fetched",
            url=f"{there}/sam/fetched",
            text=f"You charged me twice, see {there}/bill.png and {there.upper()}/bill",
            author={"id": "77", "handle": "sam", "name": f"Sam {there}", "url": there, **pictures},
            media=[{"url": f"{there}/bill.png"}],
            **pictures,
        )
        owner = create_engine(served.address)
        with httpx.Client(base_url=served.url, trust_env=False) as http:
            bridge = Bridge(http, owner, served.store)
            assert bridge.tell(post).status_code == 202
            placed = served.store.inbox.place(bridge.rows()[-1]["id"])
        owner.dispose()
        assert placed is not None
        case = OnRecord(served.store, placed.case_id)
        to_the_end(case, f"{there}/ours")
        shown = Reader(served, case).reads_everything()
        closed(case, f"{there}/ours")
        shown |= Reader(served, case).reads_everything()
        file = served.store.reader.file(case.case_id)
        told = json.dumps(
            [cards.card(file, "billing", None), mail_body(CaseMail("k", "a@example.com", file, "billing"), "b@example.com", "/")]
        )
        assert sum(there in text for text in (*shown.values(), told)) > 8, "it was there to be fetched"
        assert not any(re.search(rf'(?:src|srcset|poster|data|icon)="{there}', text) for text in shown.values()), "nor by a browser"
        assert not somebody_came(trap)
        with closing(socket.create_connection(trap.getsockname())):
            assert somebody_came(trap), "the trap would have shown it"


@pytest.mark.parametrize("address", ACTS)
def test_a_bridge_cannot_name_such_an_address(served: Served, address: str) -> None:
    owner = create_engine(served.address)
    with httpx.Client(base_url=served.url, trust_env=False) as http:
        bridge = Bridge(http, owner, served.store)
        before = len(bridge.rows())
        answer = bridge.tell(created(f"acts-{ACTS.index(address)}", url=address))
        stored = [(row["state"], str(row["reason"]).partition(":")[0]) for row in bridge.rows()[before:]]
    owner.dispose()
    assert (answer.status_code, stored) == (422, [("quarantined", "data.url")])


@pytest.mark.parametrize("address", ACTS)
def test_what_would_act_is_shown_as_text_wherever_a_case_is_shown(served: Served, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """No door lets such an address in; it is on record here all the same, as if one had."""
    case = served.case(f"text-{ACTS.index(address)}", author={"id": address[:20], "name": address})
    monkeypatch.setattr(CaseFile, "url_of", lambda _file, _reference: address)
    to_the_end(case, address)
    shown = Reader(served, case).reads_everything()
    closed(case, address)
    shown |= {f"{path} when it is closed": text for path, text in Reader(served, case).reads_everything().items()}
    assert [path for path, text in shown.items() if LINKED.search(html.unescape(text))] == []
    for path in (f"/console/cases/{case.case_id} when it is closed", f"/console/audit/cases/{case.case_id}?words=yes", "html export"):
        assert f"{html.escape(address)}<" in shown[path].replace("&#39;", "&#x27;").replace("&#34;", "&quot;"), path
    assert address in shown["csv cases.csv when it is closed"]


@pytest.mark.parametrize("address", ACTS)
def test_what_would_act_is_no_link_in_slack_and_in_e_mails(served: Served, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    case = served.case(f"slack-{ACTS.index(address)}")
    monkeypatch.setattr(CaseFile, "url_of", lambda _file, _reference: address)
    to_the_end(case, address)
    file = served.store.reader.file(case.case_id)
    shown = [cards.card(file, "billing", None)]
    mail = mail_body(CaseMail("k", "ana@example.com", file, "billing"), "loop@example.com", "https://loop.example/desk/x")
    assert not LINKED.search(mail["content"][1]["value"])
    assert html.escape(address) in mail["content"][1]["value"]
    closed(case, address)
    shown.append(cards.card(served.store.reader.file(case.case_id), "billing", None))
    for blocks in shown:
        assert [url for url in links_in(blocks) if not url.startswith("https://")] == []
        assert "open the post" in "\n".join(texts(blocks))


def links_in(blocks: Any) -> Iterator[str]:
    if isinstance(blocks, dict):
        yield from (str(blocks[key]) for key in ("url", "image_url", "thumb_url") if key in blocks)
        for value in blocks.values():
            yield from links_in(value)
    elif isinstance(blocks, list | tuple):
        for one in blocks:
            yield from links_in(one)
