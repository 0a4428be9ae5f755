"""The page's own files, kept in memory: there are few of them, and a page load asks for all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import ProblemError

_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class _File:
    body: bytes
    content_type: str
    etag: str


class Files:
    """Serves what is beneath a folder, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob("*")) if path.suffix in _TYPES}

    @property
    def modules(self) -> list[str]:
        """Names of all scripts."""
        return [name for name in self._files if name.endswith(".js")]

    async def serve(self, request: Request) -> Response:
        """One file; 304 when the browser has it as it is."""
        name = request.path_params["name"]
        file = self._files.get(name)
        if file is None:
            raise ProblemError(404, "No such file", f"The page has no {name!r}.")
        headers = {"ETag": file.etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers=headers, media_type=file.content_type)


def _read(path: Path) -> _File:
    body = path.read_bytes()
    return _File(body, _TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"')
