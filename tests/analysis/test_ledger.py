"""The books of what models cost: exact, within the caps whoever asks at once, and the same after any end."""

import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.analysis.ledger import DAY_S, HOUR_S, Call, Caps, Ended, Ledger, OverCap, ledger
from core.analysis.prices import Price, Usage, dollars
from core.errors import LedgerError

NOON_S = 1_790_000_000 // DAY_S * DAY_S + 12 * HOUR_S
CALL = Call("deepseek-v3.2", "anomaly", "BTC/USDT okx")
OK = Ended("ok")


@contextlib.contextmanager
def books(tmp_path: Path, caps: Caps, now_s: float = NOON_S) -> Iterator[Ledger]:
    with ledger(tmp_path / "models.sqlite", caps, clock_s=lambda: now_s) as opened:
        yield opened


async def test_ten_thousand_calls_at_once_never_pass_a_cap(tmp_path: Path) -> None:
    caps, spent, most, ended = Caps(400_000, 10**9), 0, 0, 0
    turn = asyncio.Semaphore(1_000)

    async def one(number: int, held: Ledger) -> int:
        nonlocal most, ended
        async with turn:
            try:
                line = held.reserve(CALL, 300 + number % 700)
            except OverCap:
                return 0
            most = max(most, held.spent().hour)
            for _ in range(number % 5):
                await asyncio.sleep(0)  # others come between
            charged = number % 300
            held.settle(line, charged, OK)
            ended += 1
            return charged

    with books(tmp_path, caps) as held:
        spent = sum(await asyncio.gather(*(one(number, held) for number in range(10_000))))
        assert held.spent().hour == held.spent().day == spent
    assert most <= caps.hour
    assert most > caps.hour - 1_000  # the cap was met, or this proves nothing
    assert 500 < ended < 10_000


class Books(RuleBasedStateMachine):
    """Reserves, settlements, restarts and the passing of time, in any order, beside sums made by hand."""

    caps = Caps(1_000, 2_500)

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.now_s = float(NOON_S)
        self.lines: dict[int, list[int]] = {}  # number -> hour, what counts for it
        self.held: dict[int, int] = {}
        self.open()

    def open(self) -> None:
        self.stack = contextlib.ExitStack()
        path = Path(self.folder.name) / "models.sqlite"
        self.ledger = self.stack.enter_context(ledger(path, self.caps, clock_s=lambda: self.now_s))

    def teardown(self) -> None:
        self.stack.close()
        self.folder.cleanup()

    def counted(self, span_s: int) -> int:
        window = int(self.now_s) // span_s
        return sum(amount for hour_s, amount in self.lines.values() if hour_s // span_s == window)

    @rule(amount=st.integers(0, 700))
    def reserve(self, amount: int) -> None:
        fits = self.counted(HOUR_S) + amount <= self.caps.hour and self.counted(DAY_S) + amount <= self.caps.day
        try:
            line = self.ledger.reserve(CALL, amount)
        except OverCap:
            assert not fits
            return
        assert fits
        self.lines[line] = [int(self.now_s) // HOUR_S * HOUR_S, amount]
        self.held[line] = amount

    @precondition(lambda self: self.lines)
    @rule(data=st.data(), charged=st.integers(-50, 900))
    def settle(self, data: st.DataObject, charged: int) -> None:
        """Any line, also one that is settled already."""
        line = data.draw(st.sampled_from(sorted(self.lines)))
        self.ledger.settle(line, charged, OK)
        if (reserved := self.held.pop(line, None)) is not None:
            self.lines[line][1] = min(max(charged, 0), reserved)

    @rule(passed_s=st.sampled_from([1, 1_200, HOUR_S, 11 * HOUR_S]))
    def wait(self, passed_s: int) -> None:
        self.now_s += passed_s

    @rule()
    def restart(self) -> None:
        """What was held counts as it was reserved."""
        self.stack.close()
        self.held.clear()
        self.open()

    @invariant()
    def sums_agree_and_no_cap_is_passed(self) -> None:
        spent = self.ledger.spent()
        assert (spent.hour, spent.day) == (self.counted(HOUR_S), self.counted(DAY_S))
        assert spent.hour <= self.caps.hour
        assert spent.day <= self.caps.day


Books.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


TestBooks = Books.TestCase


def test_what_a_killed_process_held_is_charged_and_its_caps_hold(tmp_path: Path) -> None:
    async def killed() -> None:
        words = (
            "import sys; from pathlib import Path; from core.analysis.ledger import *; c = Call('m', 'risk', 's')\n"
            f"with ledger(Path(sys.argv[1]), Caps(1000, 1000), clock_s=lambda: {NOON_S}) as held:\n"
            " held.settle(held.reserve(c, 500), 100, Ended('ok')); held.reserve(c, 700)\n"
            " print('held', flush=True); sys.stdin.read()"
        )
        file = str(tmp_path / "models.sqlite")
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", words, file, stdin=pipe, stdout=pipe)
        assert child.stdout is not None
        async with asyncio.timeout(10):
            assert await child.stdout.readline() == b"held\n"
            with pytest.raises(LedgerError, match="another desk has it open"), books(tmp_path, Caps(1, 1)):
                pass
            child.kill()
            assert await child.wait() == -signal.SIGKILL

    asyncio.run(killed())
    with books(tmp_path, Caps(1_000, 1_000)) as held:
        assert held.spent().hour == held.spent().day == 800
        with pytest.raises(OverCap, match="the hour leaves 200"):
            held.reserve(CALL, 201)
        held.settle(held.reserve(CALL, 200), 200, OK)
    with contextlib.closing(sqlite3.connect(tmp_path / "models.sqlite")) as db:
        assert db.execute("SELECT outcome, charged FROM calls ORDER BY id").fetchall() == [
            ("ok", 100),
            ("lost", 700),
            ("ok", 200),
        ]


def test_a_new_hour_is_free_until_the_day_is_full(tmp_path: Path) -> None:
    caps = Caps(1_000, 1_500)
    with books(tmp_path, caps) as held:
        held.settle(held.reserve(CALL, 1_000), 1_000, OK)
        with pytest.raises(OverCap, match="hour"):
            held.reserve(CALL, 1)
    with books(tmp_path, caps, NOON_S + HOUR_S) as held:
        assert (held.spent().hour, held.spent().day) == (0, 1_000)
        with pytest.raises(OverCap) as refused:
            held.reserve(CALL, 501)
        assert (refused.value.window, refused.value.left) == ("day", 500)
        assert held.spent().hour == 0  # a refusal by the day holds nothing of the hour
    with books(tmp_path, caps, NOON_S + DAY_S) as held:
        held.reserve(CALL, 1_000)


def test_a_call_that_ends_in_the_next_hour_is_charged_to_its_own(tmp_path: Path) -> None:
    now_s = [NOON_S + HOUR_S - 1.0]
    with ledger(tmp_path / "models.sqlite", Caps(1_000, 2_000), clock_s=lambda: now_s[0]) as held:
        line = held.reserve(CALL, 900)
        now_s[0] += 2
        held.settle(line, 300, OK)
        assert (held.spent().hour, held.spent().day) == (0, 300)
        assert held.last_hour() == {CALL.model: 300}
        now_s[0] -= 2
        assert held.spent().hour == 300


def test_a_ledger_that_cannot_be_written_or_read_says_so_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "models.sqlite").write_bytes(b"no database, " * 100)
    with pytest.raises(LedgerError, match="Without a ledger no model is asked") as refused, books(tmp_path, Caps(1, 1)):
        pass
    assert "\n" not in str(refused.value)


PRICE = st.decimals(0, 200, places=6)


@given(PRICE, st.none() | PRICE, st.none() | PRICE, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_bill_is_exact_to_the_micro_dollar(
    output: Decimal, fresh: Decimal | None, cached: Decimal | None, used: int, of_cache: int, said: int
) -> None:
    price = Price.per_million(output, fresh, cached)
    dearest = output if fresh is None else fresh
    usage = Usage(used + of_cache, said, of_cache)
    nano = [
        (one * 1000).to_integral_value(ROUND_CEILING) * tokens
        for one, tokens in ((dearest, used), (dearest if cached is None else cached, of_cache), (output, said))
    ]
    assert price.cost(usage) == int((sum(nano, Decimal(0)) / 1000).to_integral_value(ROUND_CEILING))
    assert price.estimate == (fresh is None)
    assert price.cost(usage) <= price.most(usage.input_tokens, usage.output_tokens)


@pytest.mark.parametrize(("output", "micro_usd"), [("0.42", 421), ("8", 8_008), ("15", 15_015), ("2.50", 2_503)])
def test_without_an_input_price_every_token_costs_what_output_costs(output: str, micro_usd: int) -> None:
    assert Price.per_million(Decimal(output)).cost(Usage(900, 101, 300)) == micro_usd


@given(st.integers(0, 10**12))
def test_dollars_lose_nothing(micro: int) -> None:
    assert Decimal(dollars(micro)) * 1_000_000 == micro
