"""The gateway as its desk meets it: a process of its own, killed, stopped, and left alone."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.latency import Latencies
from core.live.hearing import PATIENCE, Patience
from core.live.keys import SIMULATED, fingerprint
from core.live.link import Link, linked
from core.live.wire import Account, Configuration, Gate
from core.sidecar import sidecar
from core.sim.entry.faults import Fault
from tests.live.parts import SYMBOL, entry, order, until


def configuration(folder: Path, *accounts: Account) -> Configuration:
    return Configuration(accounts, (SYMBOL,), Decimal(1000), str(folder))


class Running:
    """A gateway's link with its task, and what a desk would tell it."""

    def __init__(self, link: Link) -> None:
        self.link, self.gate = link, Gate(armed=True, hedges=True)
        self.notices: list[str] = []
        link.watch(lambda: self.gate, Latencies())


@asynccontextmanager
async def running(described: Configuration, patience: Patience = PATIENCE) -> AsyncIterator[Running]:
    async with linked(described, patience) as link, asyncio.TaskGroup() as tasks:
        one = Running(link)
        task = tasks.create_task(link.run(lambda _, text: one.notices.append(text)))
        await until(lambda: not link.why_not("binance"), link.news)
        yield one
        task.cancel()


async def test_a_killed_gateway_is_started_anew_and_tells_what_became_of_what_it_had_in_hand(tmp_path: Path) -> None:
    async with entry("binance") as served, running(configuration(tmp_path, Account("binance", served.url))) as one:
        link, broker = one.link, one.link.brokers["binance"]
        served.next(Fault("hang_after"))
        placed = order("binance")
        placing = asyncio.ensure_future(broker.place(placed))
        await until(lambda: bool(served.accepted(placed.client_id)), served.news)
        os.kill(link.state().pid, signal.SIGKILL)
        assert (await placing).outcome == "unknown"
        assert (await broker.place(order("binance"))).outcome == "not_sent"
        await until(lambda: link.state().health == "up", link.news)
        fate = await broker.ask(placed)
        assert fate is not None
        assert (fate.outcome, fate.filled) == ("filled", placed.size)
        assert await broker.ask(order("binance")) is None
        held = await link.balances("binance")
        assert held == served.books.balances


async def test_no_order_is_handed_to_a_gateway_that_stands_still_until_it_speaks_again(tmp_path: Path) -> None:
    async with entry("binance") as served:
        described = configuration(tmp_path, Account("binance", served.url))
        async with running(described, Patience(silent_s=0.8, lost_s=120)) as one:
            link, broker, pid = one.link, one.link.brokers["binance"], one.link.state().pid
            await until(lambda: not link.trouble and link.state().venues[0].clock_ahead_ms is not None, link.news)
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: link.state().health == "silent", link.news)
            state = link.state()
            assert state.why.startswith("silent for ")
            assert [venue.clock_ahead_ms for venue in state.venues] == [None]
            assert link.trouble == "the order gateway is silent: no order is handed to it until it speaks"
            assert link.why_not("binance") == link.why_not_any() == "the order gateway is silent"
            fate = await broker.place(order("binance"))
            assert (fate.outcome, fate.why) == ("not_sent", "the order gateway is silent")
            os.kill(pid, signal.SIGCONT)
            await until(lambda: not link.why_not("binance"), link.news)
            assert (link.state().health, link.trouble) == ("up", "")
            assert (await broker.place(order("binance"))).outcome == "filled"
            assert len(served.arrivals) == 1
            assert (link.state().pid, link.state().starts) == (pid, 1)


async def test_a_gateway_that_goes_on_standing_still_is_ended_and_another_one_takes_its_place(tmp_path: Path) -> None:
    async with entry("binance") as served:
        described = configuration(tmp_path, Account("binance", served.url))
        async with running(described, Patience(silent_s=0.8, lost_s=0.8)) as one:
            link, pid = one.link, one.link.state().pid
            served.next(*[Fault("server_error")] * 20, kind="read")  # a key that was harmless may come back anyway
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: link.state().health == "up" and link.state().pid != pid, link.news)
            assert served.faults["server_error"] >= 1
            assert any(text.startswith("the order gateway is ended: silent for ") for text in one.notices)


async def test_what_waits_in_a_stopped_gateway_is_too_late_when_it_goes_on(tmp_path: Path) -> None:
    async with entry("binance") as served, running(configuration(tmp_path, Account("binance", served.url))) as one:
        broker, pid = one.link.brokers["binance"], one.link.state().pid
        first = await broker.place(order("binance", lives_s=20))
        os.kill(pid, signal.SIGSTOP)
        late = order("binance", lives_s=0.25)
        placing = asyncio.ensure_future(broker.place(late))
        while (left_s := (late.deadline_ns - time.time_ns()) / 1e9) >= 0:
            said, _ = await asyncio.wait([placing], timeout=left_s + 0.001)
            assert not said  # it stands still
        os.kill(pid, signal.SIGCONT)
        assert (first.outcome, (await placing).outcome) == ("filled", "not_sent")
        assert len(served.arrivals) == 1


async def test_the_gateway_holds_its_own_gate_and_its_account_for_itself(tmp_path: Path) -> None:
    async with entry("binance") as served, running(configuration(tmp_path, Account("binance", served.url))) as one:
        broker = one.link.brokers["binance"]
        one.gate = Gate(armed=False, hedges=True)
        disarmed = await broker.place(order("binance"))
        assert (disarmed.outcome, disarmed.why) == ("not_sent", "the gateway: the desk is not armed")
        assert (await broker.place(order("binance", role="h"))).outcome == "filled"
        one.gate = Gate(armed=True, hedges=True)
        assert (await broker.place(order("binance"))).outcome == "filled"
        with pytest.raises(ConfigurationError, match="Another desk trades on this account of binance"):
            async with linked(configuration(tmp_path, Account("binance", served.url))):
                pass
        assert one.link.fingerprints == {"binance": fingerprint(Account("binance", served.url), SIMULATED)}
        assert fingerprint(Account("binance", sandbox=True), SIMULATED) not in one.link.fingerprints.values()
        assert SIMULATED.key not in one.link.fingerprints["binance"]


def test_the_gateway_says_in_one_line_what_key_it_misses_and_never_loads_ccxt_for_that(tmp_path: Path) -> None:
    line = (
        f'{{"accounts": [{{"venue": "okx"}}], "symbols": [], "max_order_notional": "1", "locks": "{tmp_path}"}}\n'
    ).encode()
    env = {name: value for name, value in os.environ.items() if not name.startswith("ARBDESK_")}
    env["XDG_CONFIG_HOME"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "core.live"], input=line, capture_output=True, timeout=60, env=env,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout.startswith(b'{"type":"refused"')
    assert done.stdout.count(b"\n") == 1
    assert b"ARBDESK_OKX_KEY" in done.stdout
    assert b"ccxt" not in done.stderr


async def test_no_other_child_gets_the_venues_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARBDESK_BINANCE_SECRET", "s")
    monkeypatch.setenv("ARBDESK_OKX_PASSPHRASE", "p")
    held = []
    for keys in (False, True):
        async with sidecar("simulated market", "core.sim", keys=keys) as child:
            await child.receive()
            held.append(_knows(child.pid, "ARBDESK_BINANCE_SECRET"))
    assert held == [False, True]


def test_a_desk_on_paper_imports_neither_ccxt_nor_aiohttp() -> None:
    code = "import sys, console.cli, console.app, console.headless, core.engine, core.drill.crash; " \
           "sys.exit(bool({'ccxt', 'aiohttp'} & set(sys.modules)))"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_the_gateway_ends_with_a_desk_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from core.live.link import linked\n"
        "from core.live.wire import Account, Configuration\n"
        "async def main():\n"
        f"    account, folder = Account('upbit', 'http://127.0.0.1:9'), {str(tmp_path)!r}\n"
        "    async with linked(Configuration((account,), (), 1, folder)) as link:\n"
        "        print(link.state().pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as desk:
        assert desk.stdout is not None
        gateway = int(desk.stdout.readline())
        assert _runs(gateway)
        desk.kill()
    _wait_for_the_end_of(gateway)


def _knows(pid: int, name: str) -> bool:
    return name in Path(f"/proc/{pid}/environ").read_text()


def _wait_for_the_end_of(pid: int) -> None:
    """Wait for a process that is nobody's child here."""
    with contextlib.suppress(ProcessLookupError), os.fdopen(os.pidfd_open(pid)) as handle:
        ended, _, _ = select.select([handle], [], [], 30)
        assert ended


def _runs(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
