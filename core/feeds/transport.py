"""The websocket client under the feeds: picows where it is installed, else websockets. Both have the same interface.

Which one costs less is measured by `arbdesk bench socket`. Source: websockets 15, asyncio client; picows 2.3.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, NamedTuple, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

HALF_MADE_S = 1.0  # for a connection that is being made when it is not wanted any more


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
        connecting = asyncio.ensure_future(_made(fast.connect(*address, **options)))
        try:
            yield await asyncio.shield(connecting)
        finally:
            await _let_go(connecting)

    return Transport("picows", connect, fast.WebSocketException)


async def _made(connection: Awaitable[Any]) -> Any:
    return await connection


async def _let_go(connecting: "asyncio.Future[Any]") -> None:
    """Close it, made or half made: picows leaves it open where its own connecting or closing is cancelled."""
    await asyncio.wait({connecting}, timeout=HALF_MADE_S)
    if connecting.done() and not connecting.cancelled() and connecting.exception() is None:
        await connecting.result().close()
    else:
        connecting.cancel()
    await asyncio.sleep(0)  # it lets go of its socket in the next turn of the loop


@cache
def fastest() -> Transport:
    """Return the faster of those that are installed."""
    try:
        return picows()
    except ImportError:
        return WEBSOCKETS
