"""The only user of ccxt: it signs, knows endpoints and error classes; when bytes leave is watched here.

An order is looked at once more when its connection stands, immediately before it is written: a slow connection lets no
old order out. The venue's own validity window ends with the order's deadline, where it has one.

Source: ccxt 4.5.90, async_support, and aiohttp 3.14, as installed.
"""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.client_reqrep import ClientRequest

from core.execution.orders import Order
from core.live.keys import Keys
from core.live.library import base_error, exchange_class
from core.live.meaning import Failure

WINDOW_MS = 2_000  # in which a venue may take a request; of an order, no more than is left to its deadline
TIMEOUT_MS = 2_000
KEEP_S = 75.0
OPTIONS: dict[str, dict[str, Any]] = {
    "binance": {"defaultType": "spot", "recvWindow": WINDOW_MS, "timeDifference": 0, "warnOnFetchOpenOrders": False},
    "bybit": {"defaultType": "spot", "recvWindow": WINDOW_MS, "timeDifference": 0},
    "okx": {"defaultType": "spot", "timeDifference": 0},
    "upbit": {},
}
BaseError = base_error()
SANDBOXES = {"binance", "bybit", "okx"}
logging.getLogger("ccxt.base.exchange").setLevel(logging.WARNING)  # at DEBUG it writes down signed headers


@dataclass(slots=True)
class Leaving:
    """One order on its way out of this process."""

    order: Order
    closed: Callable[[Order, int], str]  # why it may not leave any more
    why: str = ""  # why it was held back; "" if it was not
    left_ns: int = 0  # when it was built and past the gate, its bytes about to be written; 0: never
    written_ns: int = 0  # when they had been handed to the socket; 0: never, as far as is known


LEAVING: ContextVar[Leaving | None] = ContextVar("leaving", default=None)


class HeldBack(Exception):
    """The order may not leave any more; nothing of it was written."""


class VenueFailure(Exception):
    """A request failed; what that means depends on what it carried."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.brief)


class _Watchful(aiohttp.TCPConnector):
    """Hands out a connection for an order only while the order may leave."""

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        leaving = LEAVING.get()
        if leaving is None:
            return await super().connect(req, traces, timeout)
        try:
            async with asyncio.timeout(max(0.0, (leaving.order.deadline_ns - time.time_ns()) / 1e9)):
                connection = await super().connect(req, traces, timeout)
        except TimeoutError:
            leaving.why = "no connection before its deadline"
            raise HeldBack from None
        if why := leaving.closed(leaving.order, time.time_ns()):
            leaving.why = why
            connection.release()
            raise HeldBack
        leaving.left_ns = time.time_ns()
        return connection


class _Watched(ClientRequest):
    """Notes when an order's bytes had been written."""

    async def write_bytes(self, *arguments: Any, **named: Any) -> None:
        await super().write_bytes(*arguments, **named)
        if (leaving := LEAVING.get()) is not None:
            leaving.written_ns = time.time_ns()


@contextlib.asynccontextmanager
async def connections() -> AsyncIterator[aiohttp.ClientSession]:
    """Hold connections that stay open between orders."""
    connector = _Watchful(keepalive_timeout=KEEP_S, ttl_dns_cache=300, limit_per_host=16)
    async with aiohttp.ClientSession(connector=connector, request_class=_Watched) as session:
        yield session


class Exchange:
    """One venue's account behind ccxt."""

    def __init__(
        self,
        venue: str,
        keys: Keys,
        session: aiohttp.ClientSession,
        *,
        url: str = "",
        sandbox: bool = False,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        """`url`: of a simulated venue, instead of the venue's own; `timeout_ms`: for one answer."""
        self.venue = venue
        self._ccxt = _class(venue)(
            {
                "apiKey": keys.key,
                "secret": keys.secret,
                "password": keys.passphrase,
                "enableRateLimit": False,
                "timeout": timeout_ms,
                "options": dict(OPTIONS[venue]),
                "session": session,
            }
        )
        if sandbox:
            self._ccxt.set_sandbox_mode(True)
        if url:
            _point_at(self._ccxt, url)

    async def call(self, endpoint: str, parameters: dict[str, Any]) -> Any:
        """Ask one endpoint, by ccxt's name for it; return the answer as it came: a table, a list, or a text.

        Raises:
            VenueFailure: the venue refused, or did not answer; or what it said is no answer.
            HeldBack: an order may not leave any more.
        """
        try:
            return await getattr(self._ccxt, endpoint)(parameters)
        except BaseError as error:
            classes = [one.__name__ for one in type(error).__mro__ if issubclass(one, BaseError)]
            text = str(error).removeprefix(f"{self.venue} ")
            raise VenueFailure(Failure(self.venue, classes, text)) from None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the last answer."""
        return dict(self._ccxt.last_response_headers or {})

    def set_clock(self, ahead_ms: float) -> None:
        """Say how far the venue's clock is ahead of ours: requests carry its time."""
        if "timeDifference" in self._ccxt.options:
            self._ccxt.options["timeDifference"] = -round(ahead_ms)

    async def close(self) -> None:
        """Let go of the connections, which somebody else owns."""
        self._ccxt.timeout_on_exit = 0
        await self._ccxt.close()


def _class(venue: str) -> Any:
    """Return ccxt's class of the venue, whose orders are valid no longer than they may be."""
    base = exchange_class(venue)

    def sign(self: Any, *arguments: Any, **named: Any) -> Any:
        leaving = LEAVING.get()
        window_ms = WINDOW_MS
        if leaving is not None:
            window_ms = min(WINDOW_MS, max(1, (leaving.order.deadline_ns - time.time_ns()) // 1_000_000))
        if "recvWindow" in self.options:
            self.options["recvWindow"] = window_ms
        request = base.sign(self, *arguments, **named)
        headers = request["headers"]
        if headers is not None:
            headers.pop("Referer", None)  # a broker's mark on our orders
            if venue == "okx" and leaving is not None:
                headers["expTime"] = str(self.nonce() + window_ms)
        return request

    return type(venue, (base,), {"sign": sign})


def _point_at(exchange: Any, url: str) -> None:
    """Send every request to `url`, the paths kept."""

    def moved(held: Any) -> Any:
        if isinstance(held, dict):
            return {name: moved(value) for name, value in held.items()}
        return re.sub(r"^https?://[^/]*", url.rstrip("/"), held) if isinstance(held, str) else held

    exchange.urls["api"] = moved(exchange.urls["api"])
