"""What a person's words to a customer are held against before they are shown, and texts that people ask for ready-made."""

from __future__ import annotations

from datetime import datetime

from adapters.postgres.store import Store
from domain import events as e
from domain.casefile import CaseFile
from domain.discretion import in_words
from domain.errors import NothingShown, ShowsPersonalData
from domain.ports import WhatToSay
from domain.values import Actor


def mind(store: Store, file: CaseFile, body: str) -> None:
    """See that everybody may read `body`. Raises ShowsPersonalData when it shows personal data, or repeats what was written in private."""
    private = [words for _, _, words in store.reader.private_words(file.case_id)] if file.whispers else []
    reason = file.onlookers.objection(body, private, file.public_words)
    if reason is not None:
        raise ShowsPersonalData(reason)


def removal(store: Store, file: CaseFile, seen: int, actor: Actor, now: datetime) -> str:
    """The exact text that asks the customer to remove what event number `seen` found in a post of theirs. Raises NothingShown."""
    found = next((entry.event for seq, entry in file.history if seq == seen), None)
    if not isinstance(found, e.PersonalDataSeen):
        raise NothingShown(f"event {seen} of the case {file.title} found nothing that should be removed")
    if any(isinstance(entry.event, e.PostDeleted) and entry.event.post == found.post for _, entry in file.history):
        raise NothingShown("The customer has removed this post meanwhile. There is nothing to ask for any more.")
    say = WhatToSay(
        case_id=file.case_id,
        policy=file.policy.id,
        words=None,
        template="personal_data.remove",
        variant=sum(file.case_id.encode()) + file.case.steps + 1,
        department=file.case.department,
        now=now,
        signer=actor.person,
        shown=in_words(found.what),
    )
    return store.composer.compose(say).text
