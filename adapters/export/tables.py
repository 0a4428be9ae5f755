"""Histories as tables: a zip file with a row a case and a row an event, as spreadsheets read them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from adapters.export.bundle import nothing
from domain.exporting import safe_cell
from domain.history import moment

CASES = (
    *("case_id", "number", "brand", "channel", "opened_at", "status", "intent", "category", "priority", "department", "owner"),
    *("acknowledged_at", "resolved_at", "closed_at", "closing_permalink", "waived_by", "ended", "breached", "events", "policy_id"),
)
EVENTS = ("case", "seq", "recorded_at", "at", "kind", "person", "role", "via", "cause", "policy", "data", "leaf", "hash")


def tables_in_steps(cases: Iterable[dict[str, Any]], events: Iterable[tuple[bytes, int]], file: IO[bytes]) -> Iterator[int]:
    """Write both tables, some rows at a time: at each step, how many further events are written."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        yield from nothing(_write(archive, "cases.csv", CASES, (([[row[name] for name in CASES]], 1) for row in cases)))
        yield from _write(archive, "events.csv", EVENTS, ((list(_rows(block)), count) for block, count in events))
    yield 0


def _rows(block: bytes) -> Iterator[list[Any]]:
    for line in block.splitlines():
        event = json.loads(line)
        doc = event["doc"]
        by = doc["by"]
        circumstances = [doc["at"], doc["kind"], by["person"], by["role"], by["via"], doc["cause"], doc["policy"]]
        data = json.dumps(doc["data"], ensure_ascii=False, sort_keys=True)
        recorded = moment(event["us"]).isoformat().replace("+00:00", "Z")
        yield [event["case"], event["seq"], recorded, *circumstances, data, event["leaf"], event["hash"]]


def _write(archive: zipfile.ZipFile, name: str, header: Iterable[str], blocks: Iterable[tuple[list[list[Any]], int]]) -> Iterator[int]:
    with archive.open(name, "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "utf-8", newline="") as out:
        out.write("\ufeff")  # by which spreadsheets know UTF-8
        table = csv.writer(out)
        table.writerow(header)
        for rows, count in blocks:
            table.writerows([_cell(value) for value in row] for row in rows)
            yield count


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, list | tuple):
        return safe_cell(" ".join(map(str, value)))
    return safe_cell(value if isinstance(value, str) else value.isoformat().replace("+00:00", "Z"))
