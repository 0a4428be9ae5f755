"""How a peer is brought from npm, against a registry of our own on loopback."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cli.engines import free_port
from tests.peers import npm
from tests.peers.npm import NotHere, Package, installed


def archive(code: bytes = b"export {};") -> bytes:
    """A package as npm packs it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in {"package.json": b'{"name": "a-peer", "version": "1.2.3"}', "dist/api.js": code}.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def integrity(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


ARCHIVE = archive()
A_PEER = Package("a-peer", "1.2.3", integrity(ARCHIVE))


@dataclass
class Registry:
    """An npm registry that has one package."""

    url: str
    asked: list[str] = field(default_factory=list)
    delivers: bytes = ARCHIVE


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The registry that npm is configured for, with nothing fetched yet."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.asked.append(self.path)
            tarball = {"tarball": f"{asked.url}/a-peer.tgz", "integrity": integrity(asked.delivers)}
            versions = {"1.2.3": {"name": "a-peer", "version": "1.2.3", "dist": tarball}}
            about = {"name": "a-peer", "dist-tags": {"latest": "1.2.3"}, "versions": versions}
            content = asked.delivers if self.path.endswith(".tgz") else json.dumps(about).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    asked = Registry(f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(npm, "_failed", {})
    monkeypatch.setattr(npm, "KEPT_IN", tmp_path / "npm")
    monkeypatch.setenv("npm_config_registry", asked.url)
    monkeypatch.setenv("npm_config_noproxy", "127.0.0.1")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield asked
    server.shutdown()
    thread.join(10)
    server.server_close()


def kept() -> list[str]:
    return [found.name for found in npm.KEPT_IN.iterdir()]


def test_a_package_is_fetched_once_whatever_an_interrupted_fetch_left_and_needs_no_network_afterwards(registry: Registry) -> None:
    (npm.KEPT_IN / "fetching-1" / "package").mkdir(parents=True)
    folder = installed(A_PEER)
    assert (folder / "dist" / "api.js").read_text() == "export {};"
    assert sorted(kept()) == sorted([folder.name, "fetching-1"])
    registry.asked.clear()
    assert installed(A_PEER) == folder
    assert registry.asked == []


def test_what_was_not_pinned_is_not_taken(registry: Registry) -> None:
    registry.delivers = archive(b"steal();")
    with pytest.raises(NotHere, match=r"What npm brought as a-peer@1\.2\.3 is not what is pinned: sha512-\S+\. Nothing of it was kept\."):
        installed(A_PEER)
    assert kept() == []


def test_what_cannot_be_fetched_is_said_with_what_to_do(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotHere) as said:
        installed(A_PEER)
    assert str(said.value).startswith(
        "The npm package a-peer@1.2.3 is needed for these tests, is not here yet, and npm could not fetch it:"
    )
    assert "ECONNREFUSED" in str(said.value)
    assert "Connect to the network" in str(said.value)
    assert kept() == []
