"""One venue in the gateway: the way of an order from the desk's line to its outcome, and what the venue is asked."""

import asyncio
import time
from collections import deque

from msgspec.structs import replace

from core.attempts import attempt
from core.execution.orders import Order, Outcome
from core.live.dialects import Dialect, NoAnswer, Reading, dialect
from core.live.gate import RATES, Bucket, LastGate
from core.live.meaning import meaning
from core.live.venues import LEAVING, Exchange, HeldBack, Leaving, VenueFailure
from core.live.wire import Counted, Told, VenueStanding

READ_S = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)  # pauses before asking what an acknowledged order came to
COOL_S = 10.0  # at the least, after a venue said that it has had too many requests
READ_CALL_S = 1.0  # a question may be asked again
ONE_CALL_S = 3.0  # beyond ccxt's own limit of two seconds
WARM = 3  # connections kept open: as many orders at once need no new one
CLOCKS = 6 * WARM  # the newest, of which the best counts
MOST_AHEAD_MS = 500.0  # a clock further off lets no new order out
KEY_FAILURES = 3  # in a row: the key is the matter


class Seat:
    """Owns one account's orders in this process."""

    def __init__(self, exchange: Exchange, gate: LastGate, rate: tuple[int, float] | None = None) -> None:
        """`rate`: orders in so many seconds, instead of what the venue takes."""
        self.venue = exchange.venue
        self.exchange, self._gate = exchange, gate
        self._dialect: Dialect = dialect(exchange)
        self._bucket = Bucket(*(rate or RATES[self.venue]))
        self._cool_until_s = 0.0
        self._key_failures = 0
        self._trouble = "it was not reached yet"
        self._clocks: deque[tuple[float, float]] = deque(maxlen=CLOCKS)  # (round trip, venue ahead of us), ms
        self._clock_ahead_ms: float | None = None
        self._round_trip_ms: float | None = None
        self._sent = self._kept = 0

    def standing(self) -> VenueStanding:
        return VenueStanding(
            self.venue, self._why_not(), self._clock_ahead_ms, self._round_trip_ms, self._sent, self._kept
        )

    async def place(self, number: int, order: Order) -> Told:
        """Send `order` if everything still allows it, and return what became of it; never sends it twice."""
        if why := self._refusal(order):
            self._kept += 1
            return Told(number, "not_sent", why=f"the gateway: {why}")
        leaving = Leaving(order, self._gate.closed)
        came = await attempt(self._send(leaving), None)
        if not isinstance(came, Exception):
            reading, outcome, why = came
        else:
            reading, outcome, why = None, "unknown" if leaving.left_ns else "not_sent", _brief(came)
        answered_ns = time.time_ns()
        self._sent += bool(leaving.left_ns)
        if reading is None and outcome is None:
            reading, why = await self._outcome_of(order)
        told = Told(number, outcome or "unknown", (), why) if reading is None else _told(number, order, reading, why)
        sent_ns = leaving.written_ns or leaving.left_ns
        return replace(told, built_ns=leaving.left_ns, sent_ns=sent_ns, answered_ns=answered_ns)

    async def ask(self, number: int, order: Order) -> Told:
        """Return what the venue knows of `order`."""
        if why := self._rests():
            return Told(number, "unknown", why=why, failed=True)
        reading = await attempt(self._dialect.look(order), READ_CALL_S)
        if isinstance(reading, Exception):
            self._note(reading)
            return Told(number, "unknown", why=_brief(reading), failed=True)
        if reading is None:
            return Told(number, None)
        if not reading.whole:
            return Told(number, "unknown", why="the venue is still at work on it")
        return replace(_told(number, order, reading, ""), answered_ns=time.time_ns())

    async def count(self, number: int) -> Counted:
        """Return what the account holds."""
        if why := self._rests():
            return Counted(number, why=why)
        held = await attempt(self._dialect.balances(), READ_CALL_S)
        if isinstance(held, Exception):
            self._note(held)
            return Counted(number, why=_brief(held))
        return Counted(number, held)

    async def ping(self) -> None:
        """Keep some connections open, and measure the venue's clock; not while it wants to hear nothing."""
        if not self._rests():
            await asyncio.gather(*(self._ping() for _ in range(WARM)))

    async def _ping(self) -> None:
        began_ns = time.time_ns()
        told_ms = await attempt(self._dialect.clock_ms(), ONE_CALL_S)
        if isinstance(told_ms, Exception):
            self._note(told_ms)
            self._trouble = f"no answer: {_brief(told_ms)}"
            return
        ended_ns = time.time_ns()
        self._trouble, self._round_trip_ms = "", (ended_ns - began_ns) / 1e6
        if told_ms is not None:
            self._clocks.append((self._round_trip_ms, told_ms - (began_ns + ended_ns) / 2e6))
            self._clock_ahead_ms = min(self._clocks)[1]  # the quickest answer was the least held up on its way
            self.exchange.set_clock(self._clock_ahead_ms)

    async def close(self) -> None:
        await self.exchange.close()

    def _why_not(self) -> str:
        if self._key_failures >= KEY_FAILURES:
            return "the venue does not accept the key"
        if why := self._rests():
            return why
        if self._clock_ahead_ms is not None and abs(self._clock_ahead_ms) > MOST_AHEAD_MS:
            return f"its clock and ours are {abs(self._clock_ahead_ms):.0f} ms apart"
        return self._trouble

    def _rests(self) -> str:
        """Return that the venue has had too many requests: until then even a question could have us banned."""
        left_s = self._cool_until_s - time.monotonic()
        return f"too many requests: it rests {left_s:.0f} s" if left_s > 0 else ""

    def _refusal(self, order: Order) -> str:
        now_ns = time.time_ns()
        if why := self._why_not():
            return why
        if not self._bucket.take(now_ns):
            return "as many orders as the venue takes have left"
        return self._gate.objection(order, now_ns)

    async def _send(self, leaving: Leaving) -> tuple[Reading | None, Outcome | None, str]:
        """Return (what came of it, how it ended, why); neither of the first two: it must be asked for."""
        token = LEAVING.set(leaving)
        try:
            async with asyncio.timeout(ONE_CALL_S):
                reading = await self._dialect.place(leaving.order)
        except HeldBack:
            self._kept += 1
            return None, "not_sent", f"the gateway: {leaving.why}"
        except VenueFailure as error:
            return self._failed(error, leaving)
        except NoAnswer as error:
            return None, "unknown", str(error)
        finally:
            LEAVING.reset(token)
        self._key_failures = 0
        return reading, None, ""

    def _failed(self, error: VenueFailure, leaving: Leaving) -> tuple[Reading | None, Outcome | None, str]:
        self._note(error)
        what = meaning(error.failure, left=bool(leaving.left_ns))
        if what == "exists":  # somebody sent it before: what it came to counts, not that this was refused
            return None, None, error.failure.brief
        outcome: Outcome = "not_sent" if what == "not_sent" else "rejected" if what == "rejected" else "unknown"
        return None, outcome, error.failure.brief

    async def _outcome_of(self, order: Order) -> tuple[Reading | None, str]:
        """Ask what an order that exists came to, a few times in quick succession."""
        why = "acknowledged, and what it came to could not be read"
        for pause_s in READ_S:
            await asyncio.sleep(pause_s)
            reading = await attempt(self._dialect.look(order), READ_CALL_S)
            if isinstance(reading, Exception):  # asked again, and after that the desk asks
                self._note(reading)
                why = _brief(reading)
            elif reading is not None and reading.whole:
                return reading, ""
        return None, why

    def _note(self, error: Exception) -> None:
        """Rest after too many requests, and count refusals of the key."""
        if not isinstance(error, VenueFailure):
            return
        if error.failure.slow_down:
            self._cool_until_s = time.monotonic() + max(COOL_S, _retry_after_s(self.exchange.headers))
        self._key_failures = self._key_failures + 1 if error.failure.key_trouble else 0


def _told(number: int, order: Order, reading: Reading, why: str) -> Told:
    outcome: Outcome = "rejected"
    if reading.filled:
        outcome = "filled" if reading.filled == order.size else "partly_filled"
    why = why or ("" if outcome == "filled" else "no more size within the limit")
    return Told(number, outcome, reading.fills, why)


def _retry_after_s(headers: dict[str, str]) -> float:
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "0")
    return float(text) if text.isdigit() else 0.0


def _brief(error: Exception) -> str:
    if isinstance(error, VenueFailure):
        return error.failure.brief
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return f"{type(error).__name__}: {error}"[:160]
