"""What Slack says when it will not."""

from __future__ import annotations

from collections.abc import Mapping


class SlackError(Exception):
    """A call that Slack refuses: `{"ok": false, "error": code, …}`."""

    def __init__(self, code: str, messages: list[str] | None = None, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code if not messages else f"{code}: {'; '.join(messages)}")
        self.code = code
        self.messages = messages
        self.status = status
        self.headers = headers

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        body: dict[str, object] = {"ok": False, "error": self.code}
        if self.messages:
            body["errors"] = self.messages
            body["response_metadata"] = {"messages": [f"[ERROR] {one}" for one in self.messages]}
        return body
