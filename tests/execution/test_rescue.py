from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from core.execution.accounts import Accounts
from core.execution.executor import Executor
from core.execution.hedging import TRIES, Hedge, Rescued, Standing, is_dust, next_hedge
from core.execution.holdings import Holdings
from core.execution.journal import Journal, read_orders
from core.execution.limits import Limits
from core.execution.orders import Broker, Fate, Fill, Order, Refusal, Trade
from core.execution.rescue import Rescue
from core.execution.surroundings import Surroundings
from core.instruments import Instrument, Instruments
from core.latency import Latencies
from core.tick import Tick
from tests.execution.parts import FEES, LIMITS, NOW, SYMBOL, AnswersWith, Book, NeverAnswers, filled, tick, ticks, trade

S = 10**9
INSTRUMENTS = Instruments(
    [
        Instrument(venue, SYMBOL, Decimal(step), Decimal(lot), Decimal(lot), Decimal(5))
        for venue, step, lot in (("binance", "0.01", "0.00001"), ("okx", "0.1", "0.0001"), ("bybit", "0.1", "0.000001"))
    ],
    {**FEES, "bybit": Decimal("0.001")},
)


def rescued(base: str, cash: str, max_loss: str = "5") -> Rescued:
    return Rescued("t", SYMBOL, "binance", "okx", Standing(Decimal(base), Decimal(cash)), Decimal(max_loss))


def hedge(one: Rescued, *quotes: Tick, spendable: Mapping[str, Decimal | None] | None = None) -> Hedge | str:
    by_venue = {quote.exchange_id: quote for quote in quotes}
    return next_hedge(
        one, by_venue, INSTRUMENTS, attempt=1, width_bps=Decimal(3), deadline_ns=NOW + S, spendable=spendable
    )


def test_the_cheapest_of_complete_unwind_and_third_venue_is_taken() -> None:
    long = rescued("0.0165", "-990")
    binance, okx, bybit = (tick(venue, 60000.0, 60001.0) for venue in ("binance", "okx", "bybit"))
    for best, way in (("okx", "complete"), ("binance", "unwind"), ("bybit", "third")):
        quotes = [replace(one, bid_price=60080.0) if one.exchange_id == best else one for one in (binance, okx, bybit)]
        found = hedge(long, *quotes)
        assert isinstance(found, Hedge)
        assert (found.way, found.order.venue, found.order.side) == (way, best, "sell")
        assert found.order.client_id == ("tsu1" if way == "unwind" else "tsh1")


def test_a_hedge_is_never_larger_than_what_is_open_and_on_the_lot() -> None:
    found = hedge(rescued("-0.016549", "990"), tick("okx", 59999.0, 60000.0))
    assert isinstance(found, Hedge)
    assert (found.order.side, found.order.size) == ("buy", Decimal("0.0165"))


def test_the_limit_never_lets_the_trade_lose_more_than_was_approved() -> None:
    bought = rescued("0.01", "-600", "1")  # to be sold for 599 at the least, after the fee
    found = hedge(bought, tick("okx", 59960.0, 59961.0))
    assert isinstance(found, Hedge)
    got = found.order.price * found.order.size * (1 - FEES["okx"])
    assert got - 600 >= -1
    assert hedge(bought, tick("okx", 59940.0, 59941.0)) == "no venue takes it within the loss of 1 that was approved"


def test_what_a_venue_holds_bounds_the_hedge() -> None:
    long = rescued("0.0165", "-990")
    quotes = tick("okx", 60000.0, 60001.0), tick("binance", 59990.0, 59991.0)
    found = hedge(long, *quotes, spendable={"okx": Decimal("0.00001")})
    assert isinstance(found, Hedge)
    assert found.order.venue == "binance"
    found = hedge(long, *quotes, spendable={"okx": Decimal("0.01"), "binance": Decimal(0)})
    assert isinstance(found, Hedge)
    assert (found.order.venue, found.order.size) == ("okx", Decimal("0.01"))


def test_dust_is_what_no_venue_takes() -> None:
    price = Decimal(60000)
    assert is_dust(Decimal("0.00008"), price, SYMBOL, ("binance", "okx", "bybit"), INSTRUMENTS)
    assert not is_dust(Decimal("-0.00009"), price, SYMBOL, ("binance", "okx", "bybit"), INSTRUMENTS)
    assert is_dust(Decimal("0.00009"), price, SYMBOL, ("okx",), INSTRUMENTS)
    assert not is_dust(Decimal("0.00001"), price, SYMBOL, ("elsewhere",), INSTRUMENTS)  # where nobody trades it


class Floor:
    """An executor with its rescue, on a clock that moves when somebody sleeps."""

    def __init__(self, journal: Journal, path: Path, brokers: Mapping[str, Broker]) -> None:
        self.path, self.journal, self.now = path, journal, NOW
        self.book = Book(*ticks(), tick("bybit", 60100.0, 60101.0))
        self.limits = Limits(LIMITS, Accounts(), max_quote_age_ms=10**6)
        self.limits.arm()
        self.meanwhile: Callable[[], None] = lambda: None  # what happens whenever somebody has slept
        self.holdings = Holdings(lambda _venue, _currency: Decimal(10**6), INSTRUMENTS)
        self.executor = Executor(
            self.limits,
            journal,
            brokers,
            Latencies(),
            Accounts(),
            self.book,
            self.clock,
            rescue=lambda executor: Rescue(self.surroundings(executor, brokers)),
            holdings=self.holdings,
        )

    def clock(self) -> int:
        return self.now

    async def sleep(self, span_s: float) -> None:
        self.now += int(span_s * S)
        self.meanwhile()

    def surroundings(self, executor: Executor, brokers: Mapping[str, Broker]) -> Surroundings:
        return Surroundings(
            brokers=brokers,
            instruments=INSTRUMENTS,
            settings=LIMITS,
            quote=self.book,
            max_quote_age_ns=1000 * S,
            clock_ns=self.clock,
            send=executor.hedge,
            account_for=executor.account_for,
            may_hedge=self.limits.may_hedge,
            spendable=self.holdings.spendable,
            sleep=self.sleep,
        )

    @property
    def rescue(self) -> Rescue:
        assert self.executor.rescue is not None
        return self.executor.rescue

    async def take(self, one: Trade) -> None:
        took = await self.executor.take(one, decided_ns=self.now, automatic=True)
        assert not isinstance(took, Refusal), took
        await self.journal.flush()


def rejected(order: Order) -> Fate:
    return Fate(order, "rejected", why="no size within the limit")


def half(order: Order) -> Fate:
    return filled(order, size=order.size / 2)


class Sequence(AnswersWith):
    """A venue that answers each order with the next of some answers."""

    def __init__(self, *answers: Callable[[Order], Fate]) -> None:
        super().__init__(lambda order: self._answers.pop(0)(order))
        self._answers = list(answers)

    def before(self, answer: Callable[[Order], Fate]) -> None:
        self._answers.insert(0, answer)


class LosesTheAnswer(AnswersWith):
    """A venue that executes an order and breaks the connection; asked, it knows."""

    async def place(self, order: Order) -> Fate:
        await super().place(order)
        raise ConnectionResetError("gone")


class NeverHeardOf(NeverAnswers):
    """A venue that orders do not reach."""

    answers: Mapping[str, Fate] = {}

    async def place(self, order: Order) -> Fate:
        self.orders.append(order)
        raise ConnectionResetError("gone")

    async def ask(self, order: Order) -> Fate | None:
        return self.answers.get(order.client_id)


async def floor_taking(tmp_path: Path, one: Trade, **brokers: Broker) -> Floor:
    path = tmp_path / "journal.db"
    async with Journal.open(path, mode="paper", run_id="r1") as journal:
        floor = Floor(journal, path, brokers)
        await floor.take(one)
        return floor


def states(floor: Floor) -> list[tuple[str, str]]:
    return [(record.order.client_id[-3:], record.state) for record in read_orders(floor.path)]


async def test_a_missed_leg_is_hedged_at_once_and_the_trade_ends_even(tmp_path: Path) -> None:
    floor = await floor_taking(
        tmp_path, trade(), binance=AnswersWith(filled), okx=Sequence(rejected, filled), bybit=AnswersWith(filled)
    )
    assert states(floor) == [("be1", "filled"), ("se1", "rejected"), ("sh1", "filled")]
    assert (floor.rescue.exposures(), floor.rescue.dust()) == ((), {})
    assert "USDT" not in floor.rescue.naked.notional()


async def test_a_leg_filled_in_part_is_brought_back_by_hedges_in_the_same_journal(tmp_path: Path) -> None:
    okx = Sequence(half, half, filled)
    floor = await floor_taking(tmp_path, trade(), binance=AnswersWith(filled), okx=okx)
    assert [name for name, _ in states(floor)] == ["be1", "se1", "sh1", "sh2"]
    assert [order.size for order in okx.orders] == [Decimal(text) for text in ("0.0165", "0.0082", "0.0041")]
    assert floor.rescue.exposures() == ()
    assert floor.rescue.dust() == {SYMBOL: Decimal("0.00005")}
    assert floor.executor.in_flight == 0


async def test_an_unanswered_leg_is_asked_about_before_anything_is_hedged(tmp_path: Path) -> None:
    okx = LosesTheAnswer(filled)
    floor = await floor_taking(tmp_path, trade(), binance=AnswersWith(filled), okx=okx)
    assert states(floor) == [("be1", "filled"), ("se1", "filled")]
    assert len(okx.orders) == 1
    assert floor.rescue.exposures() == ()


async def test_an_order_that_never_arrived_is_told_from_one_on_its_way_by_time_and_three_answers(
    tmp_path: Path,
) -> None:
    floor = await floor_taking(tmp_path, trade(), binance=AnswersWith(filled), okx=NeverHeardOf())
    assert floor.now - NOW > 3 * S
    assert states(floor)[1] == ("se1", "not_sent")
    assert states(floor)[2][0] in ("su1", "sh1")


async def test_what_cannot_be_proven_is_a_persons_and_never_hedged(tmp_path: Path) -> None:
    one = trade()

    class Silent(NeverAnswers):
        async def place(self, order: Order) -> Fate:
            raise TimeoutError(order.client_id)

    floor = await floor_taking(tmp_path, one, binance=AnswersWith(filled), okx=Silent())
    assert states(floor) == [("be1", "filled"), ("se1", "unknown")]
    (open_,) = floor.rescue.exposures()
    assert (open_.owner, open_.state, open_.base) == ("person", "manual", one.buy.size)
    assert "not proven within 60 s" in open_.why
    reserved = {(held.venue, held.currency): held.reserved for held in floor.holdings.all()}
    assert reserved["okx", "BTC"] == one.sell.size  # what may have been taken stays set aside
    assert floor.rescue.naked.notional()["USDT"] > 900


async def test_tries_that_bring_nothing_widen_three_times_and_are_a_persons_in_the_end(tmp_path: Path) -> None:
    venue = AnswersWith(rejected)
    floor = await floor_taking(tmp_path, trade(), binance=Sequence(filled, *[rejected] * 9), okx=venue)
    (open_,) = floor.rescue.exposures()
    assert (open_.owner, open_.tries) == ("person", TRIES)
    prices = [order.price for order in venue.orders]
    assert prices[1:] == sorted(prices[1:], reverse=True)
    assert len(set(prices[1:])) == 3  # each a little further


async def test_a_fee_in_coin_leaves_dust_that_is_hedged_when_it_has_become_enough(tmp_path: Path) -> None:
    def in_coin(order: Order) -> Fate:
        fill = Fill(order.price, order.size, order.size / 200, "BTC", NOW)
        return Fate(order, "filled", (fill,), "", NOW, NOW)

    path = tmp_path / "journal.db"
    async with Journal.open(path, mode="paper", run_id="r1") as journal:
        brokers = {"binance": Sequence(in_coin, in_coin, filled), "okx": AnswersWith(filled)}
        floor = Floor(journal, path, brokers)
        await floor.take(trade())
        assert floor.rescue.dust()[SYMBOL] == Decimal("-0.0000825")
        await floor.take(trade())
        await floor.journal.flush()
        assert abs(floor.rescue.dust()[SYMBOL]) < Decimal("0.0001")
        assert states(floor)[-1][0] in ("bhz", "buz")


async def test_a_quote_that_was_taken_is_not_tried_again_until_a_newer_one_came(tmp_path: Path) -> None:
    def half(order: Order) -> Fate:
        floor.book.held.pop(("binance", SYMBOL))  # the way back over the other leg's venue is not to be had
        return replace(filled(order, size=order.size / 2), answered_ns=floor.now + S // 100)

    def fresh_or_nothing(order: Order) -> Fate:
        quote = floor.book("okx", SYMBOL)
        assert quote is not None
        return filled(order) if quote.received_ns > NOW else replace(rejected(order), answered_ns=floor.now)

    path = tmp_path / "journal.db"
    async with Journal.open(path, mode="paper", run_id="r1") as journal:
        floor = Floor(journal, path, {"binance": AnswersWith(filled), "okx": Sequence(half, *[fresh_or_nothing] * 9)})
        floor.book.held.pop(("bybit", SYMBOL))

        def quote() -> None:
            if floor.now > NOW + 4 * S:  # a quiet market: the next quote comes after seconds
                floor.book.put(replace(ticks()[1], received_ns=floor.now, sequence_id=2))

        floor.meanwhile = quote
        await floor.take(trade())
        assert floor.rescue.exposures() == ()
        assert [name for name, _ in states(floor)] == ["be1", "se1", "sh1"]


async def test_a_halt_lets_hedges_go_on_and_a_halt_of_all_does_not(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    for hedges_too, owners in ((False, []), (True, ["person"])):
        path = tmp_path / f"{hedges_too}.db"
        async with Journal.open(path, mode="paper", run_id="r1") as journal:
            okx = Sequence(filled)
            floor = Floor(journal, path, {"binance": AnswersWith(filled), "okx": okx})
            okx.before(partial(halts, floor, hedges_too))
            await floor.take(trade())
            assert [one.owner for one in floor.rescue.exposures()] == owners


def halts(floor: Floor, hedges_too: bool, order: Order) -> Fate:
    floor.limits.halt("a test", hedges_too=hedges_too)
    return rejected(order)


async def test_a_venue_that_does_not_hold_enough_stops_both_legs(tmp_path: Path) -> None:
    path, venue = tmp_path / "journal.db", AnswersWith(filled)
    async with Journal.open(path, mode="paper", run_id="r1") as journal:
        floor = Floor(journal, path, {"binance": venue, "okx": venue})
        floor.holdings.state("okx", "BTC", Decimal("0.0164"))
        refusal = await floor.executor.take(trade(), decided_ns=NOW, automatic=True)
        assert isinstance(refusal, Refusal)
        assert (refusal.reason, venue.orders) == ("inventory", [])


async def test_an_even_trade_is_closed_in_the_journal_and_an_open_one_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with Journal.open(path, mode="paper", run_id="r1") as journal:
        floor = Floor(journal, path, {"binance": AnswersWith(filled), "okx": AnswersWith(filled)})
        await floor.take(trade())
        assert await journal.open_trades() == []
        left = trade()
        await journal.intend(left)
        (found,) = await journal.open_trades()
        assert found[0] == left
        assert [one.state for one in found[1]] == ["intent", "intent"]
