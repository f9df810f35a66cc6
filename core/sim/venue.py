"""One simulated venue: a websocket server on loopback that tells its clients what the market quotes."""

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from http import HTTPStatus

from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from core.draws import seeded
from core.sim.client import Client
from core.sim.depth import Deep
from core.sim.dialect import Server
from core.sim.faults import LAG_S, LASTS_S, Kind
from core.sim.listings import profile
from core.sim.market import Market
from core.sim.publisher import Publisher, framed
from core.sim.quotes import Quote, one_sided
from core.sim.roster import depth_server

HOST = "127.0.0.1"
GARBAGE_PAUSE_S = 0.02
GOODBYE_S = 0.5
WITHOUT_A_WORD = 1006  # what a client's library calls a connection that simply ended
_QUIET = logging.getLogger("core.sim.sockets")  # what a broken client does to its handshake is no news
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class SimulatedVenue:
    """Its sockets, the conversation with each client, and the fault that it has at the moment."""

    def __init__(self, server: Server, market: Market, seed: int, clock_ns: Callable[[], int]) -> None:
        self.name, self._server, self._market, self._clock_ns = server.name, server, market, clock_ns
        self._random = seeded(f"{seed} {self.name} server")
        self.quotes = Publisher(server, market, seed, clock_ns)
        speaks = depth_server(self.name)
        self._deep = Deep(speaks(server), self.quotes, market, seed, clock_ns) if speaks is not None else None
        self._clients: set[Client] = set()
        self._listener: Listener | None = None
        self._port = 0
        self._turned_away = False
        self._hang_ups = market.venues.index(self.name)  # polite or not in turn, over the venues too
        self.aside: set[str] = set()  # symbols that a desk does not trade here any more: their name meant another thing
        self.fault: Kind | None = None

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self._port}{self._server.path}"

    def last(self, symbol: str) -> Quote | None:
        """Return what clients were told last; None: nothing yet."""
        return self.quotes.last(symbol)

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
        self._listener = await serve(
            self._converse,
            HOST,
            self._port,
            reuse_port=True,
            compression=None,
            process_request=self._enter,
            server_header=None,
            ping_interval=self._server.ping_s,
            ping_timeout=60,
            close_timeout=GOODBYE_S,
            max_size=2**20,
            logger=_QUIET,
        )

    async def _shut(self) -> None:
        """Close the listening socket and cut every connection."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close(close_connections=False)
            for connection in listener.connections:
                connection.transport.abort()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await listener.wait_closed()

    def _enter(self, connection: ServerConnection, request: Request) -> Response | None:
        if self._turned_away:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable\n")
        if self._server.enter(request.path) is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "Not Found\n")
        return None

    # -- the conversation

    async def _converse(self, connection: ServerConnection) -> None:
        with contextlib.suppress(OSError):  # it is gone already
            connection.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        entered = self._server.enter(connection.request.path if connection.request else "")
        assert entered is not None, "the handshake let it pass"
        form, symbols = entered
        connection_id = f"{self._random.getrandbits(32):08x}"
        client = Client(connection, connection_id if self._server.own_frames else form, connection_id)
        client.active_ns = client.word_ns = client.beat_ns = self._clock_ns()
        self._clients.add(client)
        try:
            for greeting in self._server.greet(connection_id):
                await connection.send(greeting)
            self.quotes.subscribe(client, symbols)
            async for request in connection:
                await self._hear(client, request if isinstance(request, str) else request.decode("utf-8", "replace"))
        except ConnectionClosed:
            pass  # hung up without a goodbye
        finally:
            self._clients.discard(client)
            self.quotes.unsubscribe(client, tuple(client.symbols))
            if self._deep is not None:
                self._deep.leave(client)
            self._server.leave(connection_id)

    async def _hear(self, client: Client, request: str) -> None:
        now_ns, limit = self._clock_ns(), self._server.requests_per_s
        client.active_ns = client.word_ns = now_ns
        client.heard.append(now_ns)
        if limit is not None and sum(now_ns - at_ns < 10**9 for at_ns in client.heard) > limit:
            await client.connection.close(1008, "Too many requests")
            return
        replies = self._deep.answer(client, request) if self._deep is not None else None
        if replies is not None:
            for reply in replies:
                await client.connection.send(reply)
            return
        answer = self._server.answer(request, client.symbols, client.connection_id)
        self.quotes.unsubscribe(client, answer.removed)
        if answer.data_first:
            self.quotes.subscribe(client, answer.added)
        for reply in answer.replies:
            await client.connection.send(reply)
        if not answer.data_first:
            self.quotes.subscribe(client, answer.added)
        if answer.hang_up == WITHOUT_A_WORD:
            client.connection.transport.abort()
        elif answer.hang_up is not None:
            await client.connection.close(answer.hang_up)

    # -- what is due by the clock

    async def tend(self) -> None:
        """Do what is due by the clock alone: repeat quiet quotes, hang up on quiet clients, vary the delay."""
        now_ns = self._clock_ns()
        self.quotes.delay_ns = int(profile(self.name).delay_ms * 1e6 * (1 + 0.5 * self._random.random()))
        repeat_s, idle_s = self._server.repeat_s, self._server.idle_s
        if repeat_s is not None:
            self.quotes.repeat(repeat_s)
        if self._deep is not None:
            self._deep.publish()
        if idle_s is not None:
            quiet = [client for client in self._clients if now_ns - client.active_ns >= idle_s * 1e9]
            await self._close(quiet, 4004, f"No data received in {idle_s:g}s.")
        await self._beat(now_ns)

    async def _beat(self, now_ns: int) -> None:
        """Send heartbeats, and hang up on those who have said nothing for too long, whatever they were told."""
        beat_s, client_idle_s = self._server.beat_s, self._server.client_idle_s
        if beat_s is not None:
            for client in [one for one in self._clients if now_ns - one.beat_ns >= beat_s * 1e9]:
                client.beat_ns = now_ns
                client.put(framed(self._server.beat(now_ns // 1_000_000)))
                client.flush(now_ns)
        if client_idle_s is not None:
            silent = [client for client in self._clients if now_ns - client.word_ns >= client_idle_s * 1e9]
            await self._close(silent, 1000, "No ping.")

    async def _close(self, clients: Iterable[Client], code: int, why: str) -> None:
        async with asyncio.TaskGroup() as goodbyes:
            for client in clients:
                goodbyes.create_task(client.connection.close(code, why))

    # -- faults

    def sicken(self, kind: Kind) -> None:
        """Note the fault that it is about to suffer."""
        self.fault, self.quotes.is_well, self.quotes.served_ns = kind, False, None

    def heal(self) -> None:
        """Note that the fault is over; it is trusted again some time after it has served ticks."""
        self.fault, self.quotes.is_well = None, True

    async def suffer(self, kind: Kind, lasts_s: float | None = None) -> None:
        """Fail in one way, from begin to end."""
        lasts_s = LASTS_S[kind] if lasts_s is None else lasts_s
        match kind:
            case "hang_up":
                await self._hang_up(lasts_s)
            case "silence":
                self.quotes.mute = True
                await asyncio.sleep(lasts_s)
            case "skip":
                self.quotes.skip()
            case "restart":
                if self._server.restart_hangs_up:
                    await self._hang_up(lasts_s)
                self.quotes.restart()
            case "garbage":
                await self._babble(lasts_s)
            case "crossed":
                await self._pretend(lambda symbol: self._market.crossed_quote(self.name, symbol), lasts_s)
            case "one_sided":
                await self._pretend(self._one_sided_quote, lasts_s)
            case "unit":
                self.aside.add(self._market.lists(self.name)[0])
                await self._pretend(self._thousandfold, lasts_s)
            case "lag":
                self.quotes.lag_ns = int(LAG_S * 1e9)
                self._market.swing(self._market.swung_with(self.name))
                await asyncio.sleep(lasts_s)
            case "refuse":
                await self._shut()
                await asyncio.sleep(lasts_s)

    async def recover(self) -> None:
        """Be as before again, whatever the fault was and however it ended, and tell everybody."""
        self.quotes.mute = self._turned_away = False
        self.quotes.disguise = None
        if self.quotes.lag_ns:
            self.quotes.lag_ns = 0
            self._market.rest(self._market.swung_with(self.name))
        if self._listener is None:
            await self._listen()
        self.quotes.publish_all()

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

    async def _pretend(self, disguise: Callable[[str], Quote], lasts_s: float) -> None:
        self.quotes.disguise = disguise
        self.quotes.publish_all()
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
                    self.quotes.babble(number)
                    await asyncio.sleep(GARBAGE_PAUSE_S)
