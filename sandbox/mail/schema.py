"""What Mail Send v3 takes, and how it refuses (docs.sendgrid.com: Mail Send, "Errors")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_RECIPIENTS = 1000
MOST_CUSTOM_ARGS_BYTES = 10_000
MOST_CATEGORIES = 10

_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_HELP = "https://docs.sendgrid.com/api-reference/mail-send/errors#"
_RESERVED_HEADERS = frozenset(
    {"x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"}
    | {"to", "from", "subject", "reply-to", "cc", "bcc"}
)


@dataclass(frozen=True)
class MailError:
    """One thing that is wrong with a request."""

    message: str
    field: str | None = None
    help: str | None = None


class MailRefusedError(Exception):
    """Mail that SendGrid does not take."""

    def __init__(self, *errors: MailError, status: int = 400) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
        self.status = status

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        return {"errors": [{"message": error.message, "field": error.field, "help": error.help} for error in self.errors]}


@dataclass(frozen=True)
class Address:
    """Somebody's address, with a name when one is given."""

    email: str
    name: str | None = None


@dataclass(frozen=True)
class Envelope:
    """One personalization: to whom, and what is theirs alone."""

    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    subject: str
    headers: dict[str, str]
    custom_args: dict[str, str]


@dataclass(frozen=True)
class Letter:
    """A whole request, found right."""

    sender: Address
    reply_to: Address | None
    envelopes: list[Envelope]
    text: str | None
    html: str | None
    categories: list[str]
    is_rehearsal: bool
    """SendGrid's own sandbox mode: checked, not sent."""


class _Reader:
    """Reads a request and collects what is wrong."""

    def __init__(self) -> None:
        self.errors: list[MailError] = []

    def say(self, message: str, field: str) -> None:
        root = field.split(".", maxsplit=1)[0]
        self.errors.append(MailError(message, field, f"{_HELP}{root}"))

    def objects(self, value: object, field: str) -> list[dict[str, Any]]:
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.say(f"The {field} parameter must be an array of objects.", field)
            return []
        return value

    def address(self, value: object, field: str) -> Address | None:
        if not isinstance(value, dict) or not isinstance(value.get("email"), str):
            self.say(f'The {field} object must at least have an email address. e.g. {{"email": "example@example.com"}}', f"{field}.email")
            return None
        if not _ADDRESS.fullmatch(value["email"]):
            self.say("Does not contain a valid address.", f"{field}.email")
            return None
        name = value.get("name")
        return Address(value["email"], name if isinstance(name, str) and name else None)

    def addresses(self, value: object, field: str) -> list[Address]:
        read = [self.address(one, f"{field}.{index}") for index, one in enumerate(self.objects(value, field))]
        return [one for one in read if one is not None]

    def strings(self, value: object, field: str) -> dict[str, str]:
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            self.say(f"The {field} values must be strings.", field)
            return {}
        return value

    def headers(self, value: object, field: str) -> dict[str, str]:
        headers = self.strings(value, field)
        for name in headers:
            if name.lower() in _RESERVED_HEADERS:
                self.say(f"The header {name} is reserved and cannot be set.", f"{field}.{name}")
        return headers

    def envelope(self, one: Mapping[str, Any], field: str, subject: object) -> Envelope:
        to, cc, bcc = (self.addresses(one.get(part), f"{field}.{part}") for part in ("to", "cc", "bcc"))
        if not self.objects(one.get("to"), f"{field}.to"):
            self.say(
                "The to array is required for all personalization objects, and must have at least one email object "
                "with a valid email address.",
                f"{field}.to",
            )
        seen: set[str] = set()
        for address in (*to, *cc, *bcc):
            if address.email.lower() in seen:
                self.say(
                    "Each email address in the personalization block should be unique between to, cc, and bcc. "
                    f"We found the first duplicate instance of [{address.email}] in the {field} field.",
                    field,
                )
            seen.add(address.email.lower())
        own = one.get("subject", subject)
        if not isinstance(own, str) or not own:
            self.say(
                "The subject is required. You can get around this requirement if you use a template with a subject defined "
                "or if every personalization has a subject defined.",
                "subject",
            )
            own = ""
        return Envelope(
            to,
            cc,
            bcc,
            own,
            self.headers(one.get("headers"), f"{field}.headers"),
            self.strings(one.get("custom_args"), f"{field}.custom_args"),
        )

    def envelopes(self, body: Mapping[str, Any]) -> list[Envelope]:
        given = self.objects(body.get("personalizations"), "personalizations")
        if not given:
            self.say("The personalizations field is required and must have at least one personalization.", "personalizations")
        envelopes = [self.envelope(one, f"personalizations.{index}", body.get("subject")) for index, one in enumerate(given)]
        total = sum(len(one.to) + len(one.cc) + len(one.bcc) for one in envelopes)
        if total > MOST_RECIPIENTS:
            self.say(f"There is a limit of {MOST_RECIPIENTS} total recipients (to + cc + bcc) per request.", "personalizations")
        return envelopes

    def content(self, body: Mapping[str, Any]) -> dict[str, str]:
        parts: dict[str, str] = {}
        given = self.objects(body.get("content"), "content")
        if not given and not body.get("template_id"):
            self.say(
                "Unless a valid template_id is provided, the content parameter is required. "
                "There must be at least one defined content block.",
                "content",
            )
        for index, part in enumerate(given):
            kind, value = part.get("type"), part.get("value")
            if not isinstance(value, str) or not value:
                self.say("The content value must be a string at least one character in length.", f"content.{index}.value")
            elif not isinstance(kind, str) or "/" not in kind:
                self.say("The content type must be a valid MIME type.", f"content.{index}.type")
            else:
                parts[kind] = value
        order = [kind for kind in parts if kind in ("text/plain", "text/html")]
        if order == ["text/html", "text/plain"]:
            self.say("If present, text/plain must be the first content type.", "content")
        return parts

    def categories(self, value: object) -> list[str]:
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value) or len(value) > MOST_CATEGORIES:
            self.say(f"The categories parameter must be an array of at most {MOST_CATEGORIES} strings.", "categories")
            return []
        return value


def read_letter(body: object) -> Letter:
    """The letter in a request. Raises MailRefusedError with everything that is wrong with it."""
    if not isinstance(body, dict):
        raise MailRefusedError(MailError("Bad Request"))
    reader = _Reader()
    if body.get("from") is None:
        reader.say(
            "The from object must be provided for every email send. It is an object that requires the email parameter, "
            'but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or '
            '{"email" : "example@example.com", "name" : "Example Recipient"}.',
            "from.email",
        )
    sender = None if body.get("from") is None else reader.address(body["from"], "from")
    reply_to = None if body.get("reply_to") is None else reader.address(body["reply_to"], "reply_to")
    envelopes = reader.envelopes(body)
    parts = reader.content(body)
    common_headers = reader.headers(body.get("headers"), "headers")
    common_args = reader.strings(body.get("custom_args"), "custom_args")
    if len(repr(common_args).encode()) > MOST_CUSTOM_ARGS_BYTES:
        reader.say("The total size of custom_args must be less than 10000 bytes.", "custom_args")
    categories = reader.categories(body.get("categories"))
    if reader.errors or sender is None:
        raise MailRefusedError(*reader.errors)
    settings = body.get("mail_settings")
    rehearsal = settings.get("sandbox_mode") if isinstance(settings, dict) else None
    return Letter(
        sender=sender,
        reply_to=reply_to,
        envelopes=[
            Envelope(one.to, one.cc, one.bcc, one.subject, {**common_headers, **one.headers}, {**common_args, **one.custom_args})
            for one in envelopes
        ],
        text=parts.get("text/plain"),
        html=parts.get("text/html"),
        categories=categories,
        is_rehearsal=isinstance(rehearsal, dict) and rehearsal.get("enable") is True,
    )
