"""What venues list: asked over HTTP, kept on disk, and what of a desk's symbols is then asked for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from core.errors import BadFrame
from core.feeds.catalogue import dialect
from core.feeds.listings import Held, Shelf, ask_venue, keep_fresh, on_the_shelf, wanted
from core.feeds.rest import ask
from core.feeds.venue import Call
from core.instruments import Instruments, Listing
from tests.feeds.samples import dumped
from tests.feeds.test_reference import ANSWERS

NOW_NS = 1_790_300_000_000_000_000


@asynccontextmanager
async def answering(body: bytes, status: str = "200 OK") -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve `body` over HTTP to whoever asks; yields the address and what was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        asked.append(head.split(b"\r\n")[0] + b" " + await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with asyncio.timeout(60), server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/list", asked


async def test_a_venue_is_asked_and_its_answer_kept_with_its_time(tmp_path: Path) -> None:
    async with answering(dumped(ANSWERS["kraken"][0])) as (url, asked):
        held = await ask_venue("kraken", NOW_NS, Call(url))
    assert asked == [b"GET /list HTTP/1.1 "]
    assert held == Held("kraken", NOW_NS, tuple(ANSWERS["kraken"][1]))
    shelf = Shelf(tmp_path / "instruments")
    shelf.keep(held)
    assert shelf.take("kraken") == held
    assert on_the_shelf(Shelf(tmp_path / "instruments"), ["kraken", "okx"]) == {"kraken": held}
    assert [one.symbol for one in held.instruments()] == ["BTC/USD"]


async def test_a_desk_asks_once_a_day_and_learns_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, known = Shelf(tmp_path), Instruments([], {})
    kept = Held("gate", time.time_ns(), (Listing("X/Y", "X_Y", True),))
    shelf.keep(kept)
    learned = asyncio.Event()

    def learn(held: Held) -> None:
        known.learn_all(held.instruments())
        learned.set()

    async with answering(dumped(ANSWERS["okx"][0])) as (url, asked):
        monkeypatch.setattr(dialect("okx"), "catalogue", Call(url))
        running = asyncio.create_task(keep_fresh(["okx", "gate"], shelf, learn))
        await learned.wait()
        running.cancel()
        await asyncio.wait([running])
    assert len(asked) == 1
    assert known.find("okx", "BTC/USDT") is not None
    assert known.version == 1
    assert shelf.take("gate") == kept  # its answer was fresh enough


async def test_a_question_with_a_body_is_posted() -> None:
    async with answering(dumped(ANSWERS["hyperliquid"][0])) as (url, asked):
        held = await ask_venue("hyperliquid", NOW_NS, Call(url, b'{"type":"spotMeta"}'))
    assert asked == [b'POST /list HTTP/1.1 {"type":"spotMeta"}']
    assert held.natives()["UBTC/USDC"] == "@142"


async def test_trouble_with_the_venue_is_an_error_of_the_network() -> None:
    async with answering(b"banned", "418 I'm a teapot") as (url, _):
        with pytest.raises(OSError, match="418"):
            await ask(Call(url))
    with pytest.raises(OSError, match="refused"):
        await ask(Call(url))
    for strange in ("ftp://127.0.0.1/x", "http://example.invalid/x"):
        with pytest.raises(OSError, match="not https"):
            await ask(Call(strange))
    async with answering(b"<html>maintenance</html>") as (url, _):
        with pytest.raises(BadFrame, match="no_catalogue"):
            await ask_venue("okx", NOW_NS, Call(url))


def test_a_file_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    (tmp_path / "okx.json").write_text("{")
    (tmp_path / "gate.json").write_bytes(b'{"venue":"bitget","asked_ns":1,"listings":[]}')
    assert shelf.take("okx") is None
    assert shelf.take("gate") is None
    assert shelf.take("bybit") is None


def test_only_what_a_venue_lists_is_asked_for_under_its_own_name() -> None:
    held = Held("hyperliquid", NOW_NS, (Listing("UBTC/USDC", "@142", True),))
    asked = wanted("hyperliquid", ["UBTC/USDC", "BTC/USDT"], held)
    assert (asked.symbols, asked.left_out) == (("UBTC/USDC",), "not listed there: BTC/USDT")
    assert '"coin":"@142"' in "".join(dialect("hyperliquid")(asked.symbols, asked.natives).subscribe())


def test_where_one_wrong_name_ends_the_connection_nothing_is_guessed() -> None:
    asked = wanted("hyperliquid", ["BTC/USDT"], None)
    assert asked.symbols == ()
    assert "arbdesk instruments hyperliquid" in asked.left_out
    assert wanted("hyperliquid", ["BTC/USDT"], None, at_hand=True).symbols == ("BTC/USDT",)
    assert wanted("okx", ["BTC/USDT"], None).symbols == ("BTC/USDT",)
