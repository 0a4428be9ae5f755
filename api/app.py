"""The API process: wires everything that comes in over HTTP."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Request
from slack_bolt.adapter.fastapi.async_handler import AsyncSlackRequestHandler
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from temporalio.client import Client

from adapters.channels.signing import Signer
from adapters.digest_links import DigestLinks
from adapters.keyring import Keyring
from adapters.languages.language import languages
from adapters.languages.telling import Tellers
from adapters.links import Links, StatusLinks
from adapters.oidc import Client as OidcClient
from adapters.oidc import OidcProvider
from adapters.postgres.digests import Digests
from adapters.postgres.followed import PostgresFollowed
from adapters.postgres.hooks import Hooks
from adapters.postgres.readers import Readers
from adapters.postgres.requests_once import RequestsOnce
from adapters.postgres.schema import check
from adapters.postgres.sessions import Sessions
from adapters.postgres.store import Store
from adapters.receivers import Receivers
from adapters.temporal import connect
from api import problems
from api.access.attempts import Attempts
from api.access.door import Cookie, Gate, Led, led
from api.access.failures import Failures
from api.access.pages import AccessPages
from api.access.rest import AccessRest
from api.access.rules import Proven
from api.access.sign_in import SignInPages
from api.access.sign_out import SignOutPages
from api.access.standing import Standing
from api.acting import Acting
from api.audit import AuditPages
from api.causes.pages import CausePages
from api.causes.rest import RestCauses
from api.causes.sharing import Sharing
from api.conditional import Conditional
from api.console.ground import Ground
from api.console.site import Console
from api.desk import DeskPages
from api.digest import DigestPages
from api.exports.asking import Desk
from api.exports.pages import ExportPages
from api.exports.rest import RestExports
from api.feed import Feed
from api.following import StatusPages
from api.headers import SecurityHeaders
from api.health import Health
from api.hook_pages import WebhookPages
from api.intake import GroupCommit, Intake
from api.languages.page import LanguagePages, home_zone
from api.limits import LimitHeaders, Limits
from api.looking import Looking
from api.numbers import Numbers
from api.once import Once
from api.policy.pages import PolicyPages
from api.policy.rest import PolicyRest
from api.privacy.pages import PrivacyPages
from api.privacy.rest import RestPrivacy
from api.privacy.room import Room
from api.proving import Proving
from api.reading import ReadingRoutes
from api.reference import ReferencePages
from api.rest import Rest
from api.rest_customers import RestCustomers
from api.rest_departments import RestDepartments
from api.rest_digest import RestDigest
from api.rest_me import me_routes
from api.rest_reports import RestReports
from api.rest_webhooks import RestWebhooks
from api.rest_work import RestWork
from api.routes import take_in
from api.sendgrid import mail_events
from api.shelf import Shelf
from api.slack.app import slack_app
from api.slack_socket import SlackSocket
from api.status_links import StatusLinkRoutes
from api.told_as_page import Unforeseen, as_page
from api.waiting import Waiting
from settings import Settings
from workflows.gateway import CaseGateway

log = logging.getLogger(__name__)
_T = TypeVar("_T")
FAILURES_WITHIN_SECONDS = 600.0
LARGEST_BODY = 2 * 1024 * 1024
"""Bytes. The largest that anybody needs to send are two files of a policy, or a batch of the mail service's events."""

DESCRIPTION = """
Loopkeeper acknowledges public complaints, hands each to its department, and stays on it until the loop is closed.

Read and act with an API key (`loopkeeper key new NAME`). Networks report through signed webhooks: see *The channel contract* in the docs.
Errors are problem details (RFC 9457): `detail` says what happened and what to do.
"""


@dataclass(frozen=True)
class _Parts:
    """What the routes are made of."""

    settings: Settings
    store: Store
    client: Client
    threads: Executor

    @property
    def index_key(self) -> bytes:
        """What personal data is found by, and what else is hashed with a key."""
        return base64.b64decode(self.settings.index_key.get_secret_value())

    async def in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, call)

    def loop_time(self) -> datetime:
        return self.settings.pace.loop_time(datetime.now(UTC))


def create_app(settings: Settings) -> FastAPI:
    """The application. What it needs is opened when it starts and closed when it ends."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        keyring = Keyring.parse(settings.keys.get_secret_value())
        store = Store.open(
            settings.database_url,
            pool=settings.database_pool,
            keyring=keyring,
            index_key=base64.b64decode(settings.index_key.get_secret_value()),
            pace=settings.pace,
            name="loopkeeper api",
            status_address=StatusLinks(keyring, settings.public_url).make,
        )
        check(store.engine)
        client = await connect(keyring, lazy=True)  # posts are taken in while Temporal is away
        with ThreadPoolExecutor(settings.database_pool, "database") as threads:
            working = [asyncio.create_task(work) for work in _assemble(app, _Parts(settings, store, client, threads))]
            try:
                yield
            finally:
                for task in working:
                    task.cancel()
                await asyncio.gather(*working, return_exceptions=True)
        store.close()

    if settings.language not in languages():
        raise ValueError(f"LOOPKEEPER_LANGUAGE: there is no catalogue of '{settings.language}'; there are {', '.join(languages())}")
    app = FastAPI(
        title="Loopkeeper",
        version="1",
        description=DESCRIPTION,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would lead to the host that the request names
        max_body_size=LARGEST_BODY,
    )
    app.state.language = settings.language
    app.state.home_zone = lambda: ZoneInfo("UTC")  # until a policy has been read
    problems.install(app, as_page)
    app.include_router(ReferencePages(app.openapi).routes())
    app.add_exception_handler(Led, led)
    app.add_middleware(Unforeseen)  # the innermost: its answers get what the others add
    app.add_middleware(Conditional)
    app.add_middleware(LimitHeaders)
    app.add_middleware(SecurityHeaders, https=settings.public_url.startswith("https://"))
    app.mount("/static", GZipMiddleware(StaticFiles(directory=Path(__file__).parent / "static")), name="static")
    return app


def _assemble(app: FastAPI, parts: _Parts) -> list[Coroutine[Any, Any, None]]:
    """Add the routes; the work that has to go on behind them."""
    settings, store, keyring = parts.settings, parts.store, parts.store.vault.keyring
    gateway = CaseGateway(parts.client, settings.pace)
    acting = Acting(store, gateway, parts.threads, settings.pace)
    commits = GroupCommit(store.inbox, parts.threads)
    signers = {name: Signer.with_secret(a.secret.get_secret_value()) for name, a in settings.channels.items()}

    once = Once(RequestsOnce(store.engine, parts.index_key), parts.in_thread)
    looking = Looking(store, commits, parts.threads, settings.pace)
    sharing = Sharing(store, acting, parts.in_thread)
    socket, working = _slack(app, settings, looking, sharing)
    take_in(app.router, Health(parts.client, store.engine, parts.threads, lambda: socket.told if socket is not None else None).routes())
    take_in(app.router, Intake(signers, store.book, commits).routes())
    take_in(app.router, Rest(acting, commits, store.book, looking.had_by, looking.noted, once).routes())
    take_in(app.router, ReadingRoutes(store, parts.threads).routes())
    take_in(app.router, RestCustomers(store.identities, store.linking, parts.in_thread, once).routes())
    links = Links(keyring, settings.public_url)
    take_in(app.router, DeskPages(acting, links).routes())
    followed = PostgresFollowed(store.engine, store.book)
    status_links = StatusLinks(keyring, settings.public_url)
    take_in(app.router, StatusPages(status_links, followed, parts.in_thread, parts.loop_time).routes())
    _numbers(app, parts)
    hooks = Hooks(store.engine, keyring)
    receivers = Receivers(embedded=settings.console_open)
    take_in(app.router, RestWebhooks(hooks, receivers, store.book, parts.in_thread, once).routes())
    take_in(app.router, WebhookPages(hooks, receivers, store.book, parts.in_thread).routes())
    gate = _access(app, parts, once)
    app.state.home_zone = lambda: home_zone(store.book.lately())
    take_in(app.router, PolicyRest(store.book, parts.in_thread, once).routes())
    take_in(app.router, PolicyPages(store.book, parts.in_thread, gate.is_fresh, settings.sandbox_url).routes())
    feed = Feed(store, parts.threads)
    app.state.feed = feed
    ground = Ground(store, acting, looking, links, parts.threads, settings.sandbox_url)
    feed.when_told.append(ground.lately.forget)
    take_in(app.router, Console(ground, feed).routes())
    of_links = StatusLinkRoutes(ground, status_links, followed)
    take_in(app.router, of_links.routes())
    take_in(app.router, of_links.rest())
    take_in(app.router, RestWork(ground).routes())
    take_in(app.router, RestDepartments(store.book, parts.in_thread, parts.loop_time).routes())
    exporting = Desk.of(store, parts.threads)
    take_in(app.router, RestExports(exporting, once).routes())
    take_in(app.router, ExportPages(exporting, settings.sandbox_url).routes())
    privacy = Room(store, parts.threads, settings.privacy_database_url or settings.database_url, settings.erasure_list)
    take_in(app.router, RestPrivacy(privacy).routes())
    take_in(app.router, PrivacyPages(privacy, store, settings.sandbox_url).routes())
    take_in(app.router, Proving(store, parts.threads, settings.sandbox_url).routes())
    take_in(app.router, CausePages(ground, sharing).routes())
    take_in(app.router, RestCauses(sharing, once).routes())
    take_in(app.router, AuditPages(store, parts.threads, settings.sandbox_url).routes())
    if settings.sendgrid_webhook_key is not None:
        take_in(app.router, mail_events(settings.sendgrid_webhook_key, store.ledger, parts.threads))
    return [commits.run(), feed.keep(), privacy.keep(), *working]


def _numbers(app: FastAPI, parts: _Parts) -> None:
    """The reports, as pages and for programs."""
    settings, store = parts.settings, parts.store
    shelf = Shelf(store.reports)
    take_in(app.router, Numbers(store.reports, shelf, store.book, parts.in_thread, parts.loop_time, settings.sandbox_url).routes())
    take_in(app.router, RestReports(shelf, store.reports, store.book, parts.in_thread, parts.loop_time).routes())
    digests, links = Digests(store.engine, store.vault.keyring), DigestLinks(store.vault.keyring, settings.public_url)
    tellers = Tellers(settings.language)
    pages = DigestPages(digests, store.reports, links, store.book, tellers, parts.in_thread, parts.loop_time, settings.sandbox_url)
    take_in(app.router, pages.routes())
    take_in(app.router, RestDigest(digests, store.book, parts.in_thread, parts.loop_time).routes())


def _access(app: FastAPI, parts: _Parts, once: Once) -> Gate:
    """The door, and the routes at which people come and go and admins see to who may."""
    settings, store = parts.settings, parts.store
    gate = Gate(
        keys=store.keys,
        sessions=Sessions(
            store.engine,
            idle=timedelta(minutes=settings.session_idle_minutes),
            longest=timedelta(hours=settings.session_hours),
        ),
        in_thread=parts.in_thread,
        failures=Failures(at_most=settings.failed_sign_ins, within_seconds=FAILURES_WITHIN_SECONDS),
        cookie=Cookie.at(settings.public_url),
        step_up=timedelta(minutes=settings.step_up_minutes),
        limits=Limits(settings.requests_per_minute),
        waiting=Waiting(store, parts.in_thread),
    )

    async def departments() -> Mapping[str, str]:
        policy = await parts.in_thread(store.book.active)
        return {handle: department.name for handle, department in policy.departments.items()}

    async def remember(person: str, name: str, first_name: str | None) -> None:
        await parts.in_thread(lambda: store.people.remember(person, name, first_name))

    app.state.door = gate
    take_in(app.router, LanguagePages(gate, Readers(store.engine)).routes())
    take_in(app.router, AccessRest(gate, departments, once).routes())
    take_in(app.router, me_routes(gate.step_up))
    take_in(app.router, AccessPages(gate, departments).routes())
    provider = _provider(settings)
    take_in(app.router, SignOutPages(gate, provider, settings.sandbox_url).routes())
    take_in(
        app.router,
        SignInPages(
            gate=gate,
            attempts=Attempts(store.vault.keyring, gate.cookie),
            provider=provider,
            issuer=settings.oidc_issuer or "",
            standings={group: Standing(given.role, given.departments) for group, given in settings.oidc_groups.items()},
            person_claim=settings.oidc_person_claim,
            local=settings.console_open,
            departments=departments,
            remember=remember,
            framed_by=settings.sandbox_url,
        ).routes(),
    )
    return gate


def _provider(settings: Settings) -> OidcProvider | None:
    """The company's identity provider, if there is one."""
    if settings.oidc_issuer is None:
        return None
    secret = settings.oidc_client_secret
    return OidcProvider(
        OidcClient(
            issuer=settings.oidc_issuer,
            id=settings.oidc_client_id or "",
            secret=secret.get_secret_value() if secret is not None else None,
            redirect_uri=f"{settings.public_url}/sign-in/callback",
            signed_out_uri=f"{settings.public_url}/sign-out/callback",
            scopes=settings.oidc_scopes,
            groups_claim=settings.oidc_groups_claim,
        )
    )


def _slack(
    app: FastAPI, settings: Settings, looking: Looking, sharing: Sharing
) -> tuple[SlackSocket | None, list[Coroutine[Any, Any, None]]]:
    """Let Slack in: at an address, when we can tell that it is Slack; and by a connection of ours, when we may open one.

    The connection, and the work that has to go on.
    """
    if settings.slack_bot_token is None or (settings.slack_signing_secret is None and settings.slack_app_token is None):
        return None, []
    secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret is not None else None
    listening = slack_app(settings.slack_bot_token.get_secret_value(), secret, settings, looking, sharing)
    if secret is not None:
        handler = AsyncSlackRequestHandler(listening.app)

        @app.post("/slack/events", include_in_schema=False, dependencies=[Depends(Proven("Slack's signature"))])
        async def from_slack(request: Request) -> Response:
            return await handler.handle(request)

    if settings.slack_app_token is None:
        return None, [listening.work()]
    socket = SlackSocket(listening.app, settings.slack_app_token.get_secret_value())
    return socket, [listening.work(), socket.keep()]
