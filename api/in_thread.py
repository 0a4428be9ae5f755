"""Database work off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

_T = TypeVar("_T")


async def in_thread(threads: Executor, call: Callable[[], _T]) -> _T:
    """What `call` gives, from one of the threads."""
    return await asyncio.get_running_loop().run_in_executor(threads, call)
