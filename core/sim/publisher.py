"""What a simulated venue tells its clients: quotes of the market, numbered and dated as the venue does it."""

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from core.sim.client import BINARY, TEXT, Client, websocket_frame
from core.sim.dialect import Counters, Server, Update, Wire
from core.sim.garbage import garbage
from core.sim.listings import profile
from core.sim.market import Market
from core.sim.quotes import Quote


class Publisher:
    """One venue's subscriptions, and the last word on each symbol. Frames wait until `flush`."""

    def __init__(self, server: Server, market: Market, seed: int, clock_ns: Callable[[], int]) -> None:
        self._name, self._server, self._market, self._clock_ns = server.name, server, market, clock_ns
        self._counters = Counters(server, seed)
        self._listeners: dict[str, list[Client]] = {}
        self._busy: dict[Client, None] = {}  # those with frames waiting, in order
        self._last: dict[str, Update] = {}
        self._event_ms = 0
        self._losing = False  # what is published now never arrives
        self.delay_ns = int(profile(self._name).delay_ms * 1e6)  # from the matching engine to our socket
        self.lag_ns = 0  # what is said leaves so much later
        self._lagging: deque[tuple[int, Client, list[bytes]]] = deque()  # when each leaves, in order
        self.mute = False
        self.disguise: Callable[[str], Quote] | None = None  # what is quoted instead of the market's own
        self.is_well = True
        self.served_ns: int | None = 0  # when it first served ticks after it was not well; None: not yet
        self.ticks_sent = self.ticks_dropped = 0

    # -- who listens

    def subscribe(self, client: Client, symbols: Iterable[str]) -> None:
        """Send each symbol's quote at once, and from then on every one."""
        for symbol in symbols:
            if symbol not in client.symbols:
                client.symbols.add(symbol)
                client.new.add(symbol)
                self._listeners.setdefault(symbol, []).append(client)
            self.publish(symbol)
        self.flush()

    def unsubscribe(self, client: Client, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            if symbol in client.symbols:
                client.symbols.discard(symbol)
                client.new.discard(symbol)
                self._listeners[symbol].remove(client)

    def heard_by(self, symbol: str) -> bool:
        """Return whether a client takes this symbol's quotes."""
        if not self.mute:
            for client in self._listeners.get(symbol, ()):
                if client.takes:
                    return True
        return False

    def last(self, symbol: str) -> Quote | None:
        """Return what clients were told last; None: nothing yet."""
        told = self._last.get(symbol)
        return told.quote if told is not None else None

    # -- quotes

    def publish(self, symbol: str) -> Quote | None:
        """Quote `symbol` anew to those who listen; return what they are told, None if there is nobody."""
        listeners = self._listeners.get(symbol)
        if not listeners or self.mute:
            return None
        quote = self.disguise(symbol) if self.disguise else self._market.quote(self._name, symbol)
        now_ns = self._clock_ns()
        self._event_ms = max(self._event_ms, (now_ns - self.delay_ns) // 1_000_000)
        sequence, engine_sequence = self._counters.advance(symbol)
        update = Update(symbol, quote, sequence, engine_sequence, self._event_ms, now_ns // 1_000_000)
        before, self._last[symbol] = self._last.get(symbol), update
        if not self._losing:
            self._put(listeners, update, before)
        if self.served_ns is None and self.is_well:
            self.served_ns = now_ns
        return quote

    def say(self, symbol: str) -> Quote | None:
        """Quote `symbol` anew and write it at once; return what was said, None if nobody takes it."""
        quote = self.publish(symbol) if self.heard_by(symbol) else None
        self.flush()
        return quote

    def publish_all(self) -> None:
        """Quote every symbol anew, at once."""
        for symbol in self._listeners:
            self.publish(symbol)
        self.flush()

    def repeat(self, after_s: float) -> None:
        """Say again what has not changed for so long."""
        if self.mute:
            return
        now_ms = self._clock_ns() // 1_000_000
        for symbol, last in self._last.items():
            if now_ms - last.sent_ms >= after_s * 1e3:
                self._last[symbol] = again = msgspec.structs.replace(last, sent_ms=now_ms)
                self._put(self._listeners[symbol], again, None)
        self.flush()

    def flush(self) -> None:
        """Write what waits: at once, or when the venue's lag is over."""
        if not (self._busy or self._lagging):
            return
        now_ns, busy, self._busy = self._clock_ns(), self._busy, {}
        if self.lag_ns or self._lagging:
            self._lagging.extend((now_ns + self.lag_ns, client, client.held_back()) for client in busy)
            busy = self._let_go(now_ns)
        for client in busy:
            sent, dropped = client.flush(now_ns)
            self.ticks_sent += sent
            self.ticks_dropped += dropped

    def _let_go(self, now_ns: int) -> dict[Client, None]:
        """Hand their clients what has lagged for long enough; return these."""
        told: dict[Client, None] = {}
        while self._lagging and (self._lagging[0][0] <= now_ns or not self.lag_ns):
            _, client, frames = self._lagging.popleft()
            for frame in frames:
                client.put(frame)
            told[client] = None
        return told

    def _put(self, listeners: Iterable[Client], update: Update, before: Update | None) -> None:
        frames: dict[tuple[str, bool], bytes] = {}
        for client in listeners:
            is_whole = before is None or not self._server.changes_only or update.symbol in client.new
            client.new.discard(update.symbol)
            frame = frames.get((client.form, is_whole))
            if frame is None:
                frame = frames[client.form, is_whole] = self._spoken(update, None if is_whole else before, client.form)
            client.put(frame)
            self._busy[client] = None

    def _spoken(self, update: Update, before: Update | None, form: str) -> bytes:
        """Return what a client of this form is told: a whole quote, or what changed since the one `before`."""
        if before is None:
            return framed(self._server.frame(update, form))
        return b"".join(framed(one) for one in self._server.change(update, before, form))

    # -- faults

    def restart(self) -> None:
        """Count from the beginning."""
        self._counters.restart()

    def skip(self) -> None:
        """Leave out a piece of the story: numbers, and where a client can tell, one frame of every symbol."""
        if not self._server.chained:
            self._counters.skip()
            return
        self._losing = True
        for symbol, last in list(self._last.items()):
            self.publish(symbol)
            for client in self._listeners.get(symbol, ()):
                self._spoken(self._last[symbol], last, client.form)  # made, and numbered, and not sent
        self._losing = False

    def babble(self, number: int) -> None:
        """Write one frame of garbage of each symbol, at once; `number` chooses its kind."""
        for symbol, listeners in self._listeners.items():
            if listeners and symbol in self._last:
                self._say_garbage(listeners, self._last[symbol], number)

    def _say_garbage(self, listeners: Iterable[Client], last: Update, number: int) -> None:
        sequence, engine_sequence = self._counters.advance(last.symbol)  # so that nobody drops it for being a repeat
        last = msgspec.structs.replace(last, sequence=sequence, engine_sequence=engine_sequence)
        for client in listeners:
            if client.takes:
                good = self._server.frame(last, client.form)
                bad = garbage(good, last.quote, self._server.strange(last.symbol))
                first_byte, payload = bad[number % len(bad)]
                client.connection.transport.write(websocket_frame(first_byte, payload))


def framed(said: Wire) -> bytes:
    """Return what was said as one frame of a websocket."""
    return websocket_frame(TEXT, said.encode()) if isinstance(said, str) else websocket_frame(BINARY, said)
