"""One customer issue, from the first post to the last thank-you.

The workflow is the loop around the rules and holds none of its own: wait for a message or for the next moment at which something is
owed, let the rules decide, record what happened, carry out the effects that the case now calls for, and take their outcome as
the next message. Handlers only put messages into the inbox; the main loop alone acts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeUpdate
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.calling import IN_THE_THREAD, Caller
    from activities.desk import DeskKeeper
    from activities.heartbeat import SILENCE
    from activities.mail import Mailer
    from activities.orders import CallOrder, CallOutcome, DeskOrder, MailOrder, PolicyWanted, PublishOutcome, Recording
    from activities.publish import Publisher
    from activities.record import Recorder
    from domain import commands as c
    from domain import events as e
    from domain.case import Call, Case, Reply
    from domain.clocks import due
    from domain.decide import decide
    from domain.evolve import evolve
    from domain.history import Entry, done_by, entered, entry_number, read
    from domain.policy import CasePolicy
    from domain.ports import Written
    from domain.story import is_shown
    from domain.values import Status
    from domain.view import next_moment, view
    from workflows import contracts
    from workflows.effects import called, published, reply_order

SEEN_AT_MOST = 500
"""How many message ids a case remembers to recognise a repeat. The database recognises older ones."""
ANSWERS_AT_MOST = 200
"""How many commands a case remembers the answers to, so that a repeat (of a button, of a request) is answered and not carried out again."""

_RECORDING = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_interval=timedelta(seconds=10))
_OUTSIDE = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=60))
_ATTEMPT = timedelta(seconds=60)
_AT_ONCE = timedelta(seconds=20)
_KEEP_TRYING = timedelta(hours=24)
_PASSING = (Status.NEW, Status.ACKNOWLEDGED, Status.RESOLVED)
"""While a reply is on its way, the next status is a moment away, and a change of search attributes costs as much as an activity."""
_FOR_THE_SOCIAL_TEAM = (e.HumanNeeded, e.PersonalDataSeen, e.DraftHeld)
"""What is shown in Slack also while no department has the case."""
_WITHIN_A_TICK = timedelta(milliseconds=1)
_DESK_WAITS = timedelta(seconds=20)
"""While a reply is on its way the desk waits so long (by the wall clock), and then shows both at once. The customer comes first."""


@dataclass(frozen=True, slots=True)
class _Alarm:
    """The timer that runs, and for which moment by the wall clock."""

    at: datetime
    rings: asyncio.Task[None]


@workflow.defn(name=contracts.CASE_WORKFLOW)
class CaseLoop:
    """See the module's text."""

    @workflow.init
    def __init__(self, start: contracts.CaseStart) -> None:
        self._policy_json = start.policy
        self._policy = CasePolicy.from_json(start.policy)
        self._pace = start.pace
        self._case = start.case
        self._numbered = start.case.events
        self._seen: dict[str, None] = dict.fromkeys(start.seen)
        self._inbox: deque[c.Message] = deque()
        self._answers: dict[str, contracts.Answer] = dict(start.answers)
        self._settled: set[str] = set()
        self._effects: dict[str, asyncio.Task[None]] = {}
        self._desk_told = start.desk_told
        self._desk_owed = start.desk_owed
        self._desk_shows = start.desk_told
        self._desk_owed_since: datetime | None = None
        self._shown: tuple[str, str, str] | None = None
        self._alarm: _Alarm | None = None

    @workflow.run
    async def run(self, start: contracts.CaseStart) -> str:
        """Run the case to its end; how it ended. A mistake of ours never ends it: the task fails, is seen, and goes on once mended."""
        del start  # taken in by __init__, before any handler can run
        try:
            return await self._loop()
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            raise RuntimeError("a failure reached the loop that no rule foresees") from error

    async def _loop(self) -> str:
        self._show()
        while True:
            if self._goes_on_as_new():  # before the next effect is begun: in a busy case one follows on the other without a gap
                # What comes in meanwhile is taken up first: its handler would wait for us, and we for it.
                await workflow.wait_condition(lambda: bool(self._inbox) or workflow.all_handlers_finished())
                if not self._inbox:
                    workflow.continue_as_new(self._as_start())
            else:
                self._start_effects()
            if self._case.is_over and not self._effects and not self._inbox:
                await workflow.wait_condition(workflow.all_handlers_finished)
                if not self._inbox:  # what came in while the last answers were given is taken up too
                    break
            await self._wait()
            await self._take_up()
        return str(self._case.ended)

    # --- what comes in ------------------------------------------------------------------------------------------------

    @workflow.signal(name=contracts.HAPPENED)
    def happened(self, message: c.FromNetwork) -> None:
        """Something happened on the network. The same event twice counts once."""
        if message.id not in self._seen:
            self._seen[message.id] = None
            self._inbox.append(message)

    @workflow.update(name=contracts.COMMAND)
    async def command(self, command: c.Command) -> contracts.Answer:
        """Carry out a command, or refuse it with the reason. Answers when what it made happen is on record."""
        if command.id not in self._answers:
            self._inbox.append(command)
            await workflow.wait_condition(lambda: command.id in self._answers)
        return self._answers[command.id]

    @command.validator
    def _refuse(self, command: c.Command) -> None:
        """Refuse at once, without a trace in the history, what cannot be done to the case as it stands."""
        if command.id in self._answers:
            return
        decided = decide(self._case, command, self._policy, self._now())
        if isinstance(decided, c.Refusal):
            raise ApplicationError(decided.reason, decided, type="Refused", non_retryable=True)

    @workflow.query(name=contracts.CASE)
    def case(self) -> Case:
        """The case as the workflow holds it: what its recorded history adds up to."""
        return self._case

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _now(self) -> datetime:
        return self._pace.loop_time(workflow.now())

    async def _wait(self) -> None:
        """Until there is a message. When something falls due first, that is the message."""
        if self._inbox:
            return
        wanted = self._next_alarm()
        if wanted is None or wanted[0] > workflow.now():
            self._set_alarm(wanted)
            alarm = self._alarm
            await workflow.wait_condition(lambda: self._is_called() or (alarm is not None and alarm.rings.done()))
        if not self._inbox:
            self._inbox.append(c.TimePassed())

    def _is_called(self) -> bool:
        """Whether there is a message, or an effect has ended without one, which is a mistake of ours and must not pass unseen."""
        return bool(self._inbox) or any(task.done() for task in self._effects.values())

    def _set_alarm(self, wanted: tuple[datetime, str] | None) -> None:
        """Have one timer running, for that moment. One that runs for the same moment is kept: timers are dear to the server."""
        if self._alarm is not None:
            if wanted is not None and self._alarm.at == wanted[0] and not self._alarm.rings.done():
                return
            self._alarm.rings.cancel()
            self._alarm = None
        if wanted is not None:
            at, what = wanted
            delay = at - workflow.now() + _WITHIN_A_TICK
            self._alarm = _Alarm(at, asyncio.create_task(workflow.sleep(delay, summary=what)))

    def _next_alarm(self) -> tuple[datetime, str] | None:
        """When (by the wall clock) something is owed next, and what; None when nothing is owed by time alone."""
        moment = due(self._case, self._policy)
        at = None if moment is None else self._pace.wall_time(moment)
        if self._desk_owed_since is not None and "desk" not in self._effects:
            desk_at = self._desk_owed_since + _DESK_WAITS
            if at is None or desk_at < at:
                return desk_at, "show the desk"
        return None if at is None else (at, next_moment(self._case, self._policy))

    async def _take_up(self) -> None:
        """Decide on everything in the inbox, record it in one go, and only then let it count."""
        messages = list(self._inbox)
        self._inbox.clear()
        ended = [name for name, task in self._effects.items() if task.done()]
        while True:
            case, entries, answered = self._decided(messages)
            found = await self._record(case, entries) if entries else []
            if not found:
                break
            self._adopt(found)
        self._desk_owed = self._owed_after(self._case, entries)
        self._case = case
        self._numbered = _last_number(self._numbered, entries)
        if case.policy != self._policy.id:
            await self._follow_policy()
        for name in ended:  # only now that its outcome counts: until then the case calls for it still, and it would be begun again
            self._effects.pop(name).result()
        for command_id, refusal in answered.items():
            self._answers[command_id] = contracts.Answer(refusal, case.status.value, case.events)
        while len(self._answers) > ANSWERS_AT_MOST:
            self._answers.pop(next(iter(self._answers)))
        while len(self._seen) > SEEN_AT_MOST:
            self._seen.pop(next(iter(self._seen)))
        self._show()  # also what was adopted

    def _decided(self, messages: list[c.Message]) -> tuple[Case, list[Entry], dict[str, c.Refusal | None]]:
        """The case after these messages, what is to be recorded, and the answers to the commands among them."""
        case, numbered = self._case, self._numbered
        entries: list[Entry] = []
        answered: dict[str, c.Refusal | None] = {}
        for message in messages:
            if message.id in self._settled:
                continue
            decided = decide(case, message, self._policy, self._now())
            if isinstance(message, c.Command):
                answered[message.id] = decided if isinstance(decided, c.Refusal) else None
            if isinstance(decided, c.Refusal):
                continue
            for event in decided:
                case = evolve(case, event)
                # What was adopted can have numbers beyond our count of events; no number is given twice.
                entry = entered(event, max(case.events, numbered + 1), done_by(event, message), message.id, self._policy.id)
                numbered = max(numbered, entry_number(entry.key))
                entries.append(entry)
        return case, entries, answered

    def _owed_after(self, case: Case, entries: list[Entry]) -> int:
        """Up to which event the desk is to be told, after these entries to `case`."""
        owed = self._desk_owed
        for entry in entries:
            case = evolve(case, entry.event)
            if is_shown(entry.event) and (case.handoff is not None or isinstance(entry.event, _FOR_THE_SOCIAL_TEAM)):
                owed = case.events
        return owed

    async def _record(self, case: Case, entries: list[Entry]) -> list[Entry]:
        """Put it on record. What is returned has stood there before, and then nothing was recorded."""
        written = tuple((w.key, w.doc, w.words) for w in map(Written.of, entries))
        recording = Recording(case.id, written, view(case, self._policy), max(self._numbered, self._case.events))
        found = await workflow.execute_local_activity_method(
            Recorder.record, recording, start_to_close_timeout=timedelta(seconds=20), retry_policy=_RECORDING
        )
        return [read(doc, key) for key, doc in found]

    async def _follow_policy(self) -> None:
        """The case is held to another version of the policy from here."""
        case = self._case
        self._policy_json = await workflow.execute_local_activity_method(
            Recorder.policy_slice,
            PolicyWanted(case.policy, case.brand, case.channel),
            start_to_close_timeout=timedelta(seconds=20),
            retry_policy=_RECORDING,
        )
        self._policy = CasePolicy.from_json(self._policy_json)

    def _adopt(self, found: list[Entry]) -> None:
        """A worker has recorded this and ended before Temporal heard. What is on record counts; its messages are not taken up again."""
        self._desk_owed = self._owed_after(self._case, found)
        self._numbered = _last_number(self._numbered, found)
        for entry in found:
            self._case = evolve(self._case, entry.event)
        for cause in {entry.cause: None for entry in found if entry.cause != c.TimePassed().id}:
            self._settled.add(cause)
            self._answers[cause] = contracts.Answer(None, self._case.status.value, self._case.events)

    def _show(self) -> None:
        """Let operators find the case and see how it stands, in Temporal's own screen."""
        case = self._case
        workflow.set_current_details(
            f"**{case.status.value}** · {case.department} · {case.priority.value}\n\n{next_moment(case, self._policy)}"
        )
        shown = (case.status.value, case.department, case.priority.value)
        passing = case.status in _PASSING and case.planned() is not None
        if self._shown is None:
            unknown = passing and workflow.info().continued_run_id is not None  # the run before may not have shown a passing status
            self._shown = ("", "", "") if unknown else shown  # whoever started the workflow has set these
        if shown == self._shown or passing:
            return
        self._shown = shown
        updates: list[SearchAttributeUpdate[Any]] = [
            contracts.STATUS.value_set(shown[0]),
            contracts.DEPARTMENT.value_set(shown[1]),
            contracts.PRIORITY.value_set(shown[2]),
            contracts.CHANNEL.value_set(case.channel),
        ]
        moment = due(case, self._policy)
        if moment is not None:
            updates.append(contracts.DUE.value_set(moment))
        workflow.upsert_search_attributes(updates)

    def _goes_on_as_new(self) -> bool:
        """Whether the case is to go on in a new run as soon as the inbox is empty. A running effect is waited for."""
        info = workflow.info()
        wanted = info.is_continue_as_new_suggested() or info.is_target_worker_deployment_version_changed()
        return wanted and not self._effects and not self._case.is_over

    def _as_start(self) -> contracts.CaseStart:
        seen, answers = tuple(self._seen), tuple(self._answers.items())
        return contracts.CaseStart(self._case, self._policy_json, self._pace, seen, self._desk_owed, self._desk_told, answers)

    # --- effects ------------------------------------------------------------------------------------------------------
    # What is to be done is read off the case, so that a case that goes on elsewhere (continue-as-new) goes on with it.

    def _start_effects(self) -> None:
        case = self._case
        reply = case.planned()
        if reply is not None and "publish" not in self._effects:  # one after the other: the customer reads them in their order
            self._start("publish", self._publish(reply))
        handoff = case.handoff
        if self._desk_owed > self._desk_told and "desk" not in self._effects:
            self._desk_owed_since = self._desk_owed_since or workflow.now()
            if "publish" not in self._effects or workflow.now() - self._desk_owed_since >= _DESK_WAITS:
                self._desk_owed_since = None
                self._start("desk", self._show_desk(handoff.department if handoff is not None else ""))
        self._start_calls()
        if handoff is None:
            return
        if handoff.mail_step is not None and handoff.delivered_by is None and "email" not in handoff.failed and "mail" not in self._effects:
            self._start("mail", self._mail(handoff.department, handoff.mail_step))

    def _start_calls(self) -> None:
        """The calls up the chain, in their order: one at a time by Slack, one at a time by e-mail."""
        for call in self._case.calls:
            in_thread = call.to in IN_THE_THREAD
            if in_thread and self._desk_shows >= self._desk_owed:  # the story has mentioned them already
                self._inbox.append(called(self._case.id, call, CallOutcome(), "slack"))
                continue
            slot = "desk" if in_thread else "call"  # only one at a time writes into the case's own thread
            if "slack" not in call.failed and slot not in self._effects:
                self._start(slot, self._call(call))
            if call.mail_step is not None and "email" not in call.failed and "call-mail" not in self._effects:
                self._start("call-mail", self._call_by_mail(call))

    def _start(self, name: str, effect: Coroutine[Any, Any, None]) -> None:
        self._effects[name] = asyncio.create_task(effect)

    async def _publish(self, reply: Reply) -> None:
        case = self._case
        order = reply_order(case, reply, self._policy.id, self._pace)
        first = case.acknowledged_at is None
        try:
            outcome = await workflow.execute_activity_method(
                Publisher.publish,
                order,
                task_queue=contracts.publish_queue(case.channel),
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=SILENCE,
                schedule_to_close_timeout=_KEEP_TRYING,
                retry_policy=_OUTSIDE,
                priority=contracts.FIRST if first else contracts.SOON,
                summary=f"{reply.purpose.value} (step {reply.step})",
            )
        except ActivityError as error:
            outcome = PublishOutcome("unconfirmed", reason=f"no outcome within a day: {_reason(error)}")
        self._inbox.append(published(case.id, reply, outcome, self._now()))

    async def _show_desk(self, department: str) -> None:
        case, version = self._case, self._desk_owed
        order = DeskOrder(case.id, self._policy.id, department, case.events, self._pace)
        key = f"{case.id}:desk:{version}"
        if await self._shown_at_once(order):
            self._desk_told = self._desk_shows = max(self._desk_told, version)
            self._inbox.append(c.DeskTold(key, case.events, department))
            return
        try:
            outcome = await workflow.execute_activity_method(
                DeskKeeper.show,
                order,
                task_queue=contracts.DESK_QUEUE,
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=SILENCE,
                schedule_to_close_timeout=_KEEP_TRYING,
                retry_policy=_OUTSIDE,
                priority=contracts.LATER if case.owner is not None else contracts.SOON,
                summary=f"show {department} the case as of event {case.events}",
            )
            reason = outcome.refused
        except ActivityError as error:
            reason = f"Slack took nothing for a day: {_reason(error)}"
        self._desk_told = max(self._desk_told, version)
        if reason is None:
            self._desk_shows = self._desk_told
            self._inbox.append(c.DeskTold(key, case.events, department))
        else:
            self._inbox.append(c.DeskUnreachable(key, case.events, reason))

    async def _shown_at_once(self, order: DeskOrder) -> bool:
        """Try it within this very task, which spares the server an activity and a task. What is not done at once takes the long way."""
        try:
            outcome = await workflow.execute_local_activity_method(
                DeskKeeper.show_at_once, order, start_to_close_timeout=_AT_ONCE, retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except FailureError:  # what a local activity raises comes as it is, not wrapped in an ActivityError
            return False
        return not outcome.later and outcome.refused is None

    async def _mail(self, department: str, step: int) -> None:
        case = self._case
        order = MailOrder(case.id, self._policy.id, department, step, self._pace)
        key = f"{case.id}:{step}:1"
        try:
            outcome = await workflow.execute_activity_method(
                Mailer.hand_off,
                order,
                task_queue=contracts.MAIL_QUEUE,
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=SILENCE,
                schedule_to_close_timeout=_KEEP_TRYING,
                retry_policy=_OUTSIDE,
                priority=contracts.SOON,
                summary=f"hand off to {department} by e-mail",
            )
            failed = None if outcome.sent else outcome.reason
        except ActivityError as error:
            failed = f"the mail service took nothing for a day: {_reason(error)}"
        self._inbox.append(c.Mailed(key, step) if failed is None else c.MailFailed(key, step, failed))

    async def _call(self, call: Call) -> None:
        order = self._call_order(call)
        try:
            outcome = await workflow.execute_activity_method(
                Caller.call,
                order,
                task_queue=contracts.DESK_QUEUE,
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=SILENCE,
                schedule_to_close_timeout=_KEEP_TRYING,
                retry_policy=_OUTSIDE,
                priority=contracts.SOON,
                summary=f"call the {call.to.value} (step {call.step})",
            )
        except ActivityError as error:
            outcome = CallOutcome(refused=f"Slack took nothing for a day: {_reason(error)}")
        if outcome.refused is None and call.to in IN_THE_THREAD:
            self._desk_told = self._desk_shows = max(self._desk_told, order.version)
        self._inbox.append(called(self._case.id, call, outcome, "slack"))

    async def _call_by_mail(self, call: Call) -> None:
        try:
            outcome = await workflow.execute_activity_method(
                Mailer.call,
                self._call_order(call),
                task_queue=contracts.MAIL_QUEUE,
                start_to_close_timeout=_ATTEMPT,
                heartbeat_timeout=SILENCE,
                schedule_to_close_timeout=_KEEP_TRYING,
                retry_policy=_OUTSIDE,
                priority=contracts.SOON,
                summary=f"call the {call.to.value} by e-mail (step {call.step})",
            )
        except ActivityError as error:
            outcome = CallOutcome(refused=f"the mail service took nothing for a day: {_reason(error)}")
        self._inbox.append(called(self._case.id, call, outcome, "email"))

    def _call_order(self, call: Call) -> CallOrder:
        case = self._case
        return CallOrder(case.id, self._policy.id, call.step, call.to, case.department, case.events, call.mail_step, self._pace)


def _last_number(known: int, entries: list[Entry]) -> int:
    return max([known, *(entry_number(entry.key) for entry in entries)])


def _reason(error: ActivityError) -> str:
    return str(error.cause or error)
