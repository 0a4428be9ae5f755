"""What the board reads, and how whoever looks hears of what has changed: in columns, capped, in somebody's own scope, by id alone."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from adapters.postgres.board import TOPIC, Sought
from adapters.postgres.listening import Listener
from cli.engines import Postgres
from domain import commands as c
from domain.values import Actor, Priority, Role, Via
from tests.integration.console import Served, console

SOFIA = Actor("slack:USOFIA", Role.SOCIAL, Via.SLACK)


def sought(scope: frozenset[str] | None = None, **narrowed: object) -> Sought:
    now = datetime.now(UTC)
    return Sought(scope, "slack:UTOM", now, now + timedelta(hours=1), **narrowed)  # type: ignore[arg-type]  # of the tests' own


@pytest.fixture(scope="module")
def served(postgres: Postgres) -> Iterator[Served]:
    """Six cases: four with billing, of which one is urgent, one accepted and one over; two with technical."""
    with console(postgres) as one:
        for number in range(3):
            one.handed_off(f"bill{number}", text="My bill is wrong.", author={"id": f"b{number}", "handle": f"b{number}", "name": "Bea"})
        one.case("over", text="My bill is wrong.").tell(c.Dismiss("gone", SOFIA, "spam"))
        one.accepted("bill3", text="My bill is wrong, again.")
        case = one.handed_off("net0", text="My internet is broken. My card is 4111 1111 1111 1111.")
        one.handed_off("net1", text="My internet is broken.")
        case.tell(c.SetPriority("up", SOFIA, Priority.URGENT))
        yield one


def test_a_column_has_the_most_urgent_first_and_no_more_than_is_shown(served: Served) -> None:
    columns = {column.key: column for column in served.store.board.columns(sought(), "department", at_most=2)}
    assert {key: column.total for key, column in columns.items()} == {"billing": 4, "technical": 2}
    for column in columns.values():
        assert len(column.rows) == 2
        due = [row.due_at for row in column.rows if row.due_at is not None]
        assert due == sorted(due)
    assert columns["technical"].rows[0].priority == "urgent"
    more = {column.key: column for column in served.store.board.columns(sought(), "department", at_most=2, more={"billing": 50})}
    assert [len(more[key].rows) for key in ("billing", "technical")] == [4, 2]


@pytest.mark.parametrize("hostile", ['"', "'; drop table cases; --", "\\", "{}", "ü"])
def test_nobody_gets_more_than_a_column_by_what_they_call_it(served: Served, hostile: str) -> None:
    assert served.store.board.columns(sought(status=(hostile,)), "status", at_most=2, more={hostile: 9}) == []


def test_flags_and_counts_say_the_same(served: Served) -> None:
    board = served.store.board
    counts = board.counts(sought())
    assert counts["all"] == 6
    for flag in ("late", "soon", "stalled", "needs_us", "nobody", "mine", "unsorted"):
        found = board.columns(sought(flags=(flag,)), "status", at_most=50)
        assert sum(column.total for column in found) == counts[flag], flag
    assert (counts["mine"], counts["nobody"]) == (1, 5)


def test_a_department_sees_its_own_cases_alone(served: Served) -> None:
    scope = frozenset({"technical"})
    assert [column.key for column in served.store.board.columns(sought(scope), "department", at_most=9)] == ["technical"]
    assert served.store.board.counts(sought(scope))["all"] == 2
    assert {row.department for row in served.store.reader.cases(only_open=False, before=None, departments=scope)} == {"technical"}
    assert served.store.board.columns(sought(frozenset()), "department", at_most=9) == []


def test_the_words_of_a_whole_board_are_read_in_one_query(served: Served) -> None:
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(served.store.engine, "before_cursor_execute", count)
    served.store.board.columns(sought(), "status", at_most=50)
    event.remove(served.store.engine, "before_cursor_execute", count)
    assert len(asked) == 1


def test_the_same_customers_other_cases_are_found_and_nobody_elses(served: Served) -> None:
    rows = served.store.board.of_the_same_customer("meridian-x-net1", None)
    assert {row.case_id for row in rows} == {"meridian-x-net0", "meridian-x-bill3", "meridian-x-over"}
    assert served.store.board.of_the_same_customer("meridian-x-net1", frozenset({"website"})) == []


def test_a_change_is_told_by_its_id_and_nothing_else(served: Served) -> None:
    heard: queue.Queue[str] = queue.Queue()
    listener = Listener(served.store.engine, TOPIC, heard.put)
    listener.start()
    end = time.monotonic() + 10
    while heard.empty():  # until it listens
        assert time.monotonic() < end, "nothing was heard"
        served.store.drafts.begin("meridian-x-net1", "slack:UANA", "update")
        served.store.drafts.end("meridian-x-net1", "slack:UANA")
    listener.stop()
    assert {heard.get_nowait() for _ in range(heard.qsize())} == {"meridian-x-net1"}


def test_who_missed_a_notice_finds_what_was_changed(served: Served) -> None:
    until, _ = served.store.board.changed_since(None)
    case = served.case("missed", author={"id": "m", "handle": "m", "name": "Mo"})
    later, changed = served.store.board.changed_since(until)
    assert case.case_id in changed
    assert later > until
