"""The websocket client under the feeds: picows where it is installed, else websockets. Both have the same interface.

Which one costs less is measured by `arbdesk bench socket`. Source: websockets 15, asyncio client; picows 2.3.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, NamedTuple, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException


class Socket(Protocol):
    """A connection."""

    async def send(self, message: str) -> None: ...

    async def recv(self, decode: bool | None = None) -> Any:
        """Return the next frame, as bytes if `decode` is False."""


class Transport(NamedTuple):
    """One library's client."""

    name: str
    connect: Callable[..., AbstractAsyncContextManager[Socket]]  # (address, options as websockets has them)
    trouble: type[Exception]  # what goes wrong with a connection, beside OSError


WEBSOCKETS = Transport("websockets", connect, WebSocketException)


def picows() -> Transport:
    """Return the faster one.

    Raises:
        ImportError: it is not installed.
    """
    from picows import websockets as fast

    @asynccontextmanager
    async def connect(*address: Any, **options: Any) -> AsyncIterator[Socket]:
        try:
            async with fast.connect(*address, **options) as socket:
                yield socket
        finally:
            await asyncio.sleep(0)  # its transport lets go of the connection in the next turn of the loop

    return Transport("picows", connect, fast.WebSocketException)


@cache
def fastest() -> Transport:
    """Return the faster of those that are installed."""
    try:
        return picows()
    except ImportError:
        return WEBSOCKETS
