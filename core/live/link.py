"""The desk's end of the order gateway: brokers for the executor, and the process kept alive."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from core.errors import ConfigurationError, QuestionFailed, SidecarFailed
from core.execution.orders import Broker, Fate, Order
from core.execution.recovery import Balances
from core.instruments import Instrument
from core.latency import Latencies
from core.live.hearing import PATIENCE, Hearing, Patience
from core.live.wire import (
    Ask,
    Configuration,
    Count,
    Counted,
    FromDesk,
    FromGateway,
    Gate,
    GatewayState,
    Health,
    Ready,
    Refused,
    Send,
    Standing,
    Told,
    VenueStanding,
)
from core.notices import Notify
from core.sidecar import Sidecar, sidecar

READY_S = 60.0  # a loaded machine imports slowly
GATE_S = 0.05  # how often the desk's state is looked at, should nobody have said that it changed
AGAIN_S = 0.2  # after the process ended
COUNTS = 4  # tries for one statement: a question that failed is no statement
NOT_UP = "the order gateway is not up"
SILENT = "the order gateway is silent"

Answer = TypeVar("Answer", Told, Counted)


class Link:
    """Owns the gateway's process, and what waits for its answers."""

    def __init__(self, configuration: Configuration, patience: Patience) -> None:
        self._configuration = configuration
        self._latencies: Latencies | None = None
        self._gate: Callable[[], Gate] = Gate
        self._said = Gate()
        self._child: Sidecar | None = None
        self._stack = contextlib.AsyncExitStack()
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Told | Counted]] = {}
        self._venues: dict[str, VenueStanding] = {}
        self.instruments: Mapping[str, tuple[Instrument, ...]] = {}  # by venue: what each says can be traded there
        self.fingerprints: Mapping[str, str] = {}  # by venue: which account its orders go to
        self._hearing = Hearing(patience)
        self._health: Health = "starting"
        self._why = ""
        self._starts = 0
        self.news = asyncio.Event()  # set with every word of the gateway and with its end, for whoever waits for one
        self.brokers: dict[str, Broker] = {one.venue: LiveBroker(self) for one in configuration.accounts}
        self.accounts: dict[str, Balances] = {
            one.venue: partial(self.balances, one.venue) for one in configuration.accounts
        }

    def watch(self, gate: Callable[[], Gate], latencies: Latencies) -> None:
        """Take the desk's word on whether orders may leave from here on; measure for it."""
        self._gate, self._latencies = gate, latencies

    def state(self) -> GatewayState:
        pid = self._child.pid if self._child is not None else 0
        accounts, quiet_s = self._configuration.accounts, self._hearing.quiet_s
        return GatewayState(
            "silent" if quiet_s else self._health,
            f"silent for {quiet_s:.0f} s" if quiet_s else self._why,
            pid,
            self._starts,
            any(one.url for one in accounts),
            tuple(one.venue for one in accounts if one.sandbox),
            tuple(one.venue for one in accounts if not (one.url or one.sandbox)),
            tuple(one.unheard(SILENT) if quiet_s else one for one in self._venues.values()),
        )

    def why_not(self, venue: str) -> str:
        """Return why no order can be sent to `venue` at this moment; "" if it can."""
        if why := self.why_not_any():
            return why
        held = self._venues.get(venue)
        return held.why_not if held is not None else f"the order gateway does not know {venue}"

    def why_not_any(self) -> str:
        """Return why no order can be sent at all."""
        if self._health != "up":
            return NOT_UP
        return SILENT if self._hearing.quiet_s else ""

    @property
    def trouble(self) -> str:
        """What is wrong with a process that is there; for how long says the state."""
        return f"{SILENT}: no order is handed to it until it speaks" if self._hearing.quiet_s else ""

    async def open(self) -> None:
        """Start the process.

        Raises:
            ConfigurationError: there are no keys, or somebody else trades on the account.
            SidecarFailed: it did not come up.
        """
        self._starts += 1
        try:
            child = await self._stack.enter_async_context(sidecar("order gateway", "core.live", keys=True))
            child.send_line(msgspec.json.encode(replace(self._configuration, harmless=self.fingerprints)))
            async with asyncio.timeout(READY_S):
                hello = msgspec.json.decode(await child.receive_line(), type=FromGateway)
        except TimeoutError:
            raise SidecarFailed("The order gateway did not come up", why=f"no word in {READY_S:g} s") from None
        if isinstance(hello, Refused):
            raise ConfigurationError(hello.what, why=hello.why, do=hello.do)
        assert isinstance(hello, Ready)
        self._child, self._health, self._why, self._said = child, "up", "", Gate()
        self.instruments, self.fingerprints = hello.instruments, hello.fingerprints
        self._venues = {one.venue: one for one in hello.venues}
        self.news.set()
        self.push()

    async def run(self, notify: Notify) -> None:
        """Pass answers on, and start the process anew whenever it ends, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_telling(notify))
            while True:
                try:
                    await self._listen()
                except SidecarFailed as error:
                    self._lose(str(error))
                    notify("error", f"the order gateway ended: {error.why}; what it had in hand is asked about")
                await self._restart(notify)

    def push(self) -> None:
        """Tell the gateway at once what the desk's state is, if it changed."""
        gate = self._gate()
        if gate != self._said and self._child is not None:
            self._said = gate
            self._child.send_line(msgspec.json.encode(gate))

    async def send(self, order: Order) -> Fate:
        """Hand `order` over and return its fate; unknown if the process ended with it in hand."""
        if why := self.why_not_any() or ("" if self._child is not None else NOT_UP):
            return Fate(order, "not_sent", why=why)
        handed_ns = time.time_ns()
        try:
            told = await self._exchange(lambda number: Send(number, order), Told)
        except SidecarFailed:
            return Fate(order, "unknown", why="the order gateway ended before it answered")
        if told.sent_ns and self._latencies is not None:
            self._latencies.record("build", told.built_ns - handed_ns)
            self._latencies.record("wire", told.sent_ns - told.built_ns)
        return told.fate(order) or Fate(order, "unknown", why="the venue knows no such order")

    async def ask(self, order: Order) -> Fate | None:
        """Return what the venue knows of `order`; None: no such order.

        Raises:
            QuestionFailed: the venue did not answer.
            SidecarFailed: the process ended before it answered.
        """
        told = await self._exchange(lambda number: Ask(number, order), Told)
        if told.failed:
            raise QuestionFailed(f"{order.venue} does not tell", why=told.why)
        return told.fate(order)

    async def balances(self, venue: str) -> Mapping[str, Decimal] | str:
        """Return what the account holds of the currencies that are traded, or why that is not known."""
        why = ""
        for _ in range(COUNTS):
            try:
                counted = await self._exchange(lambda number: Count(number, venue), Counted)
            except SidecarFailed as error:
                why = str(error)
                await asyncio.sleep(AGAIN_S)
                continue
            if not (why := counted.why):
                traded = {part for symbol in self._configuration.symbols for part in symbol.split("/")}
                return {name: counted.amounts.get(name, Decimal(0)) for name in traded}
        return why

    async def close(self) -> None:
        """End the process; how it stood with it last can still be seen."""
        self._child = None
        self._hearing.end()
        self._fail("the desk has stopped")
        await self._stack.aclose()

    async def _exchange(self, message: Callable[[int], FromDesk], kind: type[Answer]) -> Answer:
        if self._child is None:
            raise SidecarFailed(NOT_UP)
        self.push()  # before it on the same line: what the desk is when the order leaves it
        self._number += 1
        number, waiting = self._number, asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            self._child.send_line(msgspec.json.encode(message(number)))
            answer = await waiting
        finally:
            self._waiting.pop(number, None)
        assert isinstance(answer, kind)
        return answer

    async def _listen(self) -> None:
        assert self._child is not None
        self._hearing.heard()
        while True:
            message = msgspec.json.decode(await self._child.receive_line(), type=FromGateway)
            self._hearing.heard()
            self.news.set()
            if isinstance(message, Standing):
                self._venues = {one.venue: one for one in message.venues}
            elif isinstance(message, Told | Counted):
                waiting = self._waiting.get(message.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)

    async def _keep_telling(self, notify: Notify) -> None:
        while True:
            self.push()
            self._hearing.look()
            if self._hearing.quiet_s:
                self.news.set()
            if self._hearing.lost and self._child is not None:
                notify("error", f"the order gateway is ended: {self.state().why}")
                self._hearing.end()
                self._child.kill()
            await asyncio.sleep(GATE_S)

    async def _restart(self, notify: Notify) -> None:
        while True:
            await self._stack.aclose()
            await asyncio.sleep(AGAIN_S)
            try:
                await self.open()
            except (SidecarFailed, ConfigurationError) as error:
                self._why = str(error)
                notify("error", f"the order gateway does not come up: {error}")
                await asyncio.sleep(AGAIN_S * 10)
            else:
                notify("info", "the order gateway is up again")
                return

    def _lose(self, why: str) -> None:
        """Let everybody who waits know that no answer will come."""
        self._child, self._health, self._why = None, "down", why
        self._hearing.end()
        self._venues.clear()
        self.news.set()
        self._fail(why)

    def _fail(self, why: str) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(SidecarFailed("The order gateway ended before it answered", why=why))


class LiveBroker:
    """One venue's orders, through the gateway (core.execution.orders.Broker)."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def place(self, order: Order) -> Fate:
        return await self._link.send(order)

    async def ask(self, order: Order) -> Fate | None:
        return await self._link.ask(order)


@contextlib.asynccontextmanager
async def linked(configuration: Configuration, patience: Patience = PATIENCE) -> AsyncIterator[Link]:
    """Hold a gateway as long as the context lasts.

    Raises:
        ConfigurationError: there are no keys, or somebody else trades on the account.
        SidecarFailed: it did not come up.
    """
    link = Link(configuration, patience)
    try:
        await link.open()
        yield link
    finally:
        await link.close()
