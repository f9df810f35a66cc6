"""What the gateway does all day: orders and questions in tasks of their own, warm connections, its own standing."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from core.errors import ConfigurationError
from core.instruments import Instrument
from core.live.gate import LastGate
from core.live.keys import Keys, fingerprint
from core.live.permissions import objection
from core.live.reference import instruments
from core.live.seat import Seat
from core.live.venues import SANDBOXES, Exchange, VenueFailure, connections
from core.live.wire import (
    Ask,
    Configuration,
    Count,
    FromDesk,
    FromGateway,
    Gate,
    Ready,
    Send,
    Standing,
    Told,
    VenueStanding,
)

PING_S = 10.0
TELL_S = 0.5  # the desk takes a longer silence for trouble (core.live.hearing)
AGAIN_S = 1.0  # after a ping that was not answered
ASK_S = 5.0  # for what is asked once, at the start
MOST_AT_ONCE = 64  # orders and questions in hand; one more order is refused, it would be late anyway

Say = Callable[[FromGateway], None]


async def serve(configuration: Configuration, keys: Mapping[str, Keys], told: AsyncIterator[bytes], say: Say) -> None:
    """Sit down at every venue, say that all is ready, and do what the desk says until it says nothing any more.

    Raises:
        ConfigurationError: a venue has no test system to trade on, or a key could take money away, or may be able to.
    """
    for one in configuration.accounts:
        if one.sandbox and one.venue not in SANDBOXES:
            raise ConfigurationError(f"live.sandbox: {one.venue} has none", do="Take it out, or trade it on paper.")
    gate = LastGate(frozenset(configuration.symbols), configuration.max_order_notional)
    async with connections() as session:
        seats = {
            one.venue: Seat(Exchange(one.venue, keys[one.venue], session, url=one.url, sandbox=one.sandbox), gate)
            for one in configuration.accounts
        }
        try:
            for _ in range(2):  # the first one opens the connection, the second one measures
                await asyncio.gather(*(seat.ping() for seat in seats.values()))
            exchanges = [seat.exchange for seat in seats.values()]
            fingerprints = {one.venue: fingerprint(one, keys[one.venue]) for one in configuration.accounts}
            await _refuse_withdrawals(configuration, fingerprints, exchanges)
            told_of = await asyncio.gather(*(_lattices(one, configuration.symbols) for one in exchanges))
            told_by = zip(exchanges, told_of, strict=True)
            lattices = {one.venue: listed for one, listed in told_by if listed is not None}
            say(Ready(os.getpid(), _standings(seats), lattices, fingerprints))
            await Service(seats, gate, say).run(told)
        finally:
            await asyncio.gather(*(seat.close() for seat in seats.values()))


async def _refuse_withdrawals(
    configuration: Configuration, fingerprints: Mapping[str, str], exchanges: Sequence[Exchange]
) -> None:
    """Raise ConfigurationError if a key may take money away, or if its venue could tell and does not.

    A test system has no such answer. A key that was found harmless before is not refused for a venue's silence: a
    gateway that comes back has other venues to hedge on.
    """
    sandbox = {one.venue for one in configuration.accounts if one.sandbox}
    harmless = {venue for venue, known in configuration.harmless.items() if fingerprints.get(venue) == known}
    objections = (objection(one, insist=one.venue not in sandbox | harmless) for one in exchanges)
    for found in await asyncio.gather(*objections):
        if found is not None:
            raise found


async def _lattices(exchange: Exchange, symbols: Sequence[str]) -> tuple[Instrument, ...] | None:
    """Return what the venue says can be traded there; None: it does not tell, and what is known already must do."""
    try:
        async with asyncio.timeout(ASK_S):
            return tuple(await instruments(exchange, symbols))
    except (VenueFailure, TimeoutError, LookupError, TypeError, ArithmeticError):
        return None


def _standings(seats: Mapping[str, Seat]) -> tuple[VenueStanding, ...]:
    return tuple(seat.standing() for seat in seats.values())


class Service:
    """Does what the desk says, in tasks of its own."""

    def __init__(self, seats: Mapping[str, Seat], gate: LastGate, say: Say) -> None:
        self._seats, self._gate, self._say = seats, gate, say
        self._running: set[asyncio.Task[None]] = set()

    async def run(self, told: AsyncIterator[bytes]) -> None:
        """Serve until stdin closes; what is on its way then is left to the next start, which asks about it."""
        async with asyncio.TaskGroup() as tasks:
            keeping = [
                tasks.create_task(self._tell()),
                *(tasks.create_task(self._keep(one)) for one in self._seats.values()),
            ]
            async for line in told:
                self._obey(msgspec.json.decode(line, type=FromDesk), tasks)
            for task in (*keeping, *self._running):
                task.cancel()

    def _obey(self, message: FromDesk, tasks: asyncio.TaskGroup) -> None:
        if isinstance(message, Gate):
            self._gate.told = message
            return
        if len(self._running) >= MOST_AT_ONCE and isinstance(message, Send):
            self._say(Told(message.number, "not_sent", why=f"the gateway: {MOST_AT_ONCE} requests are in hand"))
            return
        task = tasks.create_task(self._answer(message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, message: Send | Ask | Count) -> None:
        venue = message.venue if isinstance(message, Count) else message.order.venue
        seat = self._seats[venue]
        match message:
            case Send(number, order):
                self._say(await seat.place(number, order))
            case Ask(number, order):
                self._say(await seat.ask(number, order))
            case Count(number):
                self._say(await seat.count(number))

    async def _tell(self) -> None:
        while True:
            self._say(Standing(_standings(self._seats)))
            await asyncio.sleep(TELL_S)

    async def _keep(self, seat: Seat) -> None:
        """Keep a warm connection and a measured clock."""
        while True:
            await asyncio.sleep(PING_S if not seat.standing().why_not else AGAIN_S)
            await seat.ping()
