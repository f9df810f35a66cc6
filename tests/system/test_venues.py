"""All venues at once, prices in several currencies, and what a user says about them wrongly."""

import asyncio
import json
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from core.feeds.catalogue import own
from tests.system.desk import DeskProcess, arbdesk

NO_DEPTH = {"bybit", "coinbase", "kraken", "bitfinex", "bithumb", "bitstamp"}


def test_seventeen_simulated_venues_are_traded_on_at_once(tmp_path: Path) -> None:
    arguments = ["demo", "--no-ui", "--for", "3s", "--approval", "auto", "--seed", "7", "--venues", "all"]
    with DeskProcess([*arguments, "--symbols", "30", "--rate", "1500", "--crossings", "3"], tmp_path) as desk:
        summary = desk.summary()
        assert desk.process.returncode == 0
    assert set(summary["ticks"]["by_venue"]) == set(own())
    assert all(summary["ticks"]["by_venue"].values())
    assert summary["ticks"]["rejected"] == 0
    assert summary["truth"]["false"] == 0
    assert summary["routes"] > 0
    depth = summary["depth"]["venues"]
    assert {name for name, told in depth.items() if told.get("books")} == set(own()) - NO_DEPTH
    assert not [name for name, told in depth.items() if told.get("rejected")]
    assert all(depth[name]["why"] for name in NO_DEPTH)


def test_venues_that_cannot_be_simulated_are_told_in_one_line(tmp_path: Path) -> None:
    for venues, words in (("okx,mtgox", "No simulated venue is called 'mtgox'"), ("okx", "a route needs two venues")):
        done = arbdesk("demo", "--no-ui", "--for", "1s", "--venues", venues, home=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_what_is_known_of_venues_and_put_aside_is_listed_without_a_network(tmp_path: Path) -> None:
    done = arbdesk("instruments", "--cached", "kraken", "okx", home=tmp_path)
    assert done.returncode == 0
    assert "12 lattices came with the desk" in done.stdout
    assert arbdesk("identity", home=tmp_path).stdout == "Nothing is put aside.\n"
    done = arbdesk("identity", "--confirm", "okx", "BTC/USDT", home=tmp_path)
    assert (done.returncode, "is not put aside" in done.stderr) == (2, True)


# The desk's own names, and prices that stand still: bid and ask.
PRICES = {
    "KRW-BTC": (92_000_000, 92_000_010),
    "KRW-USDT": (1399.0, 1401.0),
    "USDT-BTC": (64_000, 64_001),
    "USD-USDT": (0.9999, 1.0001),
}


async def quote(beat: asyncio.Condition, connection: ServerConnection) -> None:
    """Speak as Upbit does: the prices of what was asked for, anew at every beat."""
    codes = orjson.loads(await connection.recv())[1]["codes"]
    try:
        while True:
            for code in codes:
                name = code.partition(".")[0]
                bid, ask = PRICES[name]
                unit = {"bid_price": bid, "ask_price": ask, "bid_size": 1, "ask_size": 1}
                book = {"type": "orderbook", "code": name, "timestamp": time.time_ns() // 10**6}
                await connection.send(orjson.dumps({**book, "orderbook_units": [unit]}))
            async with beat:
                await beat.wait()
    except ConnectionClosed:
        pass


async def test_the_premium_of_one_currency_over_another_is_told_at_the_feeds_own_rates(tmp_path: Path) -> None:
    beat = asyncio.Condition()
    async with asyncio.timeout(60), serve(partial(quote, beat), "127.0.0.1", 0, close_timeout=0.1) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/websocket/v1"
        settings = tmp_path / "desk.toml"
        settings.write_text(
            'symbols = ["BTC/KRW", "USDT/KRW", "BTC/USDT", "USDT/USD"]\n'
            'numeraire = "USD"\nstatus_every_s = 0.1\nanalysis.enabled = false\n'
            f'[venues]\nupbit = {{ url = "{url}" }}\nbithumb = {{ url = "{url}", taker_fee_bps = 4 }}\n'
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "console", "run", "--no-ui", "--config", str(settings)),
            env={**os.environ, "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        status: dict[str, Any] = {}
        while len(status.get("rates", ())) < 3 or len(status["cross"]) < 2:
            status = json.loads(await process.stderr.readline()).get("status", {})
            async with beat:
                beat.notify_all()  # it is as fresh as what the desk says
        process.terminate()
        out, _ = await process.communicate()
        async with beat:
            beat.notify_all()  # who waits for it finds that nobody listens any more
    assert process.returncode == 0
    assert set(status["rates"]) == {"USD", "USDT", "KRW"}
    assert status["rates"]["KRW"]["bid"] == pytest.approx(0.9999 / 1401)
    there = [one for one in status["cross"] if one["sell"].endswith("BTC/KRW")]
    assert there[0]["buy"].endswith("BTC/USDT")
    assert there[0]["premium_bps"] == pytest.approx((92_000_005 / 1400 / 64_000.5 - 1) * 1e4, abs=0.1)
    assert there[0]["off"] == []
    assert json.loads(out)["orders"]["sent"] == 0  # it is watched, and not traded
