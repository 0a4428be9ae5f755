"""Webhooks out, on a real database and to real receivers."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text

from activities.hooks import Sending, WebhookSender
from adapters.keyring import Keyring
from adapters.notary import Notary
from adapters.postgres.delivering import PostgresOutbox, Subscriptions
from adapters.postgres.engine import open_engine
from adapters.postgres.hooks import Delivery, Hooks, Webhook
from adapters.postgres.log import Sealer
from adapters.postgres.store import Store
from adapters.receivers import Receivers
from domain import commands as c
from domain.hooks import MOST, Outcome, UnfitWebhook, Wanted
from domain.journal import AdminActed
from domain.values import SYSTEM
from tests.conftest import KEYS
from tests.integration.onrecord import OnRecord
from tests.receiving import Receiver, receiving

NOTARY = Notary.parse(Notary.new_key("loopkeeper.example.com/log"))


@dataclass
class Post:
    """The whole way from a sealed event to a receiver, at a moment that the test sets."""

    store: Store
    sealer: Sealer
    keyring: Keyring = KEYS
    receivers: Receivers = field(default_factory=lambda: Receivers(embedded=True, timeout=5))
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def hooks(self) -> Hooks:
        return Hooks(self.store.engine, self.keyring)

    @property
    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self.store.engine, self.keyring)

    def subscribe(self, url: str, *events: str, **further: Any) -> Webhook:
        made, secret = self.hooks.make(Wanted(url, frozenset(events) or None, **further), SYSTEM)
        self.secrets[made.id] = secret
        return made

    def follow(self, at_most: int = 1_000) -> int:
        """Seal, and make deliveries of everything that is sealed; how many events were taken."""
        while self.sealer.seal() is not None:
            pass
        follower, taken = Subscriptions(self.store.engine), 0
        while (more := follower.follow(at_most)) > 0:
            taken += more
        return taken

    def send(self) -> int:
        """Make every try that is due at this moment; how many."""
        made = 0
        with ThreadPoolExecutor(8) as threads:
            sending = Sending(self.outbox, self.receivers.post, threads, lambda: self.at)
            while (more := sending.begin()) > 0:
                made += more
                sending.finish()
        return made

    def deliveries(self, hook: Webhook) -> list[Delivery]:
        """The oldest first."""
        return list(reversed(self.hooks.deliveries(hook.id, before=None, state=None, at_most=1000)))

    def only(self, hook: Webhook) -> Delivery:
        (one,) = self.deliveries(hook)
        return one


@pytest.fixture
def post(store: Store, database: str) -> Iterator[Post]:
    engine = open_engine(database, pool=2, role="loopkeeper_sealer")
    yield Post(store, Sealer(engine, NOTARY))
    engine.dispose()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def tried(post: Post, url: str) -> Webhook:
    """A subscription to which one event is to be delivered."""
    hook = post.subscribe(url)
    post.hooks.send_test(hook.id, SYSTEM, post.at)
    return hook


def happened(post: Post, hook: Webhook) -> list[str]:
    return [one.kind for one in post.deliveries(hook)]


# --- from the log to deliveries ---------------------------------------------------------------------------------------


def test_a_receiver_is_told_what_happens_in_its_order_and_can_verify_it(post: Post, receiver: Receiver) -> None:
    hook = post.subscribe(receiver.url)
    case = OnRecord.opened(post.store, text="Sam Okafor was charged twice")
    case.command(c.Accept)
    case.command(c.Note, case.keep("Call Sam Okafor back"))
    post.store.journal.note(AdminActed(post.at, "tried", "the journal"), SYSTEM)
    post.follow()
    post.at = datetime.now(UTC)
    assert post.send() == len(case.kinds())
    told = receiver.verified(post.secrets[hook.id])
    assert [one["type"] for one in told] == case.kinds()
    assert [one["data"]["sequence"] for one in told] == list(range(1, len(told) + 1))
    assert {one["data"]["case_id"] for one in told} == {case.case_id}
    assert told[0]["data"]["department"] == case.case.department
    assert told[-1]["data"]["status"] == case.case.status.value
    everything = b"".join(body for _, body in receiver.requests).decode()
    assert not any(word in everything for word in ("Sam", "Okafor", "charged", "UANA", "w-"))
    assert {one.state for one in post.deliveries(hook)} == {"delivered"}
    assert all(id_.startswith("evt_") for id_ in receiver.ids)
    assert len(set(receiver.ids)) == len(told)


def test_a_subscription_gets_the_kinds_and_brands_that_it_wants_from_when_it_was_made(post: Post) -> None:
    before = OnRecord.opened(post.store, "p1")
    url = "https://crm.example.com/"
    some, other = post.subscribe(url, "accepted", "note_added"), post.subscribe(url, brands=frozenset({"another"}))
    before.command(c.Accept)
    before.command(c.Note, before.keep("x"))
    after = post.subscribe(url)
    before.command(c.Note, before.keep("y"))
    post.follow()
    assert happened(post, some) == ["accepted", "note_added", "note_added"]
    assert happened(post, other) == []
    assert happened(post, after) == ["note_added"]


def test_each_event_becomes_one_delivery_however_often_and_in_whichever_steps_the_log_is_followed(post: Post) -> None:
    hook = post.subscribe("https://crm.example.com/")
    cases = [OnRecord.opened(post.store, f"p{n}") for n in range(3)]
    for case in cases:
        case.command(c.Accept)
    post.follow(at_most=2)
    with post.store.engine.begin() as connection:
        connection.execute(text("update webhook_progress set leaf = -1"))
    post.follow(at_most=3)
    assert sorted(happened(post, hook)) == sorted(kind for case in cases for kind in case.kinds())


def test_a_follower_that_ends_before_it_is_done_has_changed_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = post.subscribe("https://crm.example.com/")
    case = OnRecord.opened(post.store)
    while post.sealer.seal() is not None:
        pass

    def killed(*given: Any) -> None:
        deliver(*given)
        raise MemoryError

    deliver = Subscriptions._deliver
    with monkeypatch.context() as patched:
        patched.setattr(Subscriptions, "_deliver", killed)
        with pytest.raises(MemoryError):
            Subscriptions(post.store.engine).follow()
    assert post.deliveries(hook) == []
    post.follow()
    assert happened(post, hook) == case.kinds()


# --- tries ------------------------------------------------------------------------------------------------------------


def test_a_delivery_that_fails_is_tried_again_on_schedule_under_the_same_id_and_then_dead(post: Post, receiver: Receiver) -> None:
    receiver.always = 500
    hook = tried(post, receiver.url)
    begun = post.at
    assert post.send() == 1
    for minutes in (1, 5, 30, 120, 600):
        post.at += timedelta(minutes=minutes, seconds=-1)
        assert post.send() == 0
        post.at += timedelta(seconds=1)
        assert post.send() == 1
    last = post.only(hook)
    assert (last.state, last.attempts, last.status, last.problem) == ("dead", 6, 500, "answered 500")
    assert post.at - begun == timedelta(minutes=756)
    assert len(receiver.requests) == 6
    assert len(set(receiver.ids)) == 1
    assert len({body for _, body in receiver.requests}) == 1
    post.at += timedelta(days=1)
    assert post.send() == 0


def test_a_dead_letter_can_be_replayed_with_all_its_tries(post: Post, receiver: Receiver) -> None:
    receiver.answers = [500] * 6
    hook = tried(post, receiver.url)
    while post.only(hook).state == "pending":
        post.send()
        post.at = max(post.at, post.only(hook).due_at)
    assert post.only(hook).state == "dead"
    post.hooks.replay(hook.id, post.only(hook).event_id, SYSTEM, post.at)
    assert post.send() == 1
    assert (post.only(hook).state, post.only(hook).attempts) == ("delivered", 1)
    assert len(set(receiver.ids)) == 1
    post.hooks.replay(hook.id, post.only(hook).event_id, SYSTEM, post.at)
    assert post.send() == 1
    assert len(receiver.requests) == 8


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("hang", "no answer within 0.5 s"),
        ("drip", "no answer within 0.5 s"),
        ("reset", "no whole answer"),
        (404, "answered 404"),
        (302, "answered 302; redirects are not followed"),
    ],
)
def test_whatever_a_receiver_does_the_delivery_is_tried_again(post: Post, receiver: Receiver, answer: int | str, problem: str) -> None:
    post.receivers = Receivers(embedded=True, timeout=0.5)
    receiver.answers = [answer]
    hook = tried(post, receiver.url)
    assert post.send() == 1
    failed = post.only(hook)
    assert (failed.state, failed.attempts) == ("pending", 1)
    assert failed.problem is not None
    assert failed.problem.startswith(problem)
    post.at += timedelta(minutes=1)
    assert post.send() == 1
    assert post.only(hook).state == "delivered"


def test_a_redirect_to_an_inside_address_is_not_followed(post: Post, receiver: Receiver) -> None:
    with receiving() as inside:
        receiver.answers, receiver.location = [307], inside.url
        hook = tried(post, receiver.url)
        post.send()
        assert inside.requests == []
    assert post.only(hook).problem == "answered 307; redirects are not followed"


def test_a_receiver_that_is_away_is_tried_again(post: Post) -> None:
    with receiving() as gone:
        url = gone.url
    hook = tried(post, url)
    post.send()
    assert (post.only(hook).state, post.only(hook).problem) == ("pending", "no whole answer (ConnectionRefusedError)")


def test_an_event_waits_for_the_earlier_ones_of_its_case_and_for_no_other_case(post: Post, receiver: Receiver) -> None:
    post.subscribe(receiver.url, "accepted", "note_added")
    first, second = OnRecord.opened(post.store, "p1"), OnRecord.opened(post.store, "p2")
    first.command(c.Accept)
    first.command(c.Note, first.keep("x"))
    second.command(c.Accept)
    post.follow()
    post.at = datetime.now(UTC)
    receiver.always = 500
    assert post.send() == 2
    receiver.always = 204
    assert sorted((one["data"]["case_id"], one["type"]) for one in receiver.told) == [
        (first.case_id, "accepted"),
        (second.case_id, "accepted"),
    ]
    assert post.send() == 0
    post.at += timedelta(minutes=1)
    assert post.send() == 3
    assert (receiver.told[-1]["data"]["case_id"], receiver.told[-1]["type"]) == (first.case_id, "note_added")


def test_one_event_that_a_receiver_never_takes_does_not_silence_its_case(post: Post, receiver: Receiver) -> None:
    hook = post.subscribe(receiver.url, "accepted", "note_added")
    case = OnRecord.opened(post.store)
    case.command(c.Accept)
    case.command(c.Note, case.keep("x"))
    post.follow()
    post.at = datetime.now(UTC)
    receiver.answers = [500, 500, 500]
    for minutes in (1, 5, 0):
        assert post.send() == (1 if minutes else 2)
        post.at += timedelta(minutes=minutes)
    assert [(one.kind, one.state) for one in post.deliveries(hook)] == [("accepted", "pending"), ("note_added", "delivered")]


def test_a_receiver_that_hangs_delays_nobody_else(post: Post, receiver: Receiver) -> None:
    post.receivers = Receivers(embedded=True, timeout=30)
    with receiving() as slow:
        slow.always = "hang"
        stuck, well = post.subscribe(slow.url), post.subscribe(receiver.url)
        for _ in range(5):
            post.hooks.send_test(stuck.id, SYSTEM, post.at)
            post.hooks.send_test(well.id, SYSTEM, post.at)

        def ended(seconds: float) -> bool:
            looking.wait(seconds / 10)
            return len(receiver.requests) == 5 and {one.state for one in post.deliveries(well)} == {"delivered"}

        looking = threading.Event()
        sender = WebhookSender(post.outbox, post.receivers.post, ended)
        sending = threading.Thread(target=sender.send, args=("",), daemon=True)
        sending.start()
        receiver.await_requests(5)
        slow.await_requests(2)
        assert len(slow.requests) == 2
        slow.released.set()
        sending.join(60)
        assert not sending.is_alive()


def test_a_try_whose_process_ended_is_made_again_and_its_late_outcome_counts_no_more(post: Post, receiver: Receiver) -> None:
    hook = tried(post, receiver.url)
    (lost,) = post.outbox.claim({}, post.at)
    assert post.send() == 0
    post.at += timedelta(minutes=3)
    (again,) = post.outbox.claim({}, post.at)
    post.outbox.settle(lost, Outcome(None, "late"), post.at)
    assert (post.only(hook).state, post.only(hook).attempts) == ("pending", 0)
    post.outbox.settle(again, Outcome(204, None), post.at)
    assert (post.only(hook).state, post.only(hook).attempts) == ("delivered", 1)
    assert lost.event_id == again.event_id


def test_what_was_settled_a_month_ago_is_forgotten(post: Post, receiver: Receiver) -> None:
    hook = tried(post, receiver.url)
    post.send()
    assert post.outbox.forget(post.at + timedelta(days=29)) == 0
    assert post.outbox.forget(post.at + timedelta(days=31)) == 1
    assert post.deliveries(hook) == []


# --- subscriptions ----------------------------------------------------------------------------------------------------


def test_a_paused_subscription_collects_and_a_revoked_one_drops(post: Post, receiver: Receiver) -> None:
    hook = tried(post, receiver.url)
    post.hooks.change(hook.id, Wanted(receiver.url, active=False), SYSTEM)
    assert post.send() == 0
    post.hooks.change(hook.id, Wanted(receiver.url), SYSTEM)
    assert post.send() == 1
    post.hooks.send_test(hook.id, SYSTEM, post.at)
    post.hooks.revoke(hook.id, SYSTEM)
    OnRecord.opened(post.store)
    post.follow()
    assert post.send() == 0
    with post.store.engine.connect() as connection:
        states = connection.execute(text("select state from webhook_delivery order by number")).scalars().all()
        assert connection.execute(text("select secret from webhook")).scalar_one() is None
    assert states == ["delivered", "dropped"]
    assert post.hooks.all() == []


def test_a_changed_secret_signs_beside_the_one_before_for_a_day(post: Post, receiver: Receiver) -> None:
    hook = tried(post, receiver.url)
    new, until = post.hooks.change_secret(hook.id, SYSTEM, post.at)
    post.send()
    for secret in (post.secrets[hook.id], new):
        assert receiver.verified(secret) == [{"type": "test", "timestamp": receiver.told[0]["timestamp"], "data": {"webhook_id": hook.id}}]
    assert len(receiver.requests[0][0]["webhook-signature"].split()) == 2
    post.at = until
    post.hooks.send_test(hook.id, SYSTEM, post.at)
    post.send()
    assert len(receiver.requests[1][0]["webhook-signature"].split()) == 1


def test_secrets_are_sealed_and_open_with_an_older_key_of_the_keyring(post: Post, receiver: Receiver) -> None:
    hook = tried(post, receiver.url)
    with post.store.engine.connect() as connection:
        assert post.secrets[hook.id].encode() not in bytes(connection.execute(text("select secret from webhook")).scalar_one())
    post.keyring = Keyring((("k2", b"2" * 32), *KEYS.keys))
    assert post.send() == 1
    assert receiver.verified(post.secrets[hook.id])
    post.hooks.send_test(hook.id, SYSTEM, post.at)
    post.keyring = Keyring((("k3", b"3" * 32),))
    assert post.send() == 1
    assert "secret cannot be opened" in str(post.deliveries(hook)[-1].problem)
    assert len(receiver.requests) == 1


def test_there_are_no_more_subscriptions_than_the_sender_has_places_for(post: Post) -> None:
    for _ in range(MOST):
        post.subscribe("https://crm.example.com/")
    with pytest.raises(UnfitWebhook, match="which is the most"):
        post.subscribe("https://crm.example.com/")


def test_what_is_done_to_subscriptions_is_on_record_without_their_paths(post: Post) -> None:
    hook = tried(post, "https://crm.example.com/hook?token=secret")
    post.hooks.change(hook.id, Wanted("https://crm.example.com/", active=False), SYSTEM)
    post.hooks.change_secret(hook.id, SYSTEM, post.at)
    post.hooks.replay(hook.id, post.only(hook).event_id, SYSTEM, post.at)
    post.hooks.revoke(hook.id, SYSTEM)
    events = [entry.event for _, _, entry in post.store.journal.entries()]
    acts = [event for event in events if isinstance(event, AdminActed) and event.about == f"webhook {hook.id}"]
    assert [act.what for act in acts] == [
        "webhook_made",
        "webhook_tried",
        "webhook_changed",
        "webhook_secret_changed",
        "webhook_replayed",
        "webhook_revoked",
    ]
    assert "token" not in json.dumps([str(act) for act in acts])


# --- who is called ----------------------------------------------------------------------------------------------------


def test_a_name_that_leads_inside_is_refused_when_it_is_given_and_when_it_does_so_later(post: Post, receiver: Receiver) -> None:
    leads: list[str] = ["127.0.0.1"]
    called = Receivers(embedded=False, resolve=lambda *_: leads)
    with pytest.raises(UnfitWebhook, match=r"crm\.example\.com is at 127\.0\.0\.1, which is not on the public internet"):
        called.check("https://crm.example.com/")
    leads[:] = ["93.184.216.34"]
    called.check("https://crm.example.com/")
    leads[:] = ["93.184.216.34", "10.0.0.7"]
    post.receivers = called
    hook = tried(post, "https://crm.example.com/")
    assert post.send() == 1
    assert "10.0.0.7, which is not on the public internet" in str(post.only(hook).problem)
    assert receiver.requests == []


def test_numbers_that_the_system_reads_as_inside_addresses_are_refused_like_these() -> None:
    called = Receivers(embedded=False)
    for host in ("2130706433", "0x7f.1", "127.1", "0", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"):
        with pytest.raises(UnfitWebhook):
            called.check(f"https://{host}/")


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's side of TLS for a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begun = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(begun).not_valid_after(begun + timedelta(days=3))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "both.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.parametrize(("name", "problem"), [("localhost", None), ("another.example", "its certificate: ")])
def test_the_address_that_was_checked_is_connected_to_and_must_have_the_names_certificate(
    post: Post, tmp_path: Path, name: str, problem: str | None
) -> None:
    server, client = certificate(tmp_path, name)
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    with receiving(server) as secure:
        post.receivers = Receivers(embedded=True, timeout=5, resolve=resolve, context=client)
        hook = tried(post, f"https://localhost:{secure.port}/hook")
        post.send()
        assert asked == [("localhost", secure.port)]
        found = post.only(hook).problem
        assert (found is None) == (problem is None), found
        assert problem is None or problem in str(found)
        assert len(secure.requests) == (1 if problem is None else 0)
        if problem is None:
            assert secure.requests[0][0]["host"] == f"localhost:{secure.port}"
