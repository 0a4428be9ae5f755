"""What is kept, and how its changes are numbered."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import ClassVar

import pytest

from sandbox.things import Store, Thing


class Pebble(Thing):
    noun: ClassVar[str] = "pebble"
    name: str
    colour: str = "grey"

    @property
    def key(self) -> str:
        return self.name


class Secret(Pebble):
    noun: ClassVar[str] = "secret"
    announced: ClassVar[bool] = False


def changes(store: Store, after: int = 0) -> list[tuple[str, str]]:
    return [(entry.key, json.loads(entry.doc)["colour"]) for entry in store.since(after)]


def test_a_follower_gets_each_changed_thing_once_as_it_is_now() -> None:
    store = Store()
    store.put(Pebble(name="a"))
    store.put(Pebble(name="b"))
    store.settle()
    seen = store.number
    store.put(Pebble(name="a", colour="red"))
    store.put(Pebble(name="a", colour="blue"))
    store.settle()
    assert changes(store, seen) == [("a", "blue")]
    assert changes(store) == [("b", "grey"), ("a", "blue")]


def test_nobody_hears_of_what_is_not_written_yet() -> None:
    store = Store()
    store.put(Pebble(name="a"))
    assert changes(store) == []
    store.settle()
    assert changes(store) == [("a", "grey")]


def test_some_things_are_nobodys_business() -> None:
    store = Store()
    store.put(Secret(name="s"))
    store.settle()
    assert changes(store) == []
    assert store.number == 1


def test_everything_is_read_back_and_numbers_go_on(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "state.db"
    store = Store(file)
    for thing in (Pebble(name="a"), Pebble(name="b"), Pebble(name="a", colour="red"), Secret(name="s")):
        store.put(thing)
    store.close()
    again = Store(file)
    assert list(again.stored(Pebble)) == [Pebble(name="b"), Pebble(name="a", colour="red")]
    assert [one.name for one in again.stored(Secret)] == ["s"]
    assert changes(again) == [("b", "grey"), ("a", "red")]
    assert again.number == 4
    again.close()


def test_a_number_is_never_given_twice_even_when_its_thing_is_forgotten(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    store.put(Pebble(name="a"))
    store.put(last := Pebble(name="b"))
    store.settle()
    store.drop(last)
    store.close()
    again = Store(tmp_path / "state.db")
    assert again.number == 2
    assert [one.name for one in again.stored(Pebble)] == ["a"]
    again.close()


def test_a_file_that_another_sandbox_uses_is_refused_with_advice(tmp_path: Path) -> None:
    first = Store(tmp_path / "state.db")
    first.put(Pebble(name="a"))
    first.settle()
    with pytest.raises(RuntimeError, match="another sandbox"):
        Store(tmp_path / "state.db")
    first.close()


def test_what_could_not_be_written_is_not_told_and_is_written_later(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.db")
    store.put(Pebble(name="a"))
    assert store._file is not None
    store._file.execute("PRAGMA query_only=ON")
    with pytest.raises(sqlite3.OperationalError):
        store.settle()
    assert changes(store) == []
    store._file.execute("PRAGMA query_only=OFF")
    store.settle()
    assert changes(store) == [("a", "grey")]
    store.close()


def test_whoever_waits_is_told_at_once_and_whoever_waits_in_vain_is_let_go() -> None:
    async def scene() -> tuple[int, int]:
        store = Store()
        waiting = asyncio.create_task(store.wait_beyond(0, 5))
        await asyncio.sleep(0)
        store.put(Pebble(name="a"))
        return len(await waiting), len(await store.wait_beyond(store.number, 0.01))

    assert asyncio.run(scene()) == (1, 0)


def test_names_with_quotes_come_through_as_json() -> None:
    store = Store()
    store.put(Pebble(name='x/"\\'))
    store.settle()
    (entry,) = store.since(0)
    assert json.loads(entry.to_json()) == {"n": 1, "kind": "pebble", "key": 'x/"\\', "object": {"name": 'x/"\\', "colour": "grey"}}
