"""One simulated venue: a websocket server on loopback that tells its clients what the market quotes."""

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from http import HTTPStatus

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from core.sim.client import BINARY, TEXT, Client, websocket_frame
from core.sim.dialect import Counters, Dialect, Update, Wire
from core.sim.faults import LASTS_S, Kind
from core.sim.garbage import garbage
from core.sim.market import Market, Quote, one_sided, profile, seeded

HOST = "127.0.0.1"
GARBAGE_PAUSE_S = 0.02
GOODBYE_S = 0.5
WITHOUT_A_WORD = 1006  # what a client's library calls a connection that simply ended
_QUIET = logging.getLogger("core.sim.sockets")  # what a broken client does to its handshake is no news
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class SimulatedVenue:
    """Clients, subscriptions, sequence numbers, and the fault that it has at the moment."""

    def __init__(self, dialect: Dialect, market: Market, seed: int, clock_ns: Callable[[], int]) -> None:
        self.name, self._dialect, self._market, self._clock_ns = dialect.name, dialect, market, clock_ns
        self._random = seeded(f"{seed} {self.name} server")
        self._counters = Counters(dialect, seed)
        self._clients: set[Client] = set()
        self._listeners: dict[str, list[Client]] = {}
        self._busy: dict[Client, None] = {}  # those with frames waiting, in order
        self._last: dict[str, Update] = {}
        self._event_ms = 0
        self._delay_ns = int(profile(self.name).delay_ms * 1e6)
        self._server: Server | None = None
        self._port = 0
        self._turned_away = False
        self._mute = False
        self._losing = False  # what is published now never arrives
        self._disguise: Callable[[str], Quote] | None = None
        self._hang_ups = market.venues.index(self.name)  # polite or not in turn, over the venues too
        self.aside: set[str] = set()  # symbols that a desk does not trade here any more: their name meant another thing
        self.fault: Kind | None = None
        self.served_ns: int | None = 0  # when it first served ticks after its last fault; None: not yet
        self.ticks_sent = self.ticks_dropped = 0

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self._port}{self._dialect.path}"

    # -- sockets

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve as long as the context lasts, on a port that stays ours even while connections are refused."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            holder.bind((HOST, 0))
            self._port = holder.getsockname()[1]
            await self._listen()
            try:
                yield
            finally:
                await self._shut()

    async def _listen(self) -> None:
        self._server = await serve(
            self._converse,
            HOST,
            self._port,
            reuse_port=True,
            compression=None,
            process_request=self._enter,
            server_header=None,
            ping_interval=self._dialect.ping_s,
            ping_timeout=60,
            close_timeout=GOODBYE_S,
            max_size=2**20,
            logger=_QUIET,
        )

    async def _shut(self) -> None:
        """Close the listening socket and cut every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close(close_connections=False)
            for connection in server.connections:
                connection.transport.abort()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await server.wait_closed()

    def _enter(self, connection: ServerConnection, request: Request) -> Response | None:
        if self._turned_away:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable\n")
        if self._dialect.enter(request.path) is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "Not Found\n")
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        with contextlib.suppress(OSError):  # it is gone already
            connection.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        entered = self._dialect.enter(connection.request.path if connection.request else "")
        assert entered is not None, "the handshake let it pass"
        form, symbols = entered
        connection_id = f"{self._random.getrandbits(32):08x}"
        client = Client(connection, connection_id if self._dialect.own_frames else form, connection_id)
        client.active_ns = client.word_ns = client.beat_ns = self._clock_ns()
        self._clients.add(client)
        try:
            for greeting in self._dialect.greet(connection_id):
                await connection.send(greeting)
            self._subscribe(client, symbols)
            async for request in connection:
                await self._hear(client, request if isinstance(request, str) else request.decode("utf-8", "replace"))
        except ConnectionClosed:
            pass  # hung up without a goodbye
        finally:
            self._clients.discard(client)
            self._unsubscribe(client, tuple(client.symbols))
            self._dialect.leave(connection_id)

    async def _hear(self, client: Client, request: str) -> None:
        now_ns, limit = self._clock_ns(), self._dialect.requests_per_s
        client.active_ns = client.word_ns = now_ns
        client.heard.append(now_ns)
        if limit is not None and sum(now_ns - at_ns < 10**9 for at_ns in client.heard) > limit:
            await client.connection.close(1008, "Too many requests")
            return
        answer = self._dialect.answer(request, client.symbols, client.connection_id)
        self._unsubscribe(client, answer.removed)
        if answer.data_first:
            self._subscribe(client, answer.added)
        for reply in answer.replies:
            await client.connection.send(reply)
        if not answer.data_first:
            self._subscribe(client, answer.added)
        if answer.hang_up == WITHOUT_A_WORD:
            client.connection.transport.abort()
        elif answer.hang_up is not None:
            await client.connection.close(answer.hang_up)

    def _subscribe(self, client: Client, symbols: Iterable[str]) -> None:
        """Send each symbol's quote at once, and from then on every one."""
        for symbol in symbols:
            if symbol not in client.symbols:
                client.symbols.add(symbol)
                client.new.add(symbol)
                self._listeners.setdefault(symbol, []).append(client)
            self.publish(symbol)
        self.flush()

    def _unsubscribe(self, client: Client, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            if symbol in client.symbols:
                client.symbols.discard(symbol)
                client.new.discard(symbol)
                self._listeners[symbol].remove(client)

    # -- quotes

    def last(self, symbol: str) -> Quote | None:
        """Return what clients were told last; None: nothing yet."""
        told = self._last.get(symbol)
        return told.quote if told is not None else None

    def heard_by(self, symbol: str) -> bool:
        """Return whether a client takes this symbol's quotes."""
        return not self._mute and any(client.takes for client in self._listeners.get(symbol, ()))

    def said(self, symbol: str) -> Quote | None:
        """Return the quote of `symbol` that was said last."""
        return self._last[symbol].quote if symbol in self._last else None

    def publish(self, symbol: str) -> Quote | None:
        """Quote `symbol` anew to those who listen; return what they are told, None if there is nobody."""
        listeners = self._listeners.get(symbol)
        if not listeners or self._mute:
            return None
        quote = self._disguise(symbol) if self._disguise else self._market.quote(self.name, symbol)
        now_ns = self._clock_ns()
        self._event_ms = max(self._event_ms, (now_ns - self._delay_ns) // 1_000_000)
        sequence, engine_sequence = self._counters.advance(symbol)
        update = Update(symbol, quote, sequence, engine_sequence, self._event_ms, now_ns // 1_000_000)
        before, self._last[symbol] = self._last.get(symbol), update
        if not self._losing:
            self._put(listeners, update, before)
        if self.served_ns is None and self.fault is None:
            self.served_ns = now_ns
        return quote

    def _put(self, listeners: Iterable[Client], update: Update, before: Update | None) -> None:
        frames: dict[tuple[str, bool], bytes] = {}
        for client in listeners:
            is_whole = before is None or not self._dialect.changes_only or update.symbol in client.new
            client.new.discard(update.symbol)
            frame = frames.get((client.form, is_whole))
            if frame is None:
                frame = frames[client.form, is_whole] = self._spoken(update, None if is_whole else before, client.form)
            client.put(frame)
            self._busy[client] = None

    def _spoken(self, update: Update, before: Update | None, form: str) -> bytes:
        """Return what a client of this form is told: a whole quote, or what changed since the one `before`."""
        if before is None:
            return _framed(self._dialect.frame(update, form))
        return b"".join(_framed(one) for one in self._dialect.change(update, before, form))

    def publish_all(self) -> None:
        """Quote every symbol anew, at once."""
        for symbol in self._listeners:
            self.publish(symbol)
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._busy:
            now_ns, busy, self._busy = self._clock_ns(), self._busy, {}
            for client in busy:
                sent, dropped = client.flush(now_ns)
                self.ticks_sent += sent
                self.ticks_dropped += dropped

    async def tend(self) -> None:
        """Do what is due by the clock alone: repeat quiet quotes, hang up on quiet clients, vary the delay."""
        now_ns = self._clock_ns()
        self._delay_ns = int(profile(self.name).delay_ms * 1e6 * (1 + 0.5 * self._random.random()))
        repeat_s, idle_s = self._dialect.repeat_s, self._dialect.idle_s
        if repeat_s is not None and not self._mute:
            for symbol, last in self._last.items():
                if now_ns // 1_000_000 - last.sent_ms >= repeat_s * 1e3:
                    self._last[symbol] = again = msgspec.structs.replace(last, sent_ms=now_ns // 1_000_000)
                    self._put(self._listeners[symbol], again, None)
            self.flush()
        if idle_s is not None:
            quiet = [client for client in self._clients if now_ns - client.active_ns >= idle_s * 1e9]
            await self._close(quiet, 4004, f"No data received in {idle_s:g}s.")
        await self._beat(now_ns)

    async def _beat(self, now_ns: int) -> None:
        """Send heartbeats, and hang up on those who have said nothing for too long, whatever they were told."""
        beat_s, client_idle_s = self._dialect.beat_s, self._dialect.client_idle_s
        if beat_s is not None:
            for client in [one for one in self._clients if now_ns - one.beat_ns >= beat_s * 1e9]:
                client.beat_ns = now_ns
                client.put(_framed(self._dialect.beat(now_ns // 1_000_000)))
                client.flush(now_ns)
        if client_idle_s is not None:
            silent = [client for client in self._clients if now_ns - client.word_ns >= client_idle_s * 1e9]
            await self._close(silent, 1000, "No ping.")

    # -- faults

    async def suffer(self, kind: Kind, lasts_s: float | None = None) -> None:
        """Fail in one way, from begin to end."""
        lasts_s = LASTS_S[kind] if lasts_s is None else lasts_s
        match kind:
            case "hang_up":
                await self._hang_up(lasts_s)
            case "silence":
                self._mute = True
                await asyncio.sleep(lasts_s)
            case "skip":
                self._skip()
            case "restart":
                if self._dialect.restart_hangs_up:
                    await self._hang_up(lasts_s)
                self._counters.restart()
            case "garbage":
                await self._babble(lasts_s)
            case "crossed":
                await self._pretend(lambda symbol: self._market.crossed_quote(self.name, symbol), lasts_s)
            case "one_sided":
                await self._pretend(self._one_sided_quote, lasts_s)
            case "unit":
                self.aside.add(self._market.lists(self.name)[0])
                await self._pretend(self._thousandfold, lasts_s)
            case "refuse":
                await self._shut()
                await asyncio.sleep(lasts_s)

    def _skip(self) -> None:
        """Leave out a piece of the story: numbers, and where a client can tell, one frame of every symbol."""
        if not self._dialect.chained:
            self._counters.skip()
            return
        self._losing = True
        for symbol, last in list(self._last.items()):
            self.publish(symbol)
            for client in self._listeners.get(symbol, ()):
                self._spoken(self._last[symbol], last, client.form)  # made, and numbered, and not sent
        self._losing = False

    async def recover(self) -> None:
        """Be as before again, whatever the fault was and however it ended, and tell everybody."""
        self._mute = self._turned_away = False
        self._disguise = None
        if self._server is None:
            await self._listen()
        self.publish_all()

    async def _hang_up(self, lasts_s: float) -> None:
        self._turned_away = True
        self._hang_ups += 1
        clients = list(self._clients)
        async with asyncio.TaskGroup() as ending:
            ending.create_task(asyncio.sleep(lasts_s))
            if self._hang_ups % 2 == 0:
                for client in clients:
                    client.connection.transport.abort()
            else:
                ending.create_task(self._close(clients, 1001, ""))

    async def _close(self, clients: Iterable[Client], code: int, why: str) -> None:
        async with asyncio.TaskGroup() as goodbyes:
            for client in clients:
                goodbyes.create_task(client.connection.close(code, why))

    async def _pretend(self, disguise: Callable[[str], Quote], lasts_s: float) -> None:
        self._disguise = disguise
        self.publish_all()
        await asyncio.sleep(lasts_s)

    def _one_sided_quote(self, symbol: str) -> Quote:
        return one_sided(self._market.quote(self.name, symbol), self._random.choice(("bid", "ask")))

    def _thousandfold(self, symbol: str) -> Quote:
        quote = self._market.quote(self.name, symbol)
        if symbol not in self.aside:
            return quote
        return Quote(quote.bid * 1000, quote.ask * 1000, quote.bid_size / 1000, quote.ask_size / 1000)

    async def _babble(self, lasts_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(lasts_s):
                for number in itertools.count():
                    for symbol, listeners in self._listeners.items():
                        if listeners and symbol in self._last:
                            self._say_garbage(listeners, self._last[symbol], number)
                    await asyncio.sleep(GARBAGE_PAUSE_S)

    def _say_garbage(self, listeners: Iterable[Client], last: Update, number: int) -> None:
        sequence, engine_sequence = self._counters.advance(last.symbol)  # so that nobody drops it for being a repeat
        last = msgspec.structs.replace(last, sequence=sequence, engine_sequence=engine_sequence)
        for client in listeners:
            if client.takes:
                good = self._dialect.frame(last, client.form)
                bad = garbage(good, last.quote, self._dialect.strange(last.symbol))
                first_byte, payload = bad[number % len(bad)]
                client.connection.transport.write(websocket_frame(first_byte, payload))


def _framed(said: Wire) -> bytes:
    return websocket_frame(TEXT, said.encode()) if isinstance(said, str) else websocket_frame(BINARY, said)
