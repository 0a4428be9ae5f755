"""A bridge to a busy network, as docs/channel-contract.md has it: tells of posts, and takes the replies. A process of its own.

    python -m bench.bridge '{"loopkeeper": …, "secret": …, "connections": …, "port": …}'

It serves `POST /replies` and `/replies/find` on `port`. For each line on standard input, `{"seconds": …, "warm_up": …, "a_second": …}`, it
posts for so long and answers with a line on standard output (`Posted`). `a_second` null: each connection sends its next post as soon
as the last was answered. A number: so many posts fall due a second, at even distances, and wait in line for a free
connection; their time counts from when they were due, so that a stall is not hidden by the posts that it held up.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TypedDict

import uvloop
from standardwebhooks import Webhook

ACCEPTED = 202
_REPLY_URL = "https://network.example/replies/"


@dataclass(frozen=True)
class Orders:
    """Whom to tell, how, and where to take replies."""

    loopkeeper: str
    secret: str
    connections: int
    port: int


@dataclass(frozen=True)
class Turn:
    """How long to post, and how fast. What is answered during the warm-up (seconds, before `seconds`) does not count."""

    seconds: float
    warm_up: float
    a_second: float | None


@dataclass
class Posted:
    """What came of a turn. `waits`: seconds to each 202. `in_time`: how many of them came within the turn's seconds."""

    seconds: float
    waits: list[float] = field(default_factory=list)
    in_time: int = 0
    other: dict[str, int] = field(default_factory=dict)
    """How often each other status was answered."""
    told: int = 0
    """Posts accepted since the process began, the warm-up included."""
    replied: int = 0
    """Posts to which a reply was taken since the process began."""


class Reply(TypedDict):
    """A reply that we took, as the contract has it."""

    id: str
    url: str
    text: str
    posted_at: str
    idempotency_key: str


class Connection:
    """One connection, kept open, on which requests follow one another."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Send it; the status."""
        head = [f"POST {path} HTTP/1.1", f"host: {self._host}:{self._port}", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*head, "", ""]).encode() + body)
        first, _, _ = await read_message(self._reader)
        return int(first.split()[1])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def read_message(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """First line, headers and body of an HTTP/1.1 message that says how long it is. Raises IncompleteReadError when there is none."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return first, headers, await reader.readexactly(int(headers.get("content-length", 0)))


class Bridge:
    """Tells of posts and takes replies."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._webhook = Webhook(orders.secret)
        self._numbers = itertools.count()
        self._replies: dict[str, Reply] = {}
        self._replied: dict[str, list[Reply]] = {}
        self._told = 0

    async def serve(self) -> None:
        """Take replies, and turns from standard input, until that ends."""
        serving = await asyncio.start_server(self._answer, "127.0.0.1", self._orders.port)
        host, port = self._orders.loopkeeper.removeprefix("http://").split(":")
        connections = [Connection(host, int(port)) for _ in range(self._orders.connections)]
        async with serving:
            print("ready", flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                for connection in connections:
                    await connection.open()
                posted = await self._take(Turn(**json.loads(line)), connections)
                print(json.dumps(asdict(posted)), flush=True)
                for connection in connections:
                    connection.close()

    async def _take(self, turn: Turn, connections: list[Connection]) -> Posted:
        began = time.monotonic()
        counts_from, ends = began + turn.warm_up, began + turn.warm_up + turn.seconds
        posted = Posted(turn.seconds)
        due = itertools.count()

        async def post_on(connection: Connection) -> None:
            while True:
                start = time.monotonic() if turn.a_second is None else began + next(due) / turn.a_second
                if start >= ends:
                    return
                if (early := start - time.monotonic()) > 0:
                    await asyncio.sleep(early)
                status = await self._tell(connection)
                answered = time.monotonic()
                if status != ACCEPTED:
                    posted.other[str(status)] = posted.other.get(str(status), 0) + 1
                    continue
                posted.in_time += counts_from <= answered < ends
                if counts_from <= (answered if turn.a_second is None else start) < ends:
                    posted.waits.append(answered - start)

        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(post_on(connection))
        posted.told, posted.replied = self._told, len(self._replied)
        return posted

    async def _tell(self, connection: Connection) -> int:
        number = next(self._numbers)
        now = datetime.now(UTC)
        author = {"id": f"u{number}", "handle": f"user{number}", "name": "Sam Okafor", "is_brand": False}
        text = f"My bill is wrong, you charged me twice, number {number}"
        url = f"https://network.example/user{number}/{number}"
        data = {"id": str(number), "url": url, "text": text, "posted_at": now.isoformat(), "author": author}
        body = json.dumps({"type": "post.created", "brand": "meridian", "data": data})
        message = f"evt_{number}"
        headers = {
            "content-type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message, now, body),
        }
        status = await connection.post("/webhooks/channels/x", headers, body.encode())
        self._told += status == ACCEPTED
        return status

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one of Loopkeeper's connections."""
        try:
            while True:
                first, headers, body = await read_message(reader)
                wanted = json.loads(body)
                answer: object = (
                    self._find(wanted) if first.split()[1].endswith("/find") else self._take_reply(headers["idempotency-key"], wanted)
                )
                content = json.dumps(answer).encode()
                head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
                writer.write(head.encode() + content)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _take_reply(self, key: str, wanted: dict[str, str]) -> Reply:
        """The same key is the same reply."""
        if key not in self._replies:
            post, number = wanted["in_reply_to"], len(self._replies)
            posted_at = datetime.now(UTC).isoformat()
            self._replies[key] = Reply(
                id=f"r{number}", url=f"{_REPLY_URL}{number}", text=wanted["text"], posted_at=posted_at, idempotency_key=key
            )
            self._replied.setdefault(post, []).append(self._replies[key])
        return self._replies[key]

    def _find(self, wanted: dict[str, str]) -> dict[str, object]:
        return {"complete": True, "replies": self._replied.get(wanted["in_reply_to"], [])}


def main() -> None:
    """Be the bridge that the command line describes."""
    gc.freeze()
    uvloop.run(Bridge(Orders(**json.loads(sys.argv[1]))).serve())


if __name__ == "__main__":
    main()
