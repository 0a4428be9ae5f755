#!/usr/bin/env python3
"""Verifies a bundle that Loopkeeper exported. Needs Python 3.9 or later and the package `cryptography`; no network, no database.
Usage: python3 loopkeeper_verify.py BUNDLE.zip [--public-key FILE] [--since OLD_CHECKPOINT]
Exit code 0: everything holds; 1: something does not, and it is named; 2: the input cannot be used at all. What is recomputed:
- each event's hash: SHA-256 over "loopkeeper-event-v1", case, number, id, time (µs), hash of the sealed words or "-", hash of the event
  before it, document, with line breaks between them; and that each case's events follow each other: 1, 2, 3 … and never back in time;
- the log: a Merkle tree (RFC 6962) whose leaves are these hashes. A full bundle has every leaf, so its root is recomputed. A filtered
  one has a proof for each case that its last event is a leaf; through the chain that fixes all events before it;
- the checkpoint: the log's origin, size and root, signed with Ed25519 (C2SP signed note);
- words, where there are any: the ciphertext is the one whose hash is in the event, and it decrypts (AES-GCM) to the words beside it.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import sys
import zipfile
from collections import namedtuple
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORM = "loopkeeper-bundle-1"
NEEDED = {"README.txt", "checkpoint.txt", "keys.txt", "events.jsonl", "manifest.json"}
POSSIBLE = NEEDED | {"heads.jsonl", "consistency.jsonl", "words.jsonl", "erasures.jsonl"}
LONGEST, CHUNK = 8_000_000, 1 << 18
EVENT = re.compile(
    rb'\{"case":"([^"\\\x00-\x1f]{1,300})","seq":([1-9][0-9]{0,9}),"id":"([0-9a-f-]{36})","us":([0-9]{1,17}),"leaf":([0-9]{1,18}),'
    rb'"words":(?:null|"([0-9a-f]{64})"),"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})","doc":'
)
NOTE = re.compile(r"([^\n]{1,300})\n(0|[1-9][0-9]{0,17})\n([A-Za-z0-9+/]{43}=)\n(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
REWRITTEN = "the log does not continue your checkpoint of size {0.size} ({0.at}): something that it covers was rewritten since"
FOREIGN = ": it is another installation's, or forged, or the log's key was changed since; then get the newer key from your source"
BROKEN = "case {}: event {} comes after event {} and does not follow from it: events are missing, doubled, replaced or in another order"
COMPLETE = "Nothing is missing: these are all events of the log; its root is the checkpoint's."
PARTIAL = "No history lacks an event up to its last one here. Not shown: that no history was left out, or has gone on since."
Checkpoint = namedtuple("Checkpoint", "origin size root at key")
Event = namedtuple("Event", "case seq us leaf words prev hash doc")  # words: hash of the sealed words; prev: hash of the event before it


class Finding(Exception):
    """Something does not hold."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962, 2.1."""
    return sha256(b"\x01" + left + right).digest()


def root_of(peaks: list[bytes]) -> bytes:
    """The root of a tree, of the roots of the full subtrees that it consists of, the largest first."""
    root = peaks[-1] if peaks else sha256(b"").digest()
    for left in reversed(peaks[:-1]):
        root = node_hash(left, root)
    return root


def climb(at: int, last: int, node: bytes, proof: list[bytes]) -> tuple[bytes, bytes]:
    """The roots of an older and of the newer tree to which a proof leads from a node (RFC 9162, 2.1.3.2 and 2.1.4.2)."""
    older = newer = node
    for sibling in proof:
        if last == 0:
            return b"", b""
        if at & 1 or at == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        at, last = at >> 1, last >> 1
    return (older, newer) if last == 0 else (b"", b"")


def continues(old: Any, new: Any, proof: list[bytes]) -> bool:
    """Whether the proof shows that the log at the new checkpoint continues the log at the old one."""
    if old.size in (0, new.size):
        return bool(old.root == (new.root if old.size else root_of([])))
    path, at, last = proof if old.size & (old.size - 1) else [old.root, *proof], old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    return bool(path) and climb(at, last, path[0], path[1:]) == (old.root, new.root)


def read_keys(text: bytes, where: str) -> dict[str, Ed25519PublicKey]:
    """Public keys, written as name+hash+base64, by name+hash."""
    keys = {}
    for line in filter(None, (line.strip() for line in text.decode().splitlines())):
        form = re.fullmatch(r"([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", line)
        key = base64.b64decode(form[3]) if form else b""
        if form is None or key[:1] != b"\x01" or sha256(form[1].encode() + b"\n" + key).hexdigest()[:8] != form[2]:
            raise ValueError(f"{where}: '{line[:60]}' is not a public key (name+hash+base64), or it is damaged")
        keys[f"{form[1]}+{form[2]}"] = Ed25519PublicKey.from_public_bytes(key[1:])
    if not keys:
        raise ValueError(f"{where}: there is no public key in it")
    return keys


def read_checkpoint(whole: str, keys: dict[str, Ed25519PublicKey], where: str) -> Any:
    """A checkpoint that one of the keys has signed; no signature by any of them may be wrong."""
    text, _, below = whole.rpartition("\n\n")
    form = NOTE.fullmatch(text)
    if form is None:
        raise ValueError(f"{where} is not a checkpoint: origin, size, root and time, a line each, an empty line and signatures")
    signatures = re.findall(r"^\u2014 (\S+) ((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=)?)$", below, re.MULTILINE)
    named = {f"{name}+{base64.b64decode(raw)[:4].hex()}": base64.b64decode(raw)[4:] for name, raw in signatures}
    known = [name for name in named if name in keys and name.startswith(f"{form[1]}+")]
    for name in known:
        try:
            keys[name].verify(named[name], f"{text}\n".encode())
        except InvalidSignature:
            raise Finding(f"{where}: the signature of {name} does not fit: the checkpoint was changed, or the signature") from None
    if not known:
        signers = ", ".join(named) or "nobody"
        raise Finding(f"{where}: it is of '{form[1]}', signed by {signers}, not by a key that is trusted here ({', '.join(keys)}){FOREIGN}")
    return Checkpoint(form[1], int(form[2]), base64.b64decode(form[3]), form[4], known[0])


class Bundle:
    """The zip file. Nothing is unpacked to disk, and no file is read beyond the size that the manifest says."""

    def __init__(self, path: str) -> None:
        self.zip = zipfile.ZipFile(path)
        self.names = [entry.filename for entry in self.zip.infolist()]
        self.unread, self.sizes = set(self.names), {"manifest.json": (LONGEST, "")}
        strange = [name[:80] for name in self.names if name not in POSSIBLE or self.names.count(name) > 1]
        if (lacking := sorted(NEEDED - set(self.names))) or strange:
            raise ValueError(f"it is no bundle, or its export was cut off: it lacks {lacking}; not its own, or doubled: {strange}")
        try:
            self.manifest = json.loads(b"".join(self.lines("manifest.json")))
            self.sizes = {name: (int(said["bytes"]), str(said["sha256"])) for name, said in self.manifest["files"].items()}
            self.full = {"full": True, "filtered": False}[self.manifest["kind"]]
        except (ValueError, KeyError, TypeError, AttributeError):
            self.manifest = {}
        if self.manifest.get("form") != FORM:
            raise ValueError(f"its manifest.json is not one of the form {FORM}; a newer verifier may read it")
        if set(self.sizes) != set(self.names) - {"manifest.json"}:
            raise Finding("manifest.json: the files that it names are not those in the bundle: files were taken out or put in")

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, if it is there; in the end, whether it is the file that was exported."""
        bytes_said, hash_said = self.sizes.get(name, (0, ""))
        rest, size, hashed = b"", 0, sha256()
        with self.zip.open(name) if name in self.names else io.BytesIO() as file:
            for chunk in iter(lambda: file.read(CHUNK), b""):
                hashed.update(chunk)
                size += len(chunk)
                if size > bytes_said or len(rest) > LONGEST:
                    raise Finding(f"{name}: it is longer than manifest.json says, or has a line of more than {LONGEST} bytes")
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                yield from lines
        if hash_said and (rest or (size, hashed.hexdigest()) != (bytes_said, hash_said)):
            raise Finding(f"{name}: it is not as it was exported: its size or hash is not what manifest.json says")
        self.unread.discard(name)


def read_event(line: bytes, where: str) -> Any:
    """An event, from its line. The document is the exact text in it, not what a JSON parser makes of it."""
    found = EVENT.match(line)
    if found is None or line[-1:] != b"}":
        fault = re.fullmatch(rb'\{"case":"([^"]+)","seq":([0-9]+),"fault":"([^"]+)"\}', line)
        said = (
            f"case {fault[1].decode()}: event {fault[2].decode()} {fault[3].decode()}" if fault else f"{where} is no event: {line[:60]!r}"
        )
        raise Finding(said)
    case, seq, identity, us, leaf, words, prev, written = found.groups()
    doc, digest = line[found.end() : -1], bytes.fromhex(written.decode())
    if sha256(b"\n".join((b"loopkeeper-event-v1", case, seq, identity, us, words or b"-", prev, doc))).digest() != digest:
        raise Finding(f"case {case.decode()}: event {seq.decode()} was changed after it was recorded")
    return Event(case.decode(), int(seq), int(us), int(leaf), words, bytes.fromhex(prev.decode()), digest, doc)


def check_words(event: Any, line: dict[str, Any]) -> str:
    """The words of an event: whether they are shown, withheld or gone."""
    where = f"case {event.case}: event {event.seq}"
    if (line.get("case"), line.get("seq")) != (event.case, event.seq):
        raise Finding(f"{where}: its words are not in words.jsonl, or not in their place")
    if "sealed" not in line:
        return "gone" if "gone" in line else "withheld"
    sealed = base64.b64decode(line["sealed"])
    if sha256(sealed).hexdigest() != event.words.decode():
        raise Finding(f"{where}: the sealed words are not those that were recorded: they were changed")
    try:
        plain = AESGCM(base64.b64decode(line["key"])).decrypt(sealed[1:13], sealed[13:], line["subject"].encode())
    except (InvalidTag, ValueError):
        raise Finding(f"{where}: its sealed words do not open with the key beside them: the key is another's, or was changed") from None
    if json.loads(plain) != line["plain"]:
        raise Finding(f"{where}: the words that are shown are not those that were recorded: they were changed in the bundle")
    return "shown"


def check_in_log(event: Any, head: dict[str, Any], new: Any) -> None:
    """Whether the proof shows that the event is in the log."""
    if (head.get("case"), head.get("leaf")) != (event.case, event.leaf) or event.leaf >= new.size:
        raise Finding(f"case {event.case}: event {event.seq}, its last one here, has no proof: events or cases were taken out or put in")
    proof = [bytes.fromhex(sibling) for sibling in head["proof"]]
    if climb(event.leaf, new.size - 1, sha256(b"\x00" + event.hash).digest(), proof)[1] != new.root:
        raise Finding(f"case {event.case}: event {event.seq} is not in this log: the case was rewritten, or is of another installation")


def check_events(bundle: Bundle, new: Any, old: Any) -> dict[str, int]:  # noqa: C901 - in the order in which it is read
    """All events and words; how many there are of what."""
    counts = dict.fromkeys(("events", "histories", "shown", "withheld", "gone", "erasures"), 0)
    heads, words = map(json.loads, bundle.lines("heads.jsonl")), map(json.loads, bundle.lines("words.jsonl"))
    lasts, peaks, last = dict[str, Any](), list[bytes](), None
    for count, line in enumerate(bundle.lines("events.jsonl")):
        if bundle.full and old and count == old.size and root_of(peaks) != old.root:
            raise Finding(REWRITTEN.format(old))
        now = read_event(line, f"events.jsonl: line {count + 1}")
        if bundle.full and now.leaf != count:
            raise Finding(f"case {now.case}: event {now.seq} is leaf {now.leaf} of the log, and stands where leaf {count} should")
        if not bundle.full and last and now.case != last.case:
            check_in_log(last, next(heads, {}), new)
        seq, digest, us = lasts.get(now.case, (0, bytes(32), 0))
        if now.seq != seq + 1 or now.prev != digest:
            raise Finding(BROKEN.format(now.case, now.seq, seq))
        if now.us < us:
            raise Finding(f"case {now.case}: event {now.seq} has an earlier time than event {seq}: changed, or a clock went backwards")
        lasts[now.case], last = (now.seq, now.hash, now.us), now
        if now.words and "words.jsonl" in bundle.names:
            counts[check_words(now, next(words, {}))] += 1
        counts["erasures"] += now.case[0] == "@" and b'"kind":"subject.erased"' in now.doc
        counts["events"] += 1
        node = sha256(b"\x00" + now.hash).digest()
        while count & 1:
            node, count = node_hash(peaks.pop(), node), count >> 1  # noqa: PLW2901 - the carry of a binary addition
        peaks.append(node)
    counts["histories"] = len(lasts)
    if bundle.full and counts["events"] != new.size:
        raise Finding(f"events.jsonl: the checkpoint is of {new.size} events, and here are {counts['events']}: some were cut off or added")
    if bundle.full and root_of(peaks) != new.root:
        raise Finding("the root over all events is not that of the checkpoint: events were replaced by others after they were sealed")
    if not bundle.full and last:
        check_in_log(last, next(heads, {}), new)
    if next(heads, None) or next(words, None):
        raise Finding("heads.jsonl or words.jsonl: there is more than belongs to the events here: cases were taken out")
    for line in map(json.loads, bundle.lines("erasures.jsonl")):
        check_in_log(read_event(line["event"].encode(), "erasures.jsonl: a line"), line, new)
        counts["erasures"] += 1
    return counts


def verify(path: str, public_key: str | None, since: str | None) -> str:
    """What holds, in sentences. Raises Finding, or ValueError (and others) when the input cannot be used."""
    bundle, old = Bundle(path), None
    keys = read_keys(Path(public_key).read_bytes() if public_key else b"\n".join(bundle.lines("keys.txt")), public_key or "keys.txt")
    new = read_checkpoint(b"".join(line + b"\n" for line in bundle.lines("checkpoint.txt")).decode(), keys, "checkpoint.txt")
    if since:
        old = read_checkpoint("\n\n".join(re.split(r"\n\n+", Path(since).read_text("utf-8").strip())[-2:]) + "\n", keys, since)
        if old.origin != new.origin or old.size > new.size:
            raise ValueError(f"{since} is of {old.origin} at size {old.size}, the bundle of {new.origin} at {new.size}: nothing to compare")
        if old.at > new.at:
            raise Finding(f"the bundle's checkpoint is signed at {new.at}, before {since} ({old.at}): the clock went backwards")
    counts = check_events(bundle, new, old)
    if old and not (bundle.full and old.size < new.size):
        proofs = [line["proof"] for line in map(json.loads, bundle.lines("consistency.jsonl")) if line["size"] == old.size] or [None]
        if proofs[0] is None and old.size not in (0, new.size):
            raise ValueError(f"it has no proof from the checkpoint of size {old.size}; have it exported again with that as --since")
        if not continues(old, new, [bytes.fromhex(sibling) for sibling in proofs[0] or []]):
            raise Finding(REWRITTEN.format(old))
    for name in sorted(bundle.unread):
        list(bundle.lines(name))
    held = f"Continues your checkpoint of size {old.size:,} ({old.at})." if old else "Not held to a checkpoint of yours: use --since."
    trust = "a key of yours" if public_key else "A KEY FROM INSIDE THE BUNDLE; use --public-key"
    return f"""VERIFIED: {path}: {"full" if bundle.full else "filtered"} export of {new.origin}; sought: {bundle.manifest.get("sought")}
  {counts["events"]:,} events in {counts["histories"]:,} histories are as they were recorded. {COMPLETE if bundle.full else PARTIAL}
  Words: {counts["shown"]:,} as recorded, {counts["withheld"]:,} withheld, {counts["gone"]:,} gone; erasures: {counts["erasures"]:,}.
  Checkpoint: size {new.size:,}, {new.at}, signed by {new.key}: {trust}. {held}"""


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; the exit code."""
    (parser := argparse.ArgumentParser(description="Verifies a bundle that Loopkeeper exported.")).add_argument("bundle")
    parser.add_argument("--public-key", metavar="FILE", help="the log's public keys, a line each, from a source of your own")
    parser.add_argument("--since", metavar="FILE", help="a checkpoint that you kept (the last in the file): it has to be continued")
    wanted = parser.parse_args(arguments)
    try:
        print(verify(wanted.bundle, wanted.public_key, wanted.since))
    except Finding as finding:
        print(f"NOT VERIFIED: {wanted.bundle}: {finding}", file=sys.stderr)
        return 1
    except Exception as error:  # noqa: BLE001 - whatever the input is: a sentence, and no trace
        again = "" if type(error) is ValueError or getattr(error, "filename", None) else ". Not a whole bundle? Get it again"
        print(f"UNUSABLE: {wanted.bundle}: {error or type(error).__name__}{again}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
