"""`loopkeeper export` when LOOPKEEPER_URL names an installation: the same, over its API, with the rights of the key."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from cli.app import out
from cli.remote import api
from domain.errors import LoopkeeperError
from loopkeeper_client import models as m


def export_over_api(file: str, wanted: m.ExportIn, *, as_json: bool, err: Console) -> None:
    """Ask for the export, write it, and say what it is."""
    if file == "-":
        raise LoopkeeperError("over the API an export is written into a file; name one: --out FILE")
    path = Path(file)
    part = path.with_name(f"{path.name}.part")
    with api() as lk:
        asked = lk.ask_for_export(wanted)
        try:
            lk.download_export(asked.id, part)
            part.replace(path)
        except FileExistsError:
            raise LoopkeeperError(
                f"{part} is there already: another export is writing it, or one was cut off; remove it if none is"
            ) from None
        except OSError as error:
            raise LoopkeeperError(f"{part} cannot be written: {error.strerror or error}") from None
        done = lk.export(asked.id)
    told = {"file": file, "form": done.form, "sought": done.sought, "cases": done.cases, "events": done.events}
    if as_json:
        out.print_json(data={**told, "checkpoint": done.checkpoint, "not_sealed_yet": done.not_sealed_yet})
        return
    cases = "one case" if done.cases == 1 else f"{done.cases or 0:,} cases"
    err.print(f"Exported {done.events or 0:,} events of {cases} ({done.sought}).", markup=False, soft_wrap=True)
    if done.checkpoint is not None:
        err.print(f"Checkpoint: size {done.checkpoint:,}; events that are not sealed yet, and not in it: {done.not_sealed_yet or 0:,}.")
        err.print(f"Verify it: loopkeeper audit verify {file} --public-key KEYS --since CHECKPOINT", markup=False, soft_wrap=True)
