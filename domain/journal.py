"""The journal: everything that happens to the installation and not to one case. Who read, exported, erased or changed what.

Its entries are chained and sealed like those of cases, one chain a month (`@journal-2026-11`). Like theirs, they hold no personal words.
The one line under each class says when it happens; docs/history.md is held to it by a test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from domain.values import Actor, Role, Via

JOURNAL = "@journal-"
"""How the ids of the journal's chains begin; no case's id can."""


@dataclass(frozen=True, slots=True)
class CaseRead:
    """Somebody opened a case's history as an auditor."""

    at: datetime
    case: str
    as_of: datetime | None = None
    kind: Literal["case_read"] = field(default="case_read", repr=False)


@dataclass(frozen=True, slots=True)
class WordsRead:
    """Somebody was shown what people wrote in a case; one entry a case, whether on a page or in an export."""

    at: datetime
    case: str
    private: bool = False
    kind: Literal["words_read"] = field(default="words_read", repr=False)


@dataclass(frozen=True, slots=True)
class HistoryExported:
    """Histories left the installation as a file. `cases` and `events` say how many; `sought` is the filter, without words."""

    at: datetime
    form: str
    sought: str
    cases: int
    events: int
    with_words: bool
    size: int | None = None
    whole: bool = True
    kind: Literal["history_exported"] = field(default="history_exported", repr=False)


@dataclass(frozen=True, slots=True)
class LogKeyChanged:
    """Checkpoints are signed with another key from here on."""

    at: datetime
    verifier: str
    before: str | None = None
    kind: Literal["log_key_changed"] = field(default="log_key_changed", repr=False)


@dataclass(frozen=True, slots=True)
class ErasureProposed:
    """Somebody wants a customer erased; a second person has to confirm it."""

    at: datetime
    erasure: str
    subjects: tuple[str, ...]
    cases: tuple[str, ...]
    reason: str
    kind: Literal["erasure_proposed"] = field(default="erasure_proposed", repr=False)


@dataclass(frozen=True, slots=True)
class ErasureRejected:
    """The second person decided against it."""

    at: datetime
    erasure: str
    reason: str
    kind: Literal["erasure_rejected"] = field(default="erasure_rejected", repr=False)


@dataclass(frozen=True, slots=True)
class SubjectErased:
    """A customer's key and words were destroyed. What hashes cover of them stays; nobody can read it any more."""

    at: datetime
    erasure: str
    subject: str
    cases: tuple[str, ...]
    words: int
    again: bool = False
    kind: Literal["subject.erased"] = field(default="subject.erased", repr=False)


@dataclass(frozen=True, slots=True)
class SubjectExported:
    """A person was given what we hold about them."""

    at: datetime
    subjects: tuple[str, ...]
    cases: int
    words: int
    kind: Literal["subject_exported"] = field(default="subject_exported", repr=False)


@dataclass(frozen=True, slots=True)
class HoldSet:
    """A legal hold: retention and erasure leave these cases alone until it is lifted."""

    at: datetime
    hold: str
    cases: tuple[str, ...]
    reason: str
    kind: Literal["hold_set"] = field(default="hold_set", repr=False)


@dataclass(frozen=True, slots=True)
class HoldLifted:
    """A legal hold has ended."""

    at: datetime
    hold: str
    reason: str
    kind: Literal["hold_lifted"] = field(default="hold_lifted", repr=False)


@dataclass(frozen=True, slots=True)
class RetentionApplied:
    """Words older than their category is kept were destroyed."""

    at: datetime
    category: str
    older_than: datetime
    cases: int
    words: int
    kind: Literal["retention_applied"] = field(default="retention_applied", repr=False)


@dataclass(frozen=True, slots=True)
class Restored:
    """The database was restored from a backup. `size`: the log's size in it; `outside`: the newest checkpoint that is known outside."""

    at: datetime
    size: int
    outside: int | None = None
    kind: Literal["restored"] = field(default="restored", repr=False)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Cases that stood in the database and not in Temporal (or the reverse) were mended."""

    at: datetime
    restarted: tuple[str, ...] = ()
    terminated: tuple[str, ...] = ()
    kind: Literal["reconciled"] = field(default="reconciled", repr=False)


@dataclass(frozen=True, slots=True)
class AdminActed:
    """An administrator changed something. `what`: in a word or two; `about`: an id or a name of a thing, never of a person."""

    at: datetime
    what: str
    about: str
    before: str | None = None
    after: str | None = None
    kind: Literal["admin_acted"] = field(default="admin_acted", repr=False)


@dataclass(frozen=True, slots=True)
class CustomersLinked:
    """Identities are the same person from here on. `customers`: all of them; `added`: the one that came to the others."""

    at: datetime
    customers: tuple[str, ...]
    added: str
    how: str
    reason: str = ""
    kind: Literal["customers_linked"] = field(default="customers_linked", repr=False)


@dataclass(frozen=True, slots=True)
class CustomersUnlinked:
    """An identity was taken out, and is a customer of its own again. `left`: those that stay linked with each other, if any do."""

    at: datetime
    customer: str
    left: tuple[str, ...]
    reason: str
    kind: Literal["customers_unlinked"] = field(default="customers_unlinked", repr=False)


@dataclass(frozen=True, slots=True)
class CustomerRead:
    """Somebody who does not work on cases was shown who a customer is. `customers`: the identities that were shown."""

    at: datetime
    customers: tuple[str, ...]
    kind: Literal["customer_read"] = field(default="customer_read", repr=False)


JournalEvent = (
    CaseRead
    | WordsRead
    | HistoryExported
    | LogKeyChanged
    | ErasureProposed
    | ErasureRejected
    | SubjectErased
    | SubjectExported
    | HoldSet
    | HoldLifted
    | RetentionApplied
    | Restored
    | Reconciled
    | AdminActed
    | CustomersLinked
    | CustomersUnlinked
    | CustomerRead
)
_EVENT: TypeAdapter[JournalEvent] = TypeAdapter(Annotated[JournalEvent, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A journal event with who (and through what), and why."""

    key: str
    event: JournalEvent
    by: Actor
    cause: str

    @property
    def document(self) -> str:
        """The exact text that is hashed and stored; in the form of a case's entries (`domain.history.document`)."""
        data = _EVENT.dump_python(self.event, mode="json", exclude_none=True)
        kind, at = data.pop("kind"), data.pop("at")
        by = {"person": self.by.person, "role": self.by.role.value, "via": self.by.via.value}
        doc = {"at": at, "by": by, "cause": self.cause, "data": data, "kind": kind, "policy": "", "v": 1}
        return json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def read(doc: str, key: str = "") -> JournalEntry:
        """The inverse of `document`. Raises ValueError when the text is not one."""
        raw: dict[str, Any] = json.loads(doc)
        if raw.get("v") != 1:
            raise ValueError(f"this journal entry has the form {raw.get('v')!r}; this version reads form 1")
        event = _EVENT.validate_python({"kind": raw["kind"], "at": raw["at"], **raw["data"]})
        by = raw["by"]
        return JournalEntry(key, event, Actor(by["person"], Role(by["role"]), Via(by["via"])), raw["cause"])
