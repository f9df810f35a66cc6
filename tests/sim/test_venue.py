"""The conversation with each simulated venue over real sockets, and each of its faults on the wire."""

import asyncio

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from core.sim.client import BACKLOG_BYTES, websocket_frame
from core.sim.faults import LAG_S
from core.sim.venue import SimulatedVenue
from tests.sim.wire import DIALECTS, SYMBOLS, Clock, dialled, hear, hear_quote, read, request, serving

each_venue = pytest.mark.parametrize("name", sorted(DIALECTS))


async def subscribed(connection: ClientConnection, name: str, *symbols: str) -> None:
    """Subscribe, and take the first quote of each symbol."""
    await connection.send(request(name, *symbols))
    first = {(await hear_quote(connection)).symbol for _ in symbols}
    assert first == set(symbols)


async def hung_up(connection: ClientConnection) -> int | None:
    """Return how the venue closed the connection, None for without a goodbye."""
    try:
        while True:
            await connection.recv()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


@each_venue
async def test_a_subscriber_gets_the_current_quote_and_every_later_one_until_it_unsubscribes(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as connection:
        await subscribed(connection, name, *SYMBOLS[:2])
        venue.quotes.publish("BTC/USDT")
        venue.quotes.flush()
        first = await hear_quote(connection)
        assert first.symbol == "BTC/USDT"
        assert 0 < first.bid < first.ask
        await connection.send(request(name, "BTC/USDT", operation="unsubscribe"))
        assert read(await hear(connection)) is None  # its answer
        venue.quotes.publish_all()
        assert (await hear_quote(connection)).symbol == "ETH/USDT"
        assert not venue.quotes.heard_by("BTC/USDT")


@each_venue
async def test_two_clients_are_told_the_same_and_one_may_leave(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as stays:
        async with dialled(venue.url) as leaves:
            await subscribed(stays, name, "BTC/USDT")
            await subscribed(leaves, name, "BTC/USDT")
            again = await hear_quote(stays)  # what the second one was told first
            venue.quotes.publish_all()
            told = [await hear_quote(one) for one in (stays, leaves)]
            assert told[0].sequence == told[1].sequence > again.sequence
        venue.quotes.publish_all()
        assert (await hear_quote(stays)).sequence > told[0].sequence


@each_venue
async def test_sequence_numbers_go_on_over_a_new_connection(name: str) -> None:
    async with serving(name) as venue:
        async with dialled(venue.url) as connection:
            await connection.send(request(name, "BTC/USDT"))
            last = (await hear_quote(connection)).sequence
        async with dialled(venue.url) as connection:
            await connection.send(request(name, "BTC/USDT"))
            assert (await hear_quote(connection)).sequence > last


@each_venue
async def test_an_address_that_the_venue_does_not_have_is_not_found(name: str) -> None:
    async with serving(name) as venue:
        with pytest.raises(InvalidStatus, match="404"):
            await connect(venue.url.rsplit("/", 1)[0] + "/elsewhere", compression=None)


async def test_binance_takes_streams_in_the_address_and_sends_them_bare() -> None:
    async with (
        serving("binance") as venue,
        dialled(venue.url.replace("/stream", "/ws/btcusdt@bookTicker")) as connection,
    ):
        assert list(await hear(connection)) == ["u", "s", "b", "B", "a", "A"]


async def test_binance_hangs_up_on_the_sixth_message_of_a_second() -> None:
    clock = Clock()
    async with serving("binance", clock) as venue, dialled(venue.url) as connection:
        for _ in range(5):
            await connection.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
            await hear(connection)
        clock.now_ns += 10**9
        for _ in range(6):
            await connection.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        assert await hung_up(connection) == 1008


async def test_bybit_delivers_nothing_of_a_message_with_one_bad_topic() -> None:
    async with serving("bybit") as venue, dialled(venue.url) as connection:
        await connection.send(request("bybit", "BTC/USDT", "NOPE/USDT"))
        assert (await hear(connection))["success"] is False
        assert not venue.quotes.heard_by("BTC/USDT")


async def test_bybit_repeats_a_quiet_snapshot_with_the_same_number() -> None:
    clock = Clock()
    async with serving("bybit", clock) as venue, dialled(venue.url) as connection:
        await connection.send(request("bybit", "BTC/USDT"))
        first, ack = await hear(connection), await hear(connection)
        assert ack["success"] is True  # and the data came before it
        clock.now_ns += 2 * 10**9
        await venue.tend()
        clock.now_ns += 10**9
        await venue.tend()
        again = await hear(connection)
        assert again == {**first, "ts": first["ts"] + 3_000}


async def test_okx_hangs_up_after_thirty_quiet_seconds_and_a_ping_is_a_word() -> None:
    clock = Clock()
    async with serving("okx", clock) as venue, dialled(venue.url) as connection, dialled(venue.url) as quiet:
        clock.now_ns += 20 * 10**9
        await connection.send("ping")
        assert await connection.recv() == "pong"
        clock.now_ns += 10 * 10**9
        await asyncio.gather(venue.tend(), hung_up(quiet))
        assert quiet.close_code == 4004
        await connection.send("ping")
        assert await connection.recv() == "pong"


@each_venue
async def test_a_client_that_does_not_read_loses_frames_and_they_are_counted(name: str) -> None:
    async with serving(name) as venue:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(venue.url.split(":")[2].split("/")[0]))
        path = "/" + venue.url.split("/", 3)[3]
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        text = request(name, "BTC/USDT").encode()
        masked = bytes((0x81, 0x80 | 126)) + len(text).to_bytes(2, "big") + b"\0\0\0\0" + text  # masked with zeros
        writer.write(masked)
        await reader.readexactly(10)
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        while not venue.quotes.ticks_dropped:
            for _ in range(200):
                venue.quotes.publish("BTC/USDT")
            venue.quotes.flush()
            await asyncio.sleep(0)
        assert venue.quotes.ticks_sent * 100 > BACKLOG_BYTES
        assert not venue.quotes.heard_by("BTC/USDT")
        writer.transport.abort()


def test_a_long_frame_has_a_longer_header() -> None:
    assert websocket_frame(0x81, b"x" * 125)[:2] == bytes((0x81, 125))
    assert websocket_frame(0x81, b"x" * 126)[:4] == bytes((0x81, 126, 0, 126))


# -- faults


@each_venue
async def test_hanging_up_closes_every_socket_politely_or_not_in_turn_and_turns_newcomers_away(name: str) -> None:
    codes = set()
    async with serving(name) as venue:
        for _ in range(2):
            async with dialled(venue.url) as connection, asyncio.TaskGroup() as failing:
                await subscribed(connection, name, "BTC/USDT")
                failure = failing.create_task(venue.suffer("hang_up", 60))
                codes.add(await hung_up(connection))
                with pytest.raises(InvalidStatus, match="503"):
                    await connect(venue.url, compression=None)
                failure.cancel()
            await venue.recover()
        async with dialled(venue.url) as connection:
            await subscribed(connection, name, "BTC/USDT")
    assert codes == {1001, None}


@each_venue
async def test_a_silent_venue_answers_and_sends_no_data(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as connection:
        await subscribed(connection, name, "BTC/USDT")
        await acknowledged(connection, name)
        await venue.suffer("silence", 0)
        venue.quotes.publish_all()
        await (await connection.ping())
        await connection.send(request(name, "ETH/USDT"))
        assert read(await hear(connection)) is None  # an acknowledgement, and no quote with it
        await venue.recover()
        assert {(await hear_quote(connection)).symbol for _ in range(2)} == {"BTC/USDT", "ETH/USDT"}


async def acknowledged(connection: ClientConnection, name: str) -> None:
    """Take the acknowledgement that Bybit sends after the first data."""
    if name == "bybit":
        assert (await hear(connection))["success"] is True


@each_venue
async def test_a_skip_is_a_jump_ahead(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as connection:
        await connection.send(request(name, "BTC/USDT"))
        before = (await hear_quote(connection)).sequence
        await venue.suffer("skip")
        await venue.recover()
        assert (await hear_quote(connection)).sequence >= before + 10_000


@pytest.mark.parametrize("name", ["bybit", "okx"])
async def test_a_restart_counts_from_the_beginning_on_the_same_socket(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as connection:
        await subscribed(connection, name, "BTC/USDT")
        await venue.suffer("restart")
        await venue.recover()
        sequence = (await hear_quote(connection)).sequence
        assert sequence == 1 if name == "bybit" else sequence < 100


async def test_binance_restarts_with_a_hang_up() -> None:
    async with serving("binance") as venue:
        async with dialled(venue.url) as connection:
            await subscribed(connection, "binance", "BTC/USDT")
            await asyncio.gather(venue.suffer("restart", 0), hung_up(connection))
            await venue.recover()
        async with dialled(venue.url) as connection:
            await connection.send(request("binance", "BTC/USDT"))
            assert (await hear_quote(connection)).sequence < 100


@each_venue
async def test_garbage_comes_between_good_frames_on_a_socket_that_stays(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as connection:
        await subscribed(connection, name, "BTC/USDT")
        async with asyncio.TaskGroup() as failing:
            failure = failing.create_task(venue.suffer("garbage", 60))
            kinds: set[str] = set()
            while kinds != {"binary", "not JSON", "not an object", "NaN", "foreign", "good"}:
                frame = await connection.recv()
                kinds.add(kind := kind_of(frame))
                if kind != "good":
                    venue.quotes.publish("BTC/USDT")
                    venue.quotes.flush()
            failure.cancel()


def kind_of(frame: str | bytes) -> str:
    if isinstance(frame, bytes):
        return "binary"
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return "not JSON"
    if not isinstance(message, dict):
        return "not an object"
    if '"NaN"' in frame:
        return "NaN"
    return "foreign" if "rade" in frame else "good"


@each_venue
async def test_a_crossed_venue_bids_more_than_it_asks_on_all_symbols(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as connection:
        await subscribed(connection, name, *SYMBOLS)
        await venue.suffer("crossed", 0)
        heard = [await hear_quote(connection) for _ in SYMBOLS]
        assert {one.symbol for one in heard} == set(SYMBOLS)
        assert all(one.bid > one.ask for one in heard)
        await venue.recover()
        assert all([(one := await hear_quote(connection)).bid < one.ask for _ in SYMBOLS])


@each_venue
async def test_a_one_sided_venue_offers_nothing_on_one_side(name: str) -> None:
    async with serving(name) as venue, dialled(venue.url) as connection:
        await subscribed(connection, name, *SYMBOLS)
        await venue.suffer("one_sided", 0)
        heard = [await hear_quote(connection) for _ in SYMBOLS]
        assert all((one.bid_size == 0) != (one.ask_size == 0) for one in heard)
        await venue.recover()
        assert all([(one := await hear_quote(connection)).bid_size and one.ask_size for _ in SYMBOLS])


async def test_a_venue_of_another_unit_asks_a_thousandfold_for_one_symbol_and_is_remembered() -> None:
    async with serving("okx") as venue, dialled(venue.url) as connection:
        await subscribed(connection, "okx", *SYMBOLS)
        await venue.suffer("unit", 0)
        heard = {one.symbol: one.bid for one in [await hear_quote(connection) for _ in SYMBOLS]}
        assert heard["BTC/USDT"] > 1_000_000 > heard["ETH/USDT"]
        await venue.recover()
        assert {one.symbol: one.bid < 1_000_000 for one in [await hear_quote(connection) for _ in SYMBOLS]}["BTC/USDT"]
        assert venue.aside == {"BTC/USDT"}


async def test_a_venue_that_lags_sends_everything_in_order_and_later() -> None:
    clock = Clock()
    async with serving("okx", clock) as venue, dialled(venue.url) as connection:
        await subscribed(connection, "okx", *SYMBOLS[:1])
        await venue.suffer("lag", 0)
        before = venue.quotes.ticks_sent
        venue.quotes.publish_all()
        clock.now_ns += int(LAG_S * 1e9) - 1
        venue.quotes.publish_all()
        assert venue.quotes.ticks_sent == before
        clock.now_ns += 1
        venue.quotes.flush()
        assert venue.quotes.ticks_sent == before + 1
        await venue.recover()
        assert venue.quotes.ticks_sent == before + 3
        sequences = [(await hear_quote(connection)).sequence for _ in range(3)]
        assert sequences == sorted(sequences)


@each_venue
async def test_a_refusing_venue_cannot_be_reached_and_comes_back_at_its_address(name: str) -> None:
    async with serving(name) as venue:
        async with dialled(venue.url) as connection:
            await subscribed(connection, name, "BTC/USDT")
            await asyncio.gather(venue.suffer("refuse", 0), hung_up(connection))
            with pytest.raises(ConnectionRefusedError):
                await connect(venue.url, compression=None)
        await venue.recover()
        async with dialled(venue.url) as connection:
            await subscribed(connection, name, "BTC/USDT")


async def test_quotes_count_as_served_again_only_after_the_fault() -> None:
    async with serving("okx") as venue, dialled(venue.url) as connection:
        await subscribed(connection, "okx", "BTC/USDT")
        assert isinstance(venue, SimulatedVenue)
        venue.sicken("skip")
        venue.quotes.publish_all()
        assert venue.quotes.served_ns is None
        venue.heal()
        venue.quotes.publish_all()
        assert venue.quotes.served_ns is not None
