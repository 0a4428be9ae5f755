"""An installation in which every page has something to show: cases in every shape, figures, two policies, exports, webhooks, keys.

Whatever people can name or write carries markup that would run if a page took it for markup: see `CANARY`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import yaml
from sqlalchemy import create_engine, text

from adapters.digest_links import DigestLinks
from adapters.links import Links, StatusLinks
from adapters.postgres.digests import Digests
from adapters.postgres.hooks import Hooks
from adapters.postgres.keys import NewKey
from bench.measures import make_measures
from cli.engines import Postgres
from domain import commands as c
from domain.digest import Choice, Way
from domain.hooks import Wanted
from domain.rights import PEOPLE
from domain.values import SYSTEM, Actor, Role, Via
from tests.conftest import KEYS, POLICY, WORDING, fresh_database, open_on
from tests.integration.conftest import serving
from tests.integration.console import TOM, Served
from tests.integration.onrecord import OnRecord
from tests.integration.opened import created, place
from tests.integration.searching import catch_up, sealer_of
from tests.signing_in import sent_from, signed_in

CANARY = '<img src=x onerror="window.pwned=1">"><script>window.pwned=1</script>'
"""Runs in any page that takes it for markup; what could run as an attribute or inside a script is closed first."""
SHORT = "<img src=x onerror=pwned=1>"
"""The same, where names have few letters."""
SOFIA = Actor("slack:USOFIA", Role.SOCIAL, Via.SLACK)
TODAY = datetime.now(ZoneInfo("Europe/London")).date()


@dataclass(frozen=True)
class Whole:
    """Where it is, who is signed in there, and what addresses are made of."""

    served: Served
    cookies: Mapping[Role, str]
    cases: Mapping[str, OnRecord]
    ids: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.served.url

    def get(self, path: str, role: Role) -> httpx.Response:
        """A page, as somebody of that role has it."""
        return httpx.get(self.url + path, headers={"cookie": self.cookies[role], "accept": "text/html"}, trust_env=False)


def hostile_policy() -> str:
    """A policy in which everything that has a name has a hostile one, and some words wait for a second person."""
    policy: dict[str, Any] = yaml.load(POLICY, Loader=yaml.BaseLoader)
    policy["brands"]["meridian"]["name"] = f"Meridian {SHORT}"
    policy["brands"]["meridian"]["team"] = f"Team {SHORT}"
    policy["departments"]["technical"]["name"] = f"Technical {SHORT}"
    policy["social"]["name"] = f"Social {SHORT}"
    policy["root_causes"]["other"] = f"Other {SHORT}"
    policy["channels"]["x"]["network"] = f"X {SHORT}"
    policy["approvals"] = {"phrases": {"money": ["refund*"]}}
    return yaml.safe_dump(policy, sort_keys=False, allow_unicode=True)


@contextmanager
def whole_console(postgres: Postgres) -> Iterator[Whole]:
    """One for all tests of a module."""
    with fresh_database(postgres) as address:
        store, owner = open_on(address), create_engine(address)
        before, _ = store.book.activate(POLICY, WORDING, by="tests")
        hostile, _ = store.book.activate(hostile_policy(), WORDING, by="tests")
        store.people.remember(TOM.person, f"Tom Baker {CANARY}", "Tom")
        with serving(address, failed_sign_ins=1000) as http:
            served = Served(str(http.base_url).rstrip("/"), store, address)
            cases = _cases(served)
            assert place(store, created("p-unread", text="My internet is broken.") | {"brand": "nobody"}) is None
            with owner.begin() as connection:
                make_measures(connection, 2_000, TODAY, 60)
                connection.execute(text("insert into report_progress (name, at) values ('history', :now)"), {"now": datetime.now(UTC)})
                connection.execute(text("insert into person (id, name) values ('slack:UBILL1', :name)"), {"name": f"=1+1 {CANARY}"})
                terms = text("insert into report_term select 'meridian', :day, term, 9 from unnest(cast(:terms as text[])) as term")
                connection.execute(terms, {"day": TODAY, "terms": ["outage", f"=cmd {CANARY}", "signal lost"]})
            with sealer_of(address) as sealer:
                catch_up(store, sealer)
            cookies: dict[Role, str] = {role: signed_in(http, role.value, "technical")["cookie"] for role in PEOPLE}
            store.keys.make(NewKey(f"CRM {CANARY}", Role.DEPARTMENT, None, frozenset({"billing", "technical"})), SYSTEM)
            store.keys.revoke(store.keys.make(NewKey("An old script", Role.AUDITOR), SYSTEM)[0].id, SYSTEM)
            ids = _things(http, served, cases, cookies) | {"before": before.id, "policy": hostile.id}
            yield Whole(served, cookies, cases, ids)
        store.close()
        owner.dispose()


def _cases(served: Served) -> dict[str, OnRecord]:
    """Cases in every shape that a page must be able to show."""

    def by(name: str) -> dict[str, str]:
        return {"id": name, "handle": f"{name[:8]}{CANARY}"[:60], "name": f"{name} {CANARY}"}

    made = {
        "new": served.case("new", author=by("Nora Lind")),
        "waiting": served.handed_off("waiting", text=f"My internet is broken. {CANARY}", author=by("Wim")),
        "accepted": served.accepted("accepted", text=f"{CANARY} broken internet " + "w" * 280, author=by("Omar")),
        "unsure": served.accepted("unsure", text="My internet is slow.", author=by("Uma")),
        "refused": served.accepted("refused", text="My internet is slow.", author=by("Rita")),
        "over": served.case("over", author=by("Uma")),
        "gone": served.case("gone", author=by("Gus")),
        "late": served.handed_off("late", text="No internet here.", author=by("Lena")),
        "held": served.accepted("held", text="No internet since Monday.", author=by("Hugo")),
        "private": served.accepted("private", text="No internet since Tuesday.", author=by("Petra")),
    }
    for name, what in (("unsure", c.PostUnconfirmed), ("refused", c.PostFailed)):
        case = made[name]
        words = case.keep(f"We look into it. {CANARY}")
        assert case.tell(c.Update(f"update-{name}", TOM, words)) is None
        case.tell(what(f"outcome-{name}", case.case.replies[-1].step, f"the network says no {CANARY}", words))
    made["gone"].tell(c.Dismiss("gone", SOFIA, "spam"))
    made["over"].tell(c.Dismiss("dismissed", SOFIA, "spam", made["over"].keep(CANARY)))
    _drafts(made)
    late = made["late"]
    due = min(at for at in (clock.due_at for clock in served.store.reader.file(late.case_id).clocks) if at is not None)
    late.tell_at(c.TimePassed(), due + timedelta(minutes=5))
    noted = made["accepted"]
    noted.tell(c.Note("noted", TOM, noted.keep(f"A note {CANARY}")))
    return made


def _drafts(made: Mapping[str, OnRecord]) -> None:
    """What waits for a second person: since when the customer wrote again, and a private message."""
    held, private = made["held"], made["private"]
    money = ("money:refund*",)
    old = c.Update("draft", TOM, held.keep(f"You will be refunded. {CANARY}"), reasons=money)
    assert held.tell(old) is None
    again = c.Update("anew", TOM, held.keep(f"You will be refunded today. {CANARY}"), reasons=money, replaces=held.case.held[0].step)
    assert held.tell(again) is None
    held.comes(created("held-2", text=f"And again! {CANARY}", author={"id": "Hugo", "name": "Hugo"}, in_reply_to="held"))
    whisper = private.keep(f"You will be refunded. {CANARY}", private=True)
    assert private.tell(c.TakePrivate("whisper", TOM, private.keep("We wrote to you in private."), whisper, reasons=money)) is None


def _things(http: httpx.Client, served: Served, cases: Mapping[str, OnRecord], cookies: Mapping[Role, str]) -> dict[str, str]:
    """What else addresses are made of."""
    hook, _ = Hooks(served.store.engine, KEYS).make(
        Wanted("http://127.0.0.1:9/hook", frozenset({"resolved"}), None, f"CRM {CANARY}"), SYSTEM
    )
    Hooks(served.store.engine, KEYS).send_test(hook.id, SYSTEM, datetime.now(UTC))
    form = {"form": "csv", "query": "kind=opened&words=pwned"}
    asked = http.post("/console/audit/exports", data=form, headers=sent_from(http) | {"cookie": cookies[Role.AUDITOR]})
    assert asked.status_code == 303, asked.text
    social = sent_from(http) | {"cookie": cookies[Role.SOCIAL]}
    kept = http.post("/console/views", data={"name": CANARY[:60], "query": "only=late"}, headers=social)
    assert kept.status_code == 303, kept.text
    digests, links, now = Digests(served.store.engine, KEYS), DigestLinks(KEYS, ""), datetime.now(UTC)
    digests.choose("local:digest", Choice(Way.MAIL, "ana@example.com", 1, 8, "Europe/London"), now)
    reader = digests.of("local:digest")
    assert reader is not None
    shown = cases["accepted"]
    owner = create_engine(served.address)
    with owner.connect() as connection:
        found = connection.execute(text("select case_id, subject_id from cases"))
        customers = {str(row.case_id).rsplit("-", 1)[-1]: str(row.subject_id) for row in found}
    owner.dispose()
    served.store.linking.link(customers["accepted"], customers["refused"], f"They told us so {SHORT}", SOFIA)
    privacy = sent_from(http) | {"cookie": cookies[Role.PRIVACY]}
    erasure = http.post("/console/privacy/erasures", data={"customer": [customers["gone"]], "reason": "letter 7/26"}, headers=privacy)
    assert erasure.status_code == 303, erasure.text
    told = {"name": f"The outage {SHORT}", "about": CANARY, "department": "technical", "category": "technical"}
    cause = http.post("/console/causes", data=told, headers=social)
    assert cause.status_code == 303, cause.text
    number = cause.headers["location"].split("?")[0].rsplit("/", 1)[-1]
    for name in ("accepted", "late"):
        assert cases[name].tell(c.JoinSharedCause(f"join-{name}", SOFIA, int(number))) is None
    announced = http.post(f"/console/causes/{number}/announcements", data={"body": "We know what it is."}, headers=social)
    assert announced.status_code == 303, announced.text
    return {
        "customer": customers["accepted"],
        "linked": customers["refused"],
        "other": customers["waiting"],
        "erasure": erasure.headers["location"].rsplit("/", 1)[-1],
        "cause": number,
        "announcement": announced.headers["location"],
        "case": shown.case_id,
        "webhook": hook.id,
        "export": asked.headers["location"].rsplit("/", 1)[-1],
        "desk": Links(KEYS, "").make(cases["waiting"].case_id, "technical"),
        "status": StatusLinks(KEYS, "").make(served.store.reader.file(shown.case_id).number, shown.case_id),
        "confirm": links.confirm(reader.id, reader.asked),
        "stop": links.stop(reader.id),
    }
