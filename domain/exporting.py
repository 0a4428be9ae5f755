"""What leaves the installation as a file: in which forms, with which accompanying words, and what has to be at hand for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

BUNDLE = "loopkeeper-bundle-1"
"""The form of a bundle. A verifier refuses one that it does not know."""


class Form(StrEnum):
    """In which form histories are exported."""

    BUNDLE = "bundle"
    JSONL = "jsonl"
    CSV = "csv"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an export is about to hold, as it is put on record before its first byte.

    `sought`: the filter, told without words. `by`: in which role, and through what. `size`: of the log at the checkpoint `note`, up to
    which events are in it (None: nothing is sealed yet). `unsealed`: events that came since, and are left out of a bundle.
    """

    sought: str
    whole: bool
    by: str
    cases: int
    events: int
    unsealed: int
    with_words: bool
    private: bool
    note: str | None = None
    size: int = 0
    keys: Sequence[str] = ()


class Lines(Protocol):
    """Lines of one file of a bundle, each with its end: some at a time, and how many they are."""

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """From the first to the last."""
        ...


class Parcel(Protocol):
    """Histories on their way out, streamed: nothing of them is held in memory as a whole."""

    @property
    def scope(self) -> Scope:
        """What it holds."""
        ...

    def events(self) -> Iterator[tuple[bytes, int]]:
        """Event after event: in the order of the log when everything is exported, else case after case."""
        ...

    def heads(self) -> Iterator[tuple[bytes, int]]:
        """For each case, the proof that its last event here is in the log."""
        ...

    def consistency(self) -> Iterator[tuple[bytes, int]]:
        """Proofs that the log continues older checkpoints of it."""
        ...

    def words(self) -> Iterator[tuple[bytes, int]]:
        """The words that belong to the events, in the same order."""
        ...

    def erasures(self) -> Iterator[tuple[bytes, int]]:
        """What the journal says of the erasure of those whose words were gone when `words` came by them, with proofs."""
        ...


class Chosen(Parcel, Protocol):
    """A parcel that can be had in every form."""

    def case_ids(self) -> Iterator[str]:
        """The ids of the cases."""
        ...

    def cases(self) -> Iterator[dict[str, Any]]:
        """A row a case, by the names of its columns."""
        ...


def safe_cell(cell: str) -> str:
    """A cell that a spreadsheet shows and does not carry out (OWASP, CSV injection): one that could be a formula gets a ' before it."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else cell


def instructions(scope: Scope) -> str:
    """The text that goes with a bundle: how to verify it, and what that shows and does not."""
    return _INSTRUCTIONS.format(
        kind="full" if scope.whole else "filtered",
        sought=scope.sought,
        size=f"{scope.size:,}",
        shows=_FULL if scope.whole else _FILTERED,
        words=_WORDS if scope.with_words else _NO_WORDS,
    )


_INSTRUCTIONS = """\
A bundle of case histories, exported by Loopkeeper
===================================================

This is a {kind} export. Sought: {sought}.

To verify it you need Python 3.9 or later with the package `cryptography`, and the verifier, which is one file that you can read whole:

    loopkeeper audit verifier > loopkeeper_verify.py        (or from a source that you trust more)
    python3 loopkeeper_verify.py BUNDLE.zip --public-key KEYS --since CHECKPOINT

--public-key  the log's public keys, as you got them when the log began, or from somebody who did; not the keys.txt in here. Whoever
              forges a bundle can put keys of their own into it.
--since       a checkpoint that you, or a mailbox, a channel or a file that the database's administrator cannot reach, kept from
              earlier. It shows that nothing that was sealed until then has been changed, removed or put in since, not even by
              somebody who has the log's key.

What verifying shows
--------------------
- Every event here is, letter for letter, the one that was recorded, in its place in its case.
{shows}
- The checkpoint was signed with the log's key. It is of size {size}. What was recorded later is not in here.
{words}
What verifying cannot show
--------------------------
- That what was recorded is true. The history says what Loopkeeper was told and did, and when it wrote that down by the database's clock.
- That the log was not written anew from its beginning by whoever has its key, unless you hold it to a checkpoint from before (--since).

The files
---------
manifest.json      what was exported, when and for whom (by role); the size and SHA-256 of every other file
checkpoint.txt     the log's state, signed (C2SP signed note); keys.txt: its public keys, for convenience
events.jsonl       an event a line. "hash" is SHA-256 over these, with line breaks between them: loopkeeper-event-v1, "case", "seq",
                   "id", "us" (microseconds since 1970, UTC), "words" (SHA-256 of the sealed words, or -), "prev", and the exact text
                   of "doc". "leaf" is the event's number in the log (RFC 6962), whose leaf data is "hash"
heads.jsonl        (filtered) for each case the proof that its last event here is in the log
consistency.jsonl  (filtered) proofs that the log continues its older checkpoints
words.jsonl        (with words) what people wrote: sealed, the key, and plain
erasures.jsonl     (filtered, with words) the journal's entries of the erasure of people whose words are gone
"""
_FULL = """\
- Nothing is missing: these are all events of all cases and of the installation's journal that the checkpoint covers, in the order in
  which they were sealed."""
_FILTERED = """\
- Of each case here no event is missing between its first and its last event here, and that last event is in the log.
  It cannot show that a case has not gone on after its last event here, nor that no case was left out. A full export shows both."""
_WORDS = """\
- The words are those that were recorded: the ciphertext is the one whose hash is in the event, and opens to them. The key that opens
  it is the customer's own, and opens all their words: treat this file as you treat what customers write.
"""
_NO_WORDS = """\
- What people wrote is not in here. The events hold the hash of the sealed words.
"""
