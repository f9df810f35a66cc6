"""Answers that look like something else, each through the real ccxt: what they would cost if they were believed."""

import asyncio
import socket
import sys
import time
from contextlib import ExitStack
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request

from core.live.library import exchange_class
from core.live.venues import LEAVING, HeldBack, Leaving, VenueFailure
from core.live.wire import Gate
from core.sim.entry.dialect import hmac_sha256
from core.sim.entry.faults import Fault, FaultKind
from tests.live.parts import VENUES, entry, exchange, open_gate, order, seat


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("kind", ["html", "html_before", "empty", "no_id"])
async def test_a_200_that_names_no_order_is_unknown_and_no_success(venue: str, kind: FaultKind) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        served.next(Fault(kind))
        assert (await (await seat(speaking)).place(1, order(venue))).outcome == "unknown"


@pytest.mark.parametrize("venue", VENUES)
async def test_an_answer_that_breaks_off_is_unknown_and_no_refusal(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        served.next(Fault("half_body"))
        placed = order(venue)
        assert (await (await seat(speaking)).place(1, placed)).outcome == "unknown"
        assert len(served.accepted(placed.client_id)) == 1


@pytest.mark.parametrize("kind", ["code", "code_after"])
async def test_bybit_170146_order_creation_timeout_is_unknown(kind: FaultKind) -> None:
    async with entry("bybit") as served, exchange("bybit", served.url) as speaking:
        served.next(Fault(kind, "170146"))
        assert (await (await seat(speaking)).place(1, order("bybit"))).outcome == "unknown"


@pytest.mark.parametrize("kind", ["code", "code_after"])
async def test_okx_51149_order_timed_out_is_unknown(kind: FaultKind) -> None:
    async with entry("okx") as served, exchange("okx", served.url) as speaking:
        served.next(Fault(kind, "51149"))
        assert (await (await seat(speaking)).place(1, order("okx"))).outcome == "unknown"


@pytest.mark.parametrize("venue", VENUES)
async def test_duplicate_means_that_the_order_is_there_and_it_is_read_not_booked_as_refused(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        served.next(Fault("duplicate"))
        placed = order(venue)
        told = await (await seat(speaking)).place(1, placed)
        (accepted,) = served.accepted(placed.client_id)
        assert told.outcome == "filled"
        assert [fill.size for fill in told.fills] == [one.size for one in accepted.executions]


async def test_an_order_whose_connection_comes_late_is_never_written() -> None:
    """What a websocket that is still connecting would send a second later, after everybody gave the order up."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # takes a connection or two that nobody accepts; the next one gets no answer
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        leaving = Leaving(order("binance", lives_s=0.25), open_gate().closed)
        async with exchange("binance", f"http://127.0.0.1:{full.getsockname()[1]}") as speaking:
            token = LEAVING.set(leaving)
            with pytest.raises(HeldBack):
                await speaking.call("privatePostOrder", {"newClientOrderId": leaving.order.client_id})
            LEAVING.reset(token)
        assert (leaving.left_ns, leaving.why) == (0, "no connection before its deadline")


async def test_a_websocket_order_leaves_after_everybody_gave_it_up_which_is_why_none_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The trap itself, in the library as it is installed: should it be gone one day, this fails and says so."""
    given_up, frames = asyncio.Event(), asyncio.Queue[str | bytes]()

    async def slowly(_connection: ServerConnection, _request: Request) -> None:
        await given_up.wait()

    async def listen(connection: ServerConnection) -> None:
        await frames.put(await connection.recv())

    async with serve(listen, "127.0.0.1", 0, process_request=slowly) as server, asyncio.timeout(30):
        speaking = _websocket_binance(monkeypatch, f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await speaking.create_order_ws("BTC/USDT", "limit", "buy", 0.01, 60_000, {"timeInForce": "IOC"})
            assert frames.empty()
            given_up.set()
            assert orjson.loads(await frames.get())["method"] == "order.place"
        finally:
            await speaking.close()


def _websocket_binance(monkeypatch: pytest.MonkeyPatch, url: str) -> Any:
    """Return ccxt's client with websockets, for one market, without loading the other hundred venues."""
    base = exchange_class("binance")
    package = ModuleType("ccxt.pro")
    package.__path__ = [str(Path(str(sys.modules[base.__module__].__file__)).parents[1] / "pro")]
    monkeypatch.setitem(sys.modules, "ccxt.pro", package)
    monkeypatch.setattr(sys.modules["ccxt.async_support"], "binance", base)
    speaking = import_module("ccxt.pro.binance").binance({"apiKey": "k", "secret": "s", "enableRateLimit": False})
    speaking.urls["api"]["ws"]["ws-api"]["spot"] = url
    lattice = {"precision": {"amount": 1e-5, "price": 0.01}, "limits": {}, "info": {"orderTypes": ["LIMIT"]}}
    market = {"id": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "type": "spot", "spot": True}
    speaking.set_markets([{**market, **lattice}])
    return speaking


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_is_kept_when_its_deadline_passed_or_the_desk_was_halted_while_it_was_built(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        gate = open_gate()
        at = await seat(speaking, gate)
        late = await at.place(1, order(venue, lives_s=-0.001))
        gate.told = Gate(armed=False, hedges=True)
        disarmed, hedge = await at.place(2, order(venue)), await at.place(3, order(venue, role="h"))
        gate.told = Gate(armed=False, hedges=False)
        halted = await at.place(4, order(venue, role="u"))
        assert [one.outcome for one in (late, disarmed, hedge, halted)] == [
            "not_sent",
            "not_sent",
            "filled",
            "not_sent",
        ]
        assert len(served.arrivals) == 1


async def test_a_full_limiter_refuses_at_once_and_holds_nothing_back_for_later() -> None:
    async with entry("upbit") as served, exchange("upbit", served.url) as speaking:
        at = await seat(speaking, rate=(2, 3_600.0))
        told = [await at.place(number, order("upbit")) for number in range(4)]
        assert [one.outcome for one in told] == ["filled", "filled", "not_sent", "not_sent"]
        assert len(served.arrivals) == 2


@pytest.mark.parametrize("venue", VENUES)
async def test_no_order_of_a_larger_size_of_another_symbol_or_of_a_known_id_leaves(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        at = await seat(speaking)
        placed = order(venue)
        assert (await at.place(1, placed)).outcome == "filled"
        for refused in (placed, order(venue, size=Decimal("0.02")), replace(order(venue), symbol="DOGE/USDT")):
            assert (await at.place(2, refused)).outcome == "not_sent"
        assert len(served.arrivals) == 1


async def test_the_venue_refuses_an_order_that_was_held_up_on_its_way_past_its_deadline() -> None:
    """Its validity window ends with the deadline: what the network or a stopped process delays is too old there."""
    async with entry("binance") as served, exchange("binance", served.url) as speaking:
        placed = order("binance", lives_s=30.0)
        form = {
            "newClientOrderId": placed.client_id,
            "symbol": "BTCUSDT",
            "side": "BUY",
            "price": "60010",
            "quantity": "0.01",
        }
        served.clock_ahead_ms = 1_600  # as if it came so much later
        code = ""
        while not code:
            token = LEAVING.set(Leaving(replace(placed, deadline_ns=time.time_ns() + 1_500_000_000), lambda _, __: ""))
            try:
                code = str(await speaking.call("privatePostOrder", form))
            except VenueFailure as error:
                code = error.failure.code
            except HeldBack:
                continue  # a busy machine was too slow to send it at all
            finally:
                LEAVING.reset(token)
        assert code == "-1021"
        assert served.books.orders == []


def test_the_official_signature_of_binance_is_what_the_simulated_venue_expects() -> None:
    """Source: Binance Spot API documentation, "SIGNED endpoint example for POST /api/v3/order"."""
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    text = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    signature = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert hmac_sha256(secret, text).hexdigest() == signature
