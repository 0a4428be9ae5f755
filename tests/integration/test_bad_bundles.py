"""What is handed to the verifier and is not what was exported is named, with an exit code, and never a trace."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.notary import Notary
from adapters.postgres.store import Store
from cli.engines import Postgres
from domain.seeking import Sought
from tests.conftest import POLICY, WORDING, fresh_database, open_on
from tests.integration.exports import NOTARY, Archive, archive_on, verified
from tests.integration.opened import open_case
from tests.integration.test_history import add, entry
from verifier import loopkeeper_verify

Files = dict[str, bytes]
TWO = Sought(cases=("meridian-x-p1", "meridian-x-p2"))


@pytest.fixture(scope="module")
def archive(postgres: Postgres) -> Iterator[Archive]:
    with fresh_database(postgres) as address:
        store = open_on(address)
        store.book.activate(POLICY, WORDING, by="tests")
        fill(store)
        with archive_on(address, store) as archive:
            archive.seal()
            yield archive
        store.close()


def fill(store: Store) -> None:
    for number in (1, 2, 3):
        case = open_case(store, f"p{number}")
        add(store, case, *(entry(f"t{n}") for n in range(3)))


@pytest.fixture(scope="module")
def full(archive: Archive) -> bytes:
    return archive.bundle(with_words=True)


@pytest.fixture(scope="module")
def filtered(archive: Archive) -> bytes:
    return archive.bundle(TWO, with_words=True)


def unpacked(bundle: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files, *, honest: bool = True) -> bytes:
    """A bundle of files; its manifest brought up to date, as a careful forger does."""
    if honest and "manifest.json" in files:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
            if name != "manifest.json"
        }
        files = {**files, "manifest.json": json.dumps(manifest).encode() + b"\n"}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def lines(files: Files, change: Callable[[list[bytes]], list[bytes]], name: str = "events.jsonl") -> Files:
    return {**files, name: b"\n".join([*change(files[name].split(b"\n")[:-1]), b""])}


def exchanged(told: list[bytes]) -> list[bytes]:
    return [told[1], told[0], *told[2:]]


def edited(events: list[bytes]) -> list[bytes]:
    """Another department in the first event that names one."""
    at = next(n for n, event in enumerate(events) if b"billing" in event)
    return [*events[:at], events[at].replace(b"billing", b"kitchen"), *events[at + 1 :]]


CHANGED: dict[str, tuple[Callable[[Files], Files], str]] = {
    "edited": (lambda f: lines(f, edited), "was changed after it was recorded"),
    "time edited": (lambda f: lines(f, lambda e: [e[0], e[1].replace(b'"us":1', b'"us":2'), *e[2:]]), "was changed after it was recorded"),
    "truncated": (lambda f: lines(f, lambda e: e[:-1]), ""),
    "emptied": (lambda f: {**f, "events.jsonl": b""}, ""),
    "reordered": (lambda f: lines(f, exchanged), ""),
    "doubled": (lambda f: lines(f, lambda e: [e[0], *e]), ""),
    "one taken out": (lambda f: lines(f, lambda e: [e[0], *e[2:]]), ""),
    "not an event": (lambda f: lines(f, lambda e: [*e[:2], b'{"case":"x"}', *e[3:]]), "line 3 is no event"),
    "not UTF-8": (lambda f: lines(f, lambda e: [b"\xff\xfe" + e[0], *e[1:]]), "line 1 is no event"),
    "another member put before the document": (
        lambda f: lines(f, lambda e: [e[0].replace(b'"doc":', b'"doc":{},"doc":', 1), *e[1:]]),
        "was changed after it was recorded",
    ),
    "words edited": (
        lambda f: lines(f, lambda w: [w[0].replace(b"charged me twice", b"thanked me twice"), *w[1:]], "words.jsonl"),
        "the words that are shown are not those that were recorded",
    ),
    "words exchanged": (lambda f: lines(f, exchanged, "words.jsonl"), "its words are not in words.jsonl, or not in their place"),
    "words taken out": (lambda f: lines(f, lambda w: w[1:], "words.jsonl"), "its words are not in words.jsonl, or not in their place"),
    "words added": (lambda f: lines(f, lambda w: [*w, w[-1]], "words.jsonl"), "there is more than belongs to the events here"),
    "another key with the words": (
        lambda f: lines(
            f, lambda w: [json.dumps({**json.loads(w[0]), "key": base64.b64encode(bytes(32)).decode()}).encode(), *w[1:]], "words.jsonl"
        ),
        "do not open with the key beside them",
    ),
}
FULL = {
    "truncated": "some were cut off or added",
    "emptied": "and here are 0: some were cut off or added",
    "reordered": "of the log, and stands where leaf 0 should",
    "doubled": "is leaf 0 of the log, and stands where leaf 1 should",
    "one taken out": "and stands where leaf 1 should",
}
FILTERED = {
    "truncated": "its last one here, has no proof",
    "emptied": "there is more than belongs to the events here",
    "reordered": "event 2 comes after event 0",
    "doubled": "event 1 comes after event 1",
    "one taken out": "event 3 comes after event 1",
}


@pytest.mark.parametrize("change", CHANGED)
@pytest.mark.parametrize("kind", ["full", "filtered"])
def test_a_bundle_that_was_changed_with_its_manifest_is_refused(
    archive: Archive, full: bytes, filtered: bytes, kind: str, change: str
) -> None:
    do, told = CHANGED[change]
    said = archive.verify(packed(do(unpacked(full if kind == "full" else filtered))))
    assert said[0] == 1, said
    assert (told or (FULL if kind == "full" else FILTERED)[change]) in said[1]


def test_a_file_that_was_changed_and_proves_nothing_is_noticed_too(archive: Archive, full: bytes) -> None:
    files = unpacked(full)
    code, told = archive.verify(packed({**files, "README.txt": b"Trust us.\n"}, honest=False))
    assert code == 1
    assert "README.txt: it is " in told


def test_a_root_or_a_size_that_was_changed_does_not_fit_its_signature(archive: Archive, full: bytes) -> None:
    files = unpacked(full)
    origin, size, rest = files["checkpoint.txt"].split(b"\n", 2)
    for forged in (b"\n".join((origin, b"12", rest)), b"\n".join((origin, size, b"A" * 10 + rest[10:]))):
        code, told = archive.verify(packed({**files, "checkpoint.txt": forged}))
        assert code == 1
        assert "does not fit: the checkpoint was changed, or the signature" in told


def test_merged_bundles_are_refused(archive: Archive, filtered: bytes) -> None:
    """Cases of one bundle among those of another, with their proofs: of another checkpoint they prove nothing."""
    first = unpacked(filtered)
    add(archive.store, "meridian-x-p3", entry("later"))
    archive.seal()
    second = unpacked(archive.bundle(Sought(cases=("meridian-x-p3",)), with_words=True))
    merged = {**first, **{name: first[name] + second[name] for name in ("events.jsonl", "heads.jsonl", "words.jsonl")}}
    code, told = archive.verify(packed(merged))
    assert code == 1
    assert "case meridian-x-p3: event 5 is not in this log" in told or "has no proof" in told
    code, told = archive.verify(packed({**first, "events.jsonl": first["events.jsonl"] * 2}))
    assert code == 1
    assert "case meridian-x-p1: event 1 comes after event" in told


def test_a_bundle_of_another_installation_is_refused(archive: Archive, postgres: Postgres) -> None:
    other = Notary.parse(Notary.new_key("loopkeeper.example.org/other"))
    with fresh_database(postgres) as address:
        store = open_on(address)
        store.book.activate(POLICY, WORDING, by="tests")
        fill(store)
        with archive_on(address, store) as foreign:
            foreign.notary = other
            outside = foreign.seal()
            bundle = foreign.bundle()
        store.close()
    code, told = archive.verify(bundle)
    assert code == 1
    assert "it is of 'loopkeeper.example.org/other', signed by" in told
    assert "not by a key that is trusted here" in told
    code, told = archive.verify(archive.bundle(), since=outside)
    assert code == 1
    assert "it is of 'loopkeeper.example.org/other'" in told
    code, told = archive.verify(archive.bundle(), since=outside, keys=f"{NOTARY.verifiers[0]}\n{other.verifiers[0]}\n")
    assert code == 2
    assert "nothing to compare" in told


def test_a_key_that_was_replaced_is_accepted_by_whoever_knows_the_new_or_the_old_while_both_sign(database: str, store: Store) -> None:
    old, new = Notary.new_key("log.example/log"), Notary.new_key("log.example/log")
    verifiers = [str(Notary.parse(key).verifiers[0]) for key in (old, new)]
    with archive_on(database, store) as archive:
        fill(store)
        archive.seal(Notary.parse(old))
        add(store, "meridian-x-p1", entry("a"))
        archive.seal(Notary.parse(f"{new},{old}"))
        both = archive.bundle()
        add(store, "meridian-x-p1", entry("b"))
        archive.seal(Notary.parse(new))
        alone = archive.bundle()
        assert [archive.verify(both, keys=key)[0] for key in verifiers] == [0, 0]
        assert archive.verify(alone, keys=verifiers[1])[0] == 0
        code, told = archive.verify(alone, keys=verifiers[0])
        assert code == 1
        assert "or the log's key was changed since; then get the newer key from your source" in told


def test_a_checkpoint_that_is_newer_than_the_bundle_cannot_be_continued_by_it(archive: Archive) -> None:
    bundle = archive.bundle()
    add(archive.store, "meridian-x-p1", entry("newer"))
    newer = archive.seal()
    code, told = archive.verify(bundle, since=newer)
    assert code == 2
    assert "nothing to compare" in told


def test_a_filtered_bundle_without_the_proof_says_how_to_get_it(archive: Archive) -> None:
    outside = archive.seal()
    add(archive.store, "meridian-x-p1", entry("again"))
    archive.seal()
    code, told = archive.verify(archive.bundle(TWO), since=outside)
    assert code == 2
    assert "have it exported again with that as --since" in told


def test_a_checkpoint_whose_time_lies_before_an_older_one_is_a_clock_that_went_backwards(archive: Archive) -> None:
    """Signed with the log's key: a machine whose clock was set back."""
    from dataclasses import replace
    from datetime import timedelta

    from domain.checkpoints import Checkpoint, Note

    outside = Checkpoint.parse(Note.parse(archive.seal()).text)
    ahead = str(NOTARY.sign(replace(outside, at=outside.at + timedelta(days=1))))
    code, told = archive.verify(archive.bundle(), since=ahead)
    assert code == 1
    assert "the clock went backwards" in told


def test_a_time_that_goes_back_within_a_case_is_found_though_all_hashes_hold(database: str, store: Store) -> None:
    with archive_on(database, store) as archive:
        fill(store)
        archive.tamper("update case_event set recorded_us = recorded_us - 60000000 where case_id = 'meridian-x-p2' and seq = 4")
        archive.chain_anew("meridian-x-p2")
        archive.log_anew()
        archive.seal()
        code, told = archive.verify(archive.bundle(TWO))
        assert code == 1
        assert "case meridian-x-p2: event 4 has an earlier time than event 3" in told
        code, told = archive.verify(archive.bundle())
        assert code == 1
        assert "case meridian-x-p2: event 4 comes after event 0" in told, "which is how it was sealed, by its time"


UNUSABLE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "no zip": lambda whole: b"This is not a zip file.",
    "cut off": lambda whole: whole[: len(whole) // 2],
    "without its end": lambda whole: whole[:-30],
    "without a manifest": lambda whole: packed({n: c for n, c in unpacked(whole).items() if n != "manifest.json"}),
    "another zip": lambda whole: packed({"holiday.jpg": b"\xff\xd8"}),
    "with a path": lambda whole: packed({**unpacked(whole), "../../etc/passwd": b"x\n"}),
    "with a folder": lambda whole: packed({**unpacked(whole), "more/": b""}),
    "manifest no JSON": lambda whole: packed({**unpacked(whole), "manifest.json": b"\xff{"}, honest=False),
    "manifest a list": lambda whole: packed({**unpacked(whole), "manifest.json": b"[]\n"}, honest=False),
    "manifest too deep": lambda whole: packed({**unpacked(whole), "manifest.json": b"[" * 200_000 + b"\n"}, honest=False),
    "manifest of a newer form": lambda whole: packed(
        {**unpacked(whole), "manifest.json": unpacked(whole)["manifest.json"].replace(b"bundle-1", b"bundle-9")}
    ),
    "checkpoint no checkpoint": lambda whole: packed({**unpacked(whole), "checkpoint.txt": b"hello\n"}),
    "checkpoint not UTF-8": lambda whole: packed({**unpacked(whole), "checkpoint.txt": b"\xff\xff\n"}),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_bundle_is_called_that(archive: Archive, full: bytes, name: str) -> None:
    code, told = archive.verify(UNUSABLE[name](full))
    assert code == 2, told
    assert told.startswith("UNUSABLE: ")
    assert "Traceback" not in told
    assert len(told.splitlines()) == 1


def test_a_file_that_cannot_be_opened_is_named_and_not_taken_for_a_bad_bundle(full: bytes, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    bundle.write_bytes(full)
    for arguments in (["missing.zip"], [str(bundle), "--since", "missing.txt"], [str(bundle), "--public-key", "missing.pem"]):
        ran = subprocess.run(
            [sys.executable, loopkeeper_verify.__file__, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 2
        assert f"No such file or directory: '{arguments[-1]}'." in ran.stderr
        assert "Get it again" not in ran.stderr


def test_a_file_that_is_there_twice_is_refused(archive: Archive, full: bytes) -> None:
    out = io.BytesIO(full)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "a") as bundle:
        bundle.writestr("events.jsonl", b"")
    code, told = archive.verify(out.getvalue())
    assert code == 2
    assert "doubled: ['events.jsonl'" in told


def test_a_file_that_unpacks_to_more_than_it_should_is_not_read_on(archive: Archive, full: bytes) -> None:
    files = unpacked(full)
    honest = packed(files)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in unpacked(honest).items():
            out.writestr(name, b"\n" * 300_000_000 if name == "events.jsonl" else content)
    code, told = archive.verify(bomb.getvalue())
    assert code == 1
    assert "events.jsonl: " in told
    endless = packed({**files, "events.jsonl": b"x" * 20_000_000 + b"\n"})
    code, told = archive.verify(endless)
    assert code == 1
    assert "has a line of more than" in told


@pytest.mark.parametrize("kind", ["full", "filtered"])
def test_whatever_byte_is_changed_it_is_noticed_or_changes_nothing(archive: Archive, full: bytes, filtered: bytes, kind: str) -> None:
    """Compressed and not: the first finds what is changed on its way, the second what is changed by somebody who knows zip files."""
    whole = full if kind == "full" else filtered
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as out:
        for name, content in unpacked(whole).items():
            out.writestr(name, content)
    chance = random.Random(kind)
    for bundle in (whole, stored.getvalue()):
        for place in chance.sample(range(len(bundle)), 250):
            changed = bundle[:place] + bytes([bundle[place] ^ (1 << chance.randrange(8))]) + bundle[place + 1 :]
            code, told = archive.verify(changed)
            assert code in (0, 1, 2)
            assert len(told.splitlines()) == (4 if code == 0 else 1), told
            assert code != 0 or unpacked(changed) == unpacked(whole), f"byte {place}"


def test_bytes_that_the_disk_lost_are_told_apart_from_a_forgery(archive: Archive, full: bytes) -> None:
    place = full.index(b"events.jsonl") + 60
    code, told = archive.verify(full[:place] + bytes([full[place] ^ 255]) + full[place + 1 :])
    assert code == 2
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("keys", "told"), [("", "no public key"), ("hello", "is not a public key"), ("log+00000000+" + "A" * 44, "or it is damaged")]
)
def test_keys_that_are_none_are_named(archive: Archive, full: bytes, keys: str, told: str) -> None:
    code, said = archive.verify(full, keys=keys)
    assert code == 2
    assert told in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, told = verified([str(tmp_path / "nothing.zip")])
    assert code == 2
    assert "nothing.zip" in told


def test_the_verifier_is_one_short_file_that_needs_nothing_of_ours(archive: Archive, full: bytes, tmp_path: Path) -> None:
    source = Path(loopkeeper_verify.__file__).read_text("utf-8")
    assert len(source.splitlines()) < 300
    alone = tmp_path / "verify.py"
    alone.write_text(source, "utf-8")
    (tmp_path / "bundle.zip").write_bytes(full)
    (tmp_path / "keys").write_text(f"{NOTARY.verifiers[0]}\n")
    ran = subprocess.run(
        [sys.executable, "-I", str(alone), "bundle.zip", "--public-key", "keys"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "VERIFIED: bundle.zip: full export of loopkeeper.example.com/log; sought: everything" in ran.stdout
