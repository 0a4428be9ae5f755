"""Histories as tables: a zip file with a row a case and a row an event, as spreadsheets read them."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from typing import IO, Any

from adapters.export.bundle import Progress
from domain.exporting import safe_cell
from domain.history import moment

CASES = (
    *("case_id", "number", "brand", "channel", "opened_at", "status", "intent", "category", "priority", "department", "owner"),
    *("acknowledged_at", "resolved_at", "closed_at", "closing_permalink", "waived_by", "ended", "breached", "events", "policy_id"),
)
EVENTS = ("case", "seq", "recorded_at", "at", "kind", "person", "role", "via", "cause", "policy", "data", "leaf", "hash")


def write_tables(
    cases: Iterable[dict[str, Any]], events: Iterable[tuple[bytes, int]], file: IO[bytes], progress: Progress = lambda _: None
) -> None:
    """Write both tables."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, "cases.csv", CASES, ([row[name] for name in CASES] for row in cases))
        _write(archive, "events.csv", EVENTS, _rows(events, progress))


def _rows(blocks: Iterable[tuple[bytes, int]], progress: Progress) -> Iterator[list[Any]]:
    for block, count in blocks:
        for line in block.splitlines():
            event = json.loads(line)
            doc = event["doc"]
            by = doc["by"]
            circumstances = [doc["at"], doc["kind"], by["person"], by["role"], by["via"], doc["cause"], doc["policy"]]
            data = json.dumps(doc["data"], ensure_ascii=False, sort_keys=True)
            recorded = moment(event["us"]).isoformat().replace("+00:00", "Z")
            yield [event["case"], event["seq"], recorded, *circumstances, data, event["leaf"], event["hash"]]
        progress(count)


def _write(archive: zipfile.ZipFile, name: str, header: Iterable[str], rows: Iterable[list[Any]]) -> None:
    with archive.open(name, "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "utf-8", newline="") as out:
        out.write("\ufeff")  # by which spreadsheets know UTF-8
        table = csv.writer(out)
        table.writerow(header)
        table.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, list | tuple):
        return safe_cell(" ".join(map(str, value)))
    return safe_cell(value if isinstance(value, str) else value.isoformat().replace("+00:00", "Z"))
