"""SendGrid: handing a case to a department by e-mail. Mail Send v3: https://www.twilio.com/docs/sendgrid/api-reference/mail-send"""

from __future__ import annotations

import html
import http.client
import json
import urllib.error
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from domain.casefile import CaseFile
from domain.digest_letter import Letter
from domain.events import Escalated
from domain.ports import CaseMail, NotSent, Refused, Unclear
from domain.story import why_called
from domain.values import Audience, ClockName, is_web_address
from domain.wording import excerpt

EFFECT_ARG = "loopkeeper_effect"


class SendGridPost:
    """See `domain.ports.Post`. `link` makes the signed address at which the department works on the case."""

    def __init__(self, api_key: str, url: str, sender: str, link: Callable[[str, str], str], *, timeout: int = 10) -> None:
        self._api = SendGridAPIClient(api_key, host=url)
        self._api.client.timeout = timeout  # it has none of its own
        self._sender = sender
        self._link = link

    def send(self, mail: CaseMail) -> str:
        """See `domain.ports.Post.send`."""
        answer = self._post(mail_body(mail, self._sender, self._link(mail.file.case_id, mail.department)))
        return str(answer.headers.get("X-Message-Id", ""))

    def notify(self, to: str, subject: str, text: str) -> None:
        """See `domain.ports.Post.notify`."""
        self._post(
            {
                "personalizations": [{"to": [{"email": to}]}],
                "from": {"email": self._sender, "name": "Loopkeeper"},
                "subject": subject,
                "content": [{"type": "text/plain", "value": text}],
            }
        )

    def letter(self, letter: Letter) -> str:
        """See `domain.digest_sending.LetterPost.letter`."""
        return str(self._post(letter_body(letter, self._sender)).headers.get("X-Message-Id", ""))

    def _post(self, body: dict[str, Any]) -> Any:
        """One request, without retries."""
        try:
            return self._api.client.mail.send.post(request_body=body)
        except HTTPError as error:
            raise _meaning(error) from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ConnectionRefusedError):
                raise NotSent("the mail service cannot be reached (connection refused)") from error
            raise Unclear(f"the mail service gave no answer ({error.reason})") from error
        except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
            raise Unclear(f"the mail service gave no whole answer ({type(error).__name__})") from error


_NOT_TRACKED = {"click_tracking": {"enable": False, "enable_text": False}, "open_tracking": {"enable": False}}


def letter_body(letter: Letter, sender: str) -> dict[str, Any]:
    """The request for a mail that is about no case. Mail programs offer one click to end such mails by the two headers (RFC 8058)."""
    html_too = [] if letter.html is None else [{"type": "text/html", "value": letter.html}]
    stop = {"List-Unsubscribe": f"<{letter.stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return {
        "personalizations": [{"to": [{"email": letter.to}], "custom_args": {EFFECT_ARG: letter.key}}],
        "from": {"email": sender, "name": "Loopkeeper"},
        "subject": letter.subject,
        "content": [{"type": "text/plain", "value": letter.text}, *html_too],
        "tracking_settings": _NOT_TRACKED,
        **({"headers": stop} if letter.stop is not None else {}),
    }


def mail_body(mail: CaseMail, sender: str, link: str) -> dict[str, Any]:
    """The request. The customer's words stand in it as text, escaped where it is HTML; the subject has none of them."""
    return {
        "personalizations": [{"to": [{"email": mail.to}], "custom_args": {EFFECT_ARG: mail.key}}],
        "from": {"email": sender, "name": "Loopkeeper"},
        "subject": _subject(mail),
        "content": [{"type": "text/plain", "value": _plain(mail, link)}, {"type": "text/html", "value": _html(mail, link)}],
        "tracking_settings": _NOT_TRACKED,
    }


def _subject(mail: CaseMail) -> str:
    file, department = mail.file, mail.department
    if mail.event is not None:
        why = why_called(mail.file, mail.event)
        return f"Case {file.title} ({file.department_name(department)}, {file.case.priority.value} priority): {why}"
    return f"Case {file.title} for {file.department_name(department)}: {file.case.intent.value}, {file.case.priority.value} priority"


def _plain(mail: CaseMail, link: str) -> str:
    file = mail.file
    quoted = "\n".join(f"    {line}" for line in file.first_shown.splitlines())
    return (
        f"{file.customer} wrote on {file.network}:\n\n{quoted}\n\n"
        f"{_why(mail)}\n\n{_reason(mail)}Accept, update or resolve it here:\n{link}\n\n"
        "No sign-in is needed. The link is for your department only: please do not pass it on.\n"
        + (f"\nThe post: {file.first_url}\n" if file.first_url else "")
    )


def _html(mail: CaseMail, link: str) -> str:
    file = mail.file

    def safe(text: str) -> str:
        return html.escape(text, quote=True).replace("\n", "<br>")

    def paragraph(content: str) -> str:
        return f'<p style="margin:0 0 16px">{content}</p>'

    post = safe(f"The post: {file.first_url}") if file.first_url else ""
    if file.first_url and is_web_address(file.first_url):
        post = f'<a href="{safe(file.first_url)}" style="color:#0b5cad">Open the post</a>'
    return (
        '<!doctype html><html lang="en"><body style="'
        'font:16px/1.5 system-ui,sans-serif;color:#1b1f24;max-width:36rem;margin:24px auto;padding:0 16px">'
        + paragraph(f'<strong dir="auto">{safe(file.customer)}</strong> wrote on {safe(file.network)}:')
        + '<blockquote dir="auto" style="margin:0 0 16px;padding:8px 16px;border-left:4px solid #c9d1d9;overflow-wrap:anywhere">'
        + f"{safe(file.first_shown)}</blockquote>"
        + paragraph(safe(_why(mail) + (f"\n\n{_reason(mail)}" if _reason(mail) else "").rstrip()))
        + paragraph(
            f'<a href="{html.escape(link, quote=True)}" style="display:inline-block;background:#0b5cad;color:#fff;'
            'padding:10px 18px;border-radius:6px;font-weight:600;text-decoration:none">Accept, update or resolve</a>'
        )
        + (paragraph(post) if post else "")
        + '<p style="margin:0;color:#57606a;font-size:14px">No sign-in is needed. '
        "The link is for your department only: please do not pass it on.</p></body></html>"
    )


def _why(mail: CaseMail) -> str:
    file, event = mail.file, mail.event
    if event is not None:
        why = why_called(file, event)
        again = f" This is reminder {event.repeat}." if event.repeat else ""
        owner = f"{file.name_of(file.case.owner)} has it." if file.case.owner else "Nobody has it yet."
        return (
            f"{why[0].upper()}{why[1:]}: case {file.title}, with {file.department_name(mail.department)}. {owner}{again} "
            f"You are called as {_called(file, event)}; Slack did not reach you."
        )
    due = next((c.due_at for c in file.clocks if c.name is ClockName.ACCEPT), None)
    by = f" Please accept it by {due:%H:%M} UTC on {due.day} {due:%B}." if due else ""
    return f"Slack could not be reached, so case {file.title} comes to you by e-mail.{by}"


_CALLED_AS = {
    Audience.LEAD: "the lead of {department}",
    Audience.HEAD: "the head of {department}",
    Audience.DUTY_MANAGER: "the manager on duty",
    Audience.SOCIAL_LEAD: "the lead of the social team",
    Audience.SOCIAL: "the social team",
    Audience.ESCALATIONS: "one of those who watch over escalations",
    Audience.DEPARTMENT: "the team of {department}",
    Audience.OWNER: "the team of {department}",
}


def _called(file: CaseFile, event: Escalated) -> str:
    return _CALLED_AS[event.to].format(department=file.department_name(file.case.department))


def _reason(mail: CaseMail) -> str:
    """The words of whoever asked for it, if somebody did."""
    if mail.event is None or mail.event.words is None:
        return ""
    return f"The reason given: {mail.file.text_of(mail.event.words)}\n\n"


def _meaning(error: HTTPError) -> NotSent | Refused | Unclear:
    status = int(error.status_code)
    said = excerpt(_said(error), 200)
    if status == 429:
        after = {str(k).lower(): v for k, v in dict(error.headers).items()}.get("retry-after", "")
        return NotSent("the mail service asks us to wait", timedelta(seconds=float(after)) if str(after).isdigit() else None)
    if status >= 500 or status == 408:
        return Unclear(f"the mail service failed ({status})")
    return Refused(f"the mail service will not send it ({status}: {said})")


def _said(error: HTTPError) -> str:
    try:
        return "; ".join(str(e.get("message")) for e in json.loads(error.body).get("errors", []))
    except (ValueError, AttributeError, TypeError):
        return ""
