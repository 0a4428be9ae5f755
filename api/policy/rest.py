"""The policy over REST: what is in force, every version, checking files, and putting them in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from adapters.postgres.book import ChangedMeanwhile, PostgresBook, TimeInForce
from adapters.public_holidays import holidays_of
from api.access.door import InThread
from api.access.rules import Needs
from api.access.visitor import Visitor
from api.once import IdempotencyKey, Once
from api.paging import NO_PLACE, After, AtMost, cursor, place_of, tell_next
from api.policy.trying import LONGEST, Files, Tried, tried
from api.problems import Problem, described
from domain.checking import changed
from domain.rights import Right

ReadingPolicy = Annotated[Visitor, Depends(Needs(Right.READ_POLICY))]
FreshlyChanging = Annotated[Visitor, Depends(Needs(Right.CHANGE_POLICY, fresh=True))]
_ID = "default@5da186fa4b"


class TimeOut(BaseModel):
    """A time in which a version was in force."""

    since: datetime
    until: datetime | None = Field(description="Null while it is in force.")
    by: str = Field(examples=["key:3f9a1c22"])
    name: str | None = Field(examples=["Ana Sousa"])


class PolicyVersionOut(BaseModel):
    """A version of the policy."""

    id: str = Field(examples=[_ID])
    in_force: bool
    times: list[TimeOut] = Field(description="When it was in force, the newest first.")


class VersionsOut(BaseModel):
    """All versions that were ever in force, the newest first."""

    in_force: str = Field(examples=[_ID])
    policies: list[PolicyVersionOut]
    after: str | None = Field(examples=[None], description="Send it as `after` for the next page; null: that was all.")


class VersionWhole(PolicyVersionOut):
    """A version with its files."""

    policy: str = Field(description="The policy file (YAML), exactly as it was put in force.", examples=["name: default\n…"])
    wording: str = Field(description="The wording file (YAML), likewise.", examples=["language: en\n…"])
    holidays: dict[str, list[str]] = Field(description="The dates on which each calendar is closed.", examples=[{"office": ["2026-12-25"]}])


class FilesIn(BaseModel):
    """Files to check. What is left out stays as it is in force."""

    model_config = ConfigDict(extra="forbid")

    policy: str = Field("", max_length=LONGEST, description="A policy file (YAML).", examples=["name: default\n…"])
    wording: str = Field("", max_length=LONGEST, description="A wording file (YAML).", examples=[""])


class ActivationIn(FilesIn):
    """Files to put in force, or a version that was so before."""

    version: str | None = Field(None, max_length=80, description="In place of files: a version that was in force before.", examples=[None])
    instead_of: str | None = Field(
        None, max_length=80, description="The version that has to be in force until then; without it, any.", examples=[_ID]
    )


class WrongOut(BaseModel):
    """Something that is wrong with a file. `line` counts from 1; 0 is the file as a whole."""

    file: str = Field(examples=["policy"])
    line: int = Field(examples=[9])
    key: str = Field(examples=["clocks.accept.high"])
    reason: str = Field(examples=["must be a duration such as '15 min', '2 h' or '3 d'"])


class PolicyChangeOut(BaseModel):
    """A key that means something else; null: it is not there. Of lists, what is gone and what is new."""

    key: str = Field(examples=["clocks.accept.high"])
    before: str | None = Field(examples=["30 min"])
    after: str | None = Field(examples=["20 min"])


class CheckOut(BaseModel):
    """What came of a check."""

    fine: bool
    version: str | None = Field(description="The version that it would be.", examples=["default@9c41d0a7be"])
    in_force: str = Field(description="The version whose place it would take.", examples=[_ID])
    problems: list[WrongOut]
    hints: list[str]
    changes: list[PolicyChangeOut]


class ComparedOut(BaseModel):
    """What means something else in one version than in the other."""

    before: str = Field(examples=[_ID])
    after: str = Field(examples=["default@9c41d0a7be"])
    changes: list[PolicyChangeOut]


class ActivationOut(BaseModel):
    """What is in force now. `changed`: whether it was not already."""

    version: str = Field(examples=["default@9c41d0a7be"])
    changed: bool


@dataclass(frozen=True)
class PolicyRest:
    """What the routes need."""

    book: PostgresBook
    in_thread: InThread
    once: Once

    def routes(self) -> APIRouter:
        """The addresses under /api/v1/policies."""
        router = APIRouter(prefix="/api/v1/policies", tags=["policies"])

        @router.get("", response_model=VersionsOut, responses=described(401, 403, 422, 429, 503), summary="All versions of the policy")
        async def versions(
            request: Request, response: Response, _visitor: ReadingPolicy, after: After = None, at_most: AtMost = 50
        ) -> VersionsOut:
            times = await self.in_thread(self.book.times)
            if not times:
                raise Problem(422, "no policy is in force yet")
            ids = _from(list(dict.fromkeys(one.policy_id for one in times)), after)
            more = cursor("policies", ids[at_most - 1]) if len(ids) > at_most else None
            tell_next(request, response, more)
            return VersionsOut(in_force=times[0].policy_id, policies=[_version(one, times) for one in ids[:at_most]], after=more)

        @router.get(
            "/compare",
            response_model=ComparedOut,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="What means something else in one version than in another",
        )
        async def compare(
            _visitor: ReadingPolicy,
            before: Annotated[str, Query(max_length=80, examples=[_ID])],
            after: Annotated[str | None, Query(max_length=80, description="Without it, the version that is in force.")] = None,
        ) -> ComparedOut:
            return await self.in_thread(lambda: self._compared(before, after))

        @router.get(
            "/{policy_id}",
            response_model=VersionWhole,
            responses=described(401, 403, 404, 422, 429, 503),
            summary="A version, with its files",
        )
        async def version(policy_id: str, _visitor: ReadingPolicy) -> VersionWhole:
            return await self.in_thread(lambda: self._whole(policy_id))

        @router.post(
            "/check",
            response_model=CheckOut,
            responses=described(401, 403, 422, 429, 503),
            summary="Check files, and see what they would change",
            description="Changes nothing. What is wrong with the files is in the answer, which is 200 then too.",
        )
        async def check(files: FilesIn, _visitor: ReadingPolicy) -> CheckOut:
            return await self.in_thread(lambda: _checked(tried(self.book, Files.given(files.policy, files.wording))))

        @router.post(
            "",
            response_model=ActivationOut,
            responses=described(401, 403, 404, 409, 422, 429, 503),
            summary="Put files, or a version of before, in force",
            description="For new cases, within five seconds. Needs a fresh proof of who you are; a program needs a key with "
            "`change_policy` among its scopes. "
            "What is wrong with the files is told as `loopkeeper policy check` tells it (`policy_is_wrong`).",
        )
        async def activate(wanted: ActivationIn, visitor: FreshlyChanging, idempotency_key: IdempotencyKey = None) -> ActivationOut:
            async def activate() -> ActivationOut:
                try:
                    return await self.in_thread(lambda: self._activate(wanted, visitor))
                except ChangedMeanwhile as error:
                    raise Problem(409, str(error), code="changed_meanwhile") from None

            return await self.once.run(visitor, idempotency_key, "POST /policies", wanted, activate, kept=ActivationOut)

        return router

    def _whole(self, policy_id: str) -> VersionWhole:
        times = self.book.times()
        known(times, policy_id)
        files, policy = self.book.files(policy_id), self.book.policy(policy_id)
        closed = {name: [day.isoformat() for day in hours.holidays] for name, hours in policy.calendars.items()}
        version = _version(policy_id, times)
        return VersionWhole(**dict(version), policy=files.policy, wording=files.wording, holidays=closed)

    def _compared(self, before: str, after: str | None) -> ComparedOut:
        times = self.book.times()
        for one in filter(None, (before, after)):
            known(times, one)
        new = after or times[0].policy_id
        found = changed(self.book.policy(before), self.book.policy(new))
        return ComparedOut(
            before=before, after=new, changes=[PolicyChangeOut(key=one.key, before=one.before, after=one.after) for one in found]
        )

    def _activate(self, wanted: ActivationIn, visitor: Visitor) -> ActivationOut:
        files = Files.given(wanted.policy, wanted.wording)
        by = visitor.actor.person
        if wanted.version is not None:
            if files != Files():
                raise Problem(422, "version: give either a version that was in force before, or files")
            times = self.book.times()
            known(times, wanted.version)
            if times[0].policy_id == wanted.version:
                return ActivationOut(version=wanted.version, changed=False)
            self.book.again(wanted.version, by=by, via=visitor.actor.via, instead_of=wanted.instead_of)
            return ActivationOut(version=wanted.version, changed=True)
        found = tried(self.book, files)
        if found.policy is None:
            raise Problem(422, found.told, code="policy_is_wrong")
        policy, changed = self.book.activate(
            found.whole.policy, found.whole.wording, by=by, via=visitor.actor.via, holidays=holidays_of, instead_of=wanted.instead_of
        )
        return ActivationOut(version=policy.id, changed=changed)


def known(times: list[TimeInForce], policy_id: str) -> str:
    """A version that was ever in force. Raises Problem."""
    if not any(one.policy_id == policy_id for one in times):
        raise Problem(404, f"there is no version '{policy_id[:80]}' that was ever in force")
    return policy_id


def _from(ids: list[str], after: str | None) -> list[str]:
    """The versions after the one that a cursor names. Raises Problem (422)."""
    place = place_of("policies", after, str)
    if place is None:
        return ids
    if place[0] not in ids:
        raise Problem(422, NO_PLACE)
    return ids[ids.index(str(place[0])) + 1 :]


def _version(policy_id: str, times: list[TimeInForce]) -> PolicyVersionOut:
    its = [TimeOut(since=one.since, until=one.until, by=one.by, name=one.name) for one in times if one.policy_id == policy_id]
    return PolicyVersionOut(id=policy_id, in_force=times[0].policy_id == policy_id, times=its)


def _checked(found: Tried) -> CheckOut:
    problems = [(name, one) for name, its in found.problems.items() for one in its]
    return CheckOut(
        fine=found.policy is not None,
        version=found.policy.id if found.policy is not None else None,
        in_force=found.in_force,
        problems=[WrongOut(file=name, line=one.line, key=one.where, reason=one.reason) for name, one in problems],
        hints=found.hints,
        changes=[PolicyChangeOut(key=one.key, before=one.before, after=one.after) for one in found.changes],
    )
