"""SendGrid's signed event webhook: the one way to learn what became of a mail whose answer was lost.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import Executor

from cryptography.exceptions import InvalidSignature
from fastapi import APIRouter, Depends, Request
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader
from starlette.responses import Response

from adapters.postgres.ledger import PostgresLedger
from adapters.sendgrid import EFFECT_ARG
from api.access.rules import Proven
from api.intake import read_body
from api.problems import Problem, described

_TAKEN = frozenset({"processed", "delivered", "open", "click"})
_TOLERANCE_SECONDS = 3600.0


def mail_events(public_key: str, ledger: PostgresLedger, threads: Executor) -> APIRouter:
    """The address that SendGrid reports to."""
    webhook = EventWebhook()
    key = webhook.convert_public_key_to_ecdsa(public_key)
    router = APIRouter(dependencies=[Depends(Proven("the mail service's signature"))])

    @router.post(
        "/webhooks/sendgrid",
        status_code=204,
        responses=described(401, 413, 422, 503),
        tags=["webhooks"],
        summary="What became of our e-mails",
        description="SendGrid's signed Event Webhook.",
    )
    async def receive(request: Request) -> Response:
        body = await read_body(request)
        signature = request.headers.get(EventWebhookHeader.SIGNATURE.lower(), "")
        stamp = request.headers.get(EventWebhookHeader.TIMESTAMP.lower(), "")
        try:
            genuine = stamp.isdigit() and webhook.verify_signature(body.decode(), signature, stamp, key)
        except (InvalidSignature, ValueError):
            genuine = False
        if not genuine or abs(time.time() - int(stamp)) > _TOLERANCE_SECONDS:
            raise Problem(401, "not signed by the mail service, or not now: check LOOPKEEPER_SENDGRID_WEBHOOK_KEY and the clock")
        for event in _events(body):
            kind, effect = event.get("event"), event.get(EFFECT_ARG)
            if isinstance(kind, str) and kind in _TAKEN and isinstance(effect, str) and effect.isprintable():
                message_id = str(event.get("sg_message_id", "")).replace("\0", "")
                await asyncio.get_running_loop().run_in_executor(threads, ledger.turned_out_done, effect, message_id)
        return Response(status_code=204)

    return router


def _events(body: bytes) -> list[dict[str, object]]:
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(422, "the body is not a JSON list of events") from None
    return [event for event in listed if isinstance(event, dict)] if isinstance(listed, list) else []
