"""Histories in each form in which they are exported, written some at a time, so that whoever writes can tell how far it is, or stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO

from adapters.export.bundle import bundle_in_steps
from adapters.export.tables import tables_in_steps
from domain.exporting import Chosen, Form

OnePage = Callable[[str], str]
"""A case, by its id, as a page to read."""
SUFFIXES = {Form.BUNDLE: "zip", Form.JSONL: "jsonl", Form.CSV: "zip", Form.HTML: "html"}
"""How a file of the form is called at its end. The tables of `csv` are two, in a zip file."""
MEDIA_TYPES = {
    Form.BUNDLE: "application/zip",
    Form.JSONL: "application/jsonl",
    Form.CSV: "application/zip",
    Form.HTML: "text/html; charset=utf-8",
}


def written(chosen: Chosen, form: Form, file: IO[bytes], at: datetime, page: OnePage) -> Iterator[int]:
    """Write what was chosen into the file; at each step, how many further events are written. The file is whole after the last step."""
    match form:
        case Form.BUNDLE:
            yield from bundle_in_steps(chosen, file, at)
        case Form.JSONL:
            for block, count in chosen.events():
                file.write(block)
                yield count
        case Form.CSV:
            yield from tables_in_steps(chosen.cases(), chosen.events(), file)
        case Form.HTML:
            (case_id,) = chosen.case_ids()
            file.write(page(case_id).encode())
            yield chosen.scope.events
