"""What Temporal keeps: no word of a customer, nothing at all for who has no key, and no case is lost over a wrong one."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecutionStatus

from adapters.keyring import Keyring
from adapters.temporal import data_converter
from domain import commands as c
from tests.conftest import KEYS
from tests.temporal.conftest import ANA, Town, run, serving
from tests.temporal.replaying import everything_in
from workflows.contracts import workflow_id

Loop = asyncio.AbstractEventLoop
PERSONAL = ("secret garden", "garden", "flooded", "Sam", "Okafor", "sam_ok", "plumber", "hose", "lovely", "gate code")


def test_no_word_of_the_customer_and_none_of_ours_is_in_the_history_of_a_whole_case(loop: Loop, brief_town: Town) -> None:
    town = brief_town

    async def story() -> None:
        author = {"id": "a-garden", "handle": "sam_ok", "name": "Sam Okafor"}
        async with serving(town):
            case = await town.post(text="My secret garden is flooded, Sam Okafor here, nobody answers", author=author)
            await town.command(case, c.Accept)
            await town.command(case, c.Note, town.words(case, "gate code 4711"))
            await town.command(case, c.Ask, town.words(case, "Sam, which hose is it?"))
            await town.until(lambda: len(town.square.posts) == 2)
            post = town.now(case).first_post
            reply = {**town.writes(case, "reply-2", "The green hose, Sam Okafor"), "type": "post.created"}
            await town.tell({**reply, "data": {**reply["data"], "author": author}})  # type: ignore[dict-item]
            now = datetime.now(UTC).isoformat()
            await town.tell({"type": "post.edited", "brand": "meridian", "data": {"id": post, "text": "flooded again", "edited_at": now}})
            await town.until(lambda: {"ask_answered", "post_edited"} <= set(town.kinds(case)))
            await town.command(case, c.Update, town.words(case, "A plumber is coming to Sam."))
            await town.command(case, c.Reassign, "technical", town.words(case, "needs a plumber"))
            await town.command(case, c.Accept)
            await town.command(case, c.Resolve, "outage", town.words(case, "Lovely that it is dry again, Sam."))
            await town.until(lambda: "closed" in town.kinds(case))
            assert await town.ended(case) == "watch_ended"
            runs = await town.runs(case)
        said = " ".join(town.square.texts(case))
        assert "plumber" in said
        assert "Sam" in said
        clear = "\n".join([text for history in runs for text in await everything_in(history, KEYS)])
        assert "watch_ended" in clear
        assert [word for word in PERSONAL if word.lower() in clear.lower()] == []
        raw = "\n".join(history.to_json() for history in runs)
        for fact in ("watch_ended", "first_post", "root_cause"):
            assert fact not in raw, "without the key, facts cannot be read either"

    run(loop, story())


def test_a_worker_with_a_wrong_key_says_so_and_the_case_waits_for_the_right_one(
    loop: Loop, town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    other = Keyring.parse("other:" + "b3Ro" * 10 + "b3Q=")

    async def story() -> None:
        case = await town.post()
        handle = town.client.get_workflow_handle(workflow_id(case))
        stranger = dataclasses.replace(town)
        stranger.client = Client(town.client.service_client, namespace=town.client.namespace, data_converter=data_converter(other))

        async def refused() -> bool:
            events = (await handle.fetch_history()).events
            failed = [e for e in events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED]
            causes = {e.workflow_task_failed_event_attributes.cause for e in failed}
            assert causes <= {WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE}
            return bool(failed)

        with caplog.at_level(logging.WARNING):
            async with serving(stranger):
                for _ in range(500):
                    if await refused():
                        break
                    await asyncio.sleep(0.02)
                assert await refused()
        assert "this was sealed with the key 'k1', which this installation does not have" in caplog.text
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        assert town.square.texts(case) == []
        async with serving(town):
            accepted = await town.gateway.command(case, c.Accept("click-right", ANA), wait=timedelta(seconds=30))  # Temporal waits, too
            assert accepted.refusal is None
            await town.until(lambda: "reply_posted" in town.kinds(case))
            await town.at_rest(case)

    run(loop, story())
