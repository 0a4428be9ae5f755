"""Reading and replaying histories of the case workflow: the same decisions must come out again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from adapters.keyring import Keyring
from adapters.temporal import SealedPayloads, data_converter
from worker import OUR_PACKAGES
from workflows.case_loop import CaseLoop


async def replay(histories: Iterable[WorkflowHistory], keyring: Keyring, workflow: type = CaseLoop) -> None:
    """Replay them in Temporal's sandbox, as a worker would. Raises what the first one that does not replay fails with."""
    replayer = Replayer(
        workflows=[workflow],
        data_converter=data_converter(keyring),
        workflow_runner=SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*OUR_PACKAGES)),
    )
    for history in histories:
        await replayer.replay_workflow(history)


async def everything_in(history: WorkflowHistory, keyring: Keyring) -> list[str]:
    """All that can be read in a history by whoever has the key."""
    codec, found = (
        SealedPayloads(keyring),
        [re.sub(r'"data": "[^"]*"', "", history.to_json())],
    )  # as it is sealed, chance spells any short word
    for event in history.events:
        for payload in _payloads(event):
            found += [p.data.decode("utf-8", "replace") for p in await codec.decode([payload])]
    return found


def _payloads(message: Message) -> Iterator[Payload]:
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            values = [v for v in value.values() if isinstance(v, Message)]
        else:
            values = list(value) if field.is_repeated else [value]
        for inner in values:
            yield from _payloads(inner)
