"""Who may do what in the database: one table of statements by role, tried as a login that has that role alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from adapters.notary import Notary
from adapters.postgres.engine import open_engine
from adapters.postgres.log import Sealer
from cli.engines import Postgres
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.opened import open_case

APP, SEALER, AUDITOR, PRIVACY, BACKUP = "app", "sealer", "auditor", "privacy", "backup"
ALL = (APP, SEALER, AUDITOR, PRIVACY, BACKUP)
_SUBJECT = "select id from subject limit 1"
_CASE = "(select case_id from cases limit 1)"

MAY: dict[str, tuple[str, ...]] = {
    # --- reading
    "select * from case_event": ALL,
    "select * from case_head": ALL,
    "select * from cases": (APP, AUDITOR, PRIVACY, BACKUP),
    "select * from policy_version": (APP, AUDITOR, PRIVACY, BACKUP),
    "select * from words": (APP, PRIVACY, BACKUP),
    "select * from subject": (APP, PRIVACY, BACKUP),
    "select * from inbound": (APP, PRIVACY, BACKUP),
    "select * from post": (APP, PRIVACY, BACKUP),
    "select * from effect": (APP, PRIVACY, BACKUP),
    "select * from desk_card": (APP, PRIVACY, BACKUP),
    "select * from person": (APP, BACKUP),
    "select * from api_key": (APP, BACKUP),
    "select * from log_leaf": (APP, SEALER, AUDITOR, BACKUP),
    "select * from log_node": (APP, SEALER, AUDITOR, BACKUP),
    "select * from checkpoint": (APP, SEALER, AUDITOR, BACKUP),
    "select * from unsealed": (APP, SEALER, AUDITOR, BACKUP),
    "select * from case_search": (APP, AUDITOR, PRIVACY, BACKUP),
    "select * from search_slice, search_progress": (APP, AUDITOR, BACKUP),
    "select * from webhook, webhook_delivery, webhook_progress": (APP, BACKUP),
    "insert into webhook (id, url, secret, created_by) values ('w', 'https://x.example', 'x', 'p')": (APP,),
    "update webhook set active = false": (APP,),
    "update webhook set created_by = 'q'": (),
    "delete from webhook": (),
    "update webhook_delivery set due_at = now()": (APP,),
    "update webhook_delivery set body = ''": (),
    "delete from webhook_delivery": (APP,),
    "update webhook_progress set leaf = leaf": (APP,),
    "select * from erasure": (PRIVACY, BACKUP),
    "select * from hold, held_case": (PRIVACY, BACKUP),
    "select * from alembic_version": ALL,
    # --- histories: added to through one function, and changed by nobody
    "select case_append('c', array['k'], array['{}'], array[null]::uuid[])": (APP,),
    "select journal_append(array['k'], array['{}'])": (APP, SEALER, AUDITOR, PRIVACY),
    "insert into case_event select * from case_event": (),
    "update case_event set doc = '{}'": (),
    "delete from case_event": (),
    "truncate case_event": (),
    "insert into case_head values ('x', 1, '')": (),
    "update case_head set seq = 9": (),
    "delete from case_head": (),
    "truncate case_head": (),
    # --- the log
    "insert into log_leaf select 999, case_id, 999, hash from log_leaf limit 1": (SEALER,),
    "insert into checkpoint select 999, root, note from checkpoint limit 1": (SEALER,),
    "insert into publication select 'file', size, '/x' from checkpoint limit 1": (SEALER,),
    "insert into log_key values ('v')": (SEALER,),
    "delete from unsealed": (SEALER,),
    "update unsealed set hash = ''": (),
    "insert into unsealed values ('x', 1, 1, '')": (),
    "update log_leaf set hash = ''": (),
    "delete from log_leaf": (),
    "truncate log_leaf": (),
    "delete from log_node": (),
    "delete from checkpoint": (),
    "update checkpoint set root = ''": (),
    "delete from log_key": (),
    "delete from publication": (),
    # --- customers and their words: written by the application, destroyed by privacy, changed by nobody
    f"insert into words (subject_id, sealed) select ({_SUBJECT}), 'x'": (APP,),
    "update subject set profile = 'x'": (APP, PRIVACY),
    "insert into subject (channel, author_hash) values ('x', 'x')": (APP,),
    "update words set sealed = null, erased_hash = sealed_hash": (PRIVACY,),
    "update words set sealed = 'x'": (),
    "update words set sealed = null, erased_hash = 'x'": (),
    "update words set private = true": (),
    "update words set written_at = now()": (),
    "delete from words": (),
    "truncate words cascade": (),
    "update subject set wrapped_key = null, profile = null, author_hash = sha256('x'), erased_at = now()": (PRIVACY,),
    "update subject set wrapped_key = null": (),
    "update subject set wrapped_key = 'x', erased_at = now()": (),
    "update subject set author_hash = sha256('x')": (),
    "update subject set channel = 'y'": (),
    "delete from subject": (),
    "update effect set text_hash = null": (APP, PRIVACY),
    "update desk_card set shown_hash = null": (APP, PRIVACY),
    "update inbound set sealed = null": (APP, PRIVACY),
    "delete from hours_told": (PRIVACY,),
    f"delete from draft where case_id = {_CASE}": (APP, PRIVACY),
    "update cases set forgotten_at = now()": (APP, PRIVACY),
    "update case_search set case_id = case_id": (APP, PRIVACY),
    "delete from case_search": (APP,),
    "delete from search_slice": (APP,),
    "update cases set status = 'new'": (APP,),
    "update effect set state = 'unsent'": (APP,),
    "update inbound set case_id = null": (APP,),
    # --- erasures and holds
    f"insert into erasure (subjects, cases, reason, proposed_by) select array({_SUBJECT}), '{{}}', 'r', 'p'": (PRIVACY,),
    "update erasure set state = 'rejected', decided_by = 'q'": (PRIVACY,),
    "update erasure set proposed_by = 'q'": (),
    "update erasure set subjects = '{}'": (),
    "delete from erasure": (),
    "insert into hold (reason, set_by) values ('r', 'p')": (PRIVACY,),
    f"insert into held_case select id, {_CASE} from hold": (PRIVACY,),
    "update hold set lifted_at = now(), lifted_by = 'p'": (PRIVACY,),
    "update hold set reason = 'r'": (),
    "delete from hold": (),
    "delete from held_case": (),
    # --- identities that are one customer
    "select * from identity_link, identity_account": (APP, PRIVACY, BACKUP),
    f"insert into identity_link (subject_id, customer, how, reason, linked_by, role) "
    f"values (({_SUBJECT}), uuidv7(), 'by_hand', 'r', 'p', 'social')": (APP,),
    "update identity_link set reason = 'x'": (),
    "update identity_link set linked_by = 'q'": (),
    "delete from identity_link": (APP,),
    f"insert into identity_account (brand, subject_id, account_hash) values ('b', ({_SUBJECT}), 'x')": (APP,),
    "update identity_account set parted_at = now()": (APP,),
    "update identity_account set account_hash = 'x'": (),
    "delete from identity_account": (),
    # --- what many cases share, and what is announced to them: what was said stays as it was
    "select * from cause, announcement, announcement_case": (APP, BACKUP),
    "insert into cause (name, about, department, opened_by) values ('n', 'x', 'd', 'p')": (APP,),
    "update cause set resolved_at = now()": (APP,),
    "update cause set about = ''": (),
    "update announcement set state = 'draft'": (APP,),
    "update announcement set body = ''": (),
    "update announcement set author = 'q'": (),
    "update announcement_case set words = null": (),
    "delete from cause": (),
    "delete from announcement": (),
    "delete from announcement_case": (),
    # --- exports: whoever erases ends those that could name somebody, and reads nothing of what is sought
    "select * from export": (APP, BACKUP),
    "select of_somebody, with_words from export": (APP, PRIVACY, BACKUP),
    "insert into export (asked_by, form, with_words, sought, filter, of_somebody) values ('p', 'jsonl', false, '', 'x', false)": (APP,),
    "update export set state = 'cancelled'": (APP,),
    "update export set filter = 'x'": (),
    "update export set with_words = true": (),
    "delete from export where of_somebody or with_words": (APP, PRIVACY),
    # --- what people keep for themselves, requests that are carried out once, links that were withdrawn
    "select * from digest_choice, reader, request_once, status_link": (APP, BACKUP),
    "insert into digest_choice (id, person, chosen_at) values ('d', 'p', now())": (APP,),
    "update digest_choice set address = null, way = null": (APP,),
    "delete from digest_choice": (),
    "insert into reader (person, language) values ('p', 'de')": (APP,),
    "delete from reader": (),
    "insert into request_once (person, key_hash, body_hash) values ('p', 'k', 'b')": (APP,),
    "update request_once set state = 'done'": (APP,),
    "update request_once set body_hash = 'x'": (),
    "delete from request_once": (APP,),
    f"insert into status_link (case_id, withdrawn) values ({_CASE}, 1)": (APP,),
    "update status_link set withdrawn = 2": (APP,),
    "delete from status_link": (),
    # --- everything else
    "insert into person (id, name) values ('x', 'y')": (APP,),
    "update policy_version set policy = ''": (),
    "delete from policy_activation": (),
    "delete from cases": (),
    "delete from inbound": (),
    "delete from effect": (),
    "delete from api_key": (),
    "drop table case_event": (),
    "alter table case_event disable trigger all": (),
    "alter table words disable trigger all": (),
    "create table mine (a int)": (),
    "create or replace function case_append(text, text[], text[], uuid[]) returns int language sql as 'select 1'": (),
    "set session_replication_role = replica": (),
    "set role loopkeeper_owner": (),
    "set role postgres": (),
    **{f"set role loopkeeper_{role}": (role,) for role in ALL},
}


@dataclass(frozen=True)
class Rooms:
    """A database with a case in it, and an engine for each role, as a login that has only this one."""

    superuser: Engine
    of: dict[str, Engine]


@pytest.fixture(scope="module")
def rooms(postgres: Postgres) -> Iterator[Rooms]:
    with fresh_database(postgres) as address:
        store, superuser = open_on(address), create_engine(address)
        store.book.activate(POLICY, WORDING, by="tests")
        open_case(store)
        store.close()
        sealing = open_engine(address, pool=1, role="loopkeeper_sealer")
        Sealer(sealing, Notary.parse(Notary.new_key("log.example/log"))).seal()
        sealing.dispose()
        with superuser.begin() as connection:
            connection.execute(text("insert into hold (reason, set_by) values ('r', 'p')"))
            connection.execute(
                text("insert into erasure (subjects, cases, reason, proposed_by) values (array(select id from subject), '{}', 'r', 'p')")
            )
            connection.execute(text("select case_append('late', array['k'], array['{}'], array[null]::uuid[])"))  # not sealed yet
            for role in ALL:
                connection.execute(text(f"create role lk_{role} login in role loopkeeper_{role}"))
        engines = {
            role: open_engine(
                make_url(address).set(username=f"lk_{role}").render_as_string(hide_password=False), pool=1, role=f"loopkeeper_{role}"
            )
            for role in ALL
        }
        yield Rooms(superuser, engines)
        for engine in engines.values():
            engine.dispose()
        with superuser.begin() as connection:
            for role in ALL:
                connection.execute(text(f"drop role lk_{role}"))
        superuser.dispose()


@pytest.mark.parametrize("statement", MAY)
@pytest.mark.parametrize("role", ALL)
def test_each_role_can_do_what_it_must_and_nothing_else(rooms: Rooms, role: str, statement: str) -> None:
    with rooms.of[role].connect() as connection:
        if role in MAY[statement]:
            connection.execute(text(statement))
        else:
            with pytest.raises(DBAPIError, match=r"permission denied|must be owner|refused"):
                connection.execute(text(statement))
        connection.rollback()


def test_nobody_confirms_an_erasure_of_their_own_whatever_the_program_does(rooms: Rooms) -> None:
    with rooms.of[PRIVACY].connect() as connection:
        with pytest.raises(DBAPIError, match="check constraint"):
            connection.execute(text("update erasure set state = 'confirmed', decided_by = proposed_by"))
        connection.rollback()


@pytest.mark.parametrize("table", ["subject", "words"])
def test_what_was_destroyed_cannot_be_put_back(rooms: Rooms, table: str) -> None:
    gone = {
        "words": "update words set sealed = null, erased_hash = sealed_hash",
        "subject": "update subject set wrapped_key = null, profile = null, author_hash = sha256('x'), erased_at = now()",
    }
    back = {
        "words": "update words set sealed = 'x', erased_hash = null",
        "subject": "update subject set wrapped_key = 'x', erased_at = null",
    }
    with rooms.of[PRIVACY].connect() as connection:
        connection.execute(text(gone[table]))
        with pytest.raises(DBAPIError, match="refused"):
            connection.execute(text(back[table]))
        connection.rollback()
