"""What other desks claimed and never ended: whose symbol waits, and what proves that a trade is over."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec.structs import replace

from core.events import Event
from core.execution.journal import ORDER_ENDED, TRADE_ENDED, Journal
from core.execution.orders import Broker, Fate, Order
from core.takeover import Takeover
from core.unended import OVERDUE_S, Intent, Unended
from tests.execution.parts import INSTRUMENTS, NOW, SYMBOL, AnswersWith, Breaks, filled, trade

TRADE = trade()
ACCOUNTS = {"binance": "b1", "okx": "o1"}
LATER = NOW + int(OVERDUE_S * 1e9) + 1


def intent(**more: object) -> Intent:
    ids = tuple(order.client_id for order in TRADE.legs)
    one = Intent(NOW, "gone", "g", "r1", TRADE.trade_id, *TRADE.route, ids, "LIVE", TRADE.legs, ACCOUNTS)
    return replace(one, **more)


def event(what: str, about: str, **data: object) -> bytes:
    return msgspec.json.encode(Event(NOW, "gone", "LIVE", "r1", 1, "desk", what, about, data))


def ended(how: str) -> bytes:
    return event(TRADE_ENDED, TRADE.trade_id, how=how)


def order_ended(fate: Fate) -> bytes:
    told = {"outcome": fate.outcome, "fills": fate.fills, "why": fate.why}
    return event(ORDER_ENDED, fate.order.client_id, trade_id=TRADE.trade_id, venue=fate.order.venue, fate=told)


def heard(*records: bytes, group: str | None = "g", mode: str | None = "LIVE") -> Unended:
    unended = Unended(group, mode)
    for record in records:
        unended.hear(record)
    return unended


CLAIM = msgspec.json.encode(intent())


def test_a_claimed_symbol_waits_for_the_proven_end_of_its_trade_however_long_ago_it_was_claimed() -> None:
    strange = (b"{", b' ended"', b'{"type":"intent"}', ended("sideways"))
    for records in ((CLAIM,), (CLAIM, ended("manual")), (CLAIM, *strange)):
        unended = heard(*records)
        assert unended.of(SYMBOL) == intent()
        assert unended.of(SYMBOL, but_not="r1") is unended.of("ETH/USDT") is None
        assert unended.overdue(LATER - 2) == ()
        assert unended.overdue(LATER) == (intent(),)
    for how in ("flat", "dust", "signed"):
        assert heard(CLAIM, ended("manual"), ended(how)).of(SYMBOL) is None


def test_a_claim_that_arrives_after_the_end_of_its_trade_holds_nothing_up() -> None:
    assert len(heard(ended("flat"), CLAIM)) == 0


def test_claims_of_another_group_or_mode_are_nobodys_business_but_the_operators() -> None:
    assert len(heard(CLAIM, group="h")) == len(heard(CLAIM, mode="PAPER")) == 0
    assert len(heard(CLAIM, group=None, mode=None)) == 1


def test_a_claim_is_told_with_what_is_known_of_its_orders() -> None:
    unended = heard(CLAIM, order_ended(filled(TRADE.buy)), order_ended(Fate(TRADE.sell, "unknown", why="no answer")))
    assert unended.line(intent()) == (
        f"2027-01-15 08:00:00Z {TRADE.trade_id} BTC/USDT, buy 0.0165 on binance: filled, sell 0.0165 on okx: not known;"
        " gone of g has not said its end"
    )
    unended.hear(ended("manual"))
    assert "gone of g gave it to a person, who has not signed it" in unended.line(intent())


@dataclass
class Heir:
    """A desk that took the symbol over, and what it told the others."""

    takeover: Takeover
    unended: Unended
    journal: Journal
    told: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def ends(self) -> list[tuple[str, object]]:
        return [(about, data["how"]) for what, about, data in self.told if what == TRADE_ENDED]

    def fates(self) -> list[str]:
        return [about for what, about, _ in self.told if what == ORDER_ENDED]


async def at_once(_s: float) -> None:
    pass


@asynccontextmanager
async def heir(
    path: Path, brokers: Mapping[str, Broker], *records: bytes, accounts: Mapping[str, str] = ACCOUNTS
) -> AsyncIterator[Heir]:
    told: list[tuple[str, str, Mapping[str, object]]] = []

    def tell(what: str, _who: str, about: str, data: Mapping[str, object]) -> None:
        told.append((what, about, data))

    notices: list[str] = []
    async with Journal.open(path / "journal.sqlite", mode="live", run_id="heir") as journal:
        journal.listener = tell
        unended = heard(CLAIM, *records)
        takeover = Takeover(
            *(unended, journal, tell, lambda _level, text: notices.append(text), INSTRUMENTS, brokers),
            lambda: accounts,
            clock_ns=lambda: LATER,
            sleep=at_once,
        )
        yield Heir(takeover, unended, journal, told, notices)


def knows(fill: Callable[[Order], Fate] = filled) -> AnswersWith:
    """Return a venue that has the legs of the trade."""
    venue = AnswersWith(fill)
    venue.orders += TRADE.legs
    return venue


def never_came() -> AnswersWith:
    return AnswersWith(filled)


async def test_legs_that_the_venues_know_for_filled_end_the_trade_for_all_workers(tmp_path: Path) -> None:
    async with heir(tmp_path, {"binance": knows(), "okx": knows()}, ended("manual")) as desk:
        await desk.takeover.look()
        assert desk.ends() == [(TRADE.trade_id, "flat")]
        assert desk.fates() == [order.client_id for order in TRADE.legs]
        assert desk.unended.of(SYMBOL) is None
        await desk.takeover.look()
        assert len(desk.told) == 3


async def test_what_an_account_does_not_know_never_came_only_if_it_is_the_account_it_was_sent_from(
    tmp_path: Path,
) -> None:
    brokers = {"binance": never_came(), "okx": never_came()}
    for accounts in ({}, {"binance": "b2", "okx": "o1"}):
        async with heir(tmp_path, brokers, accounts=accounts) as desk:
            await desk.takeover.look()
            assert desk.ends() == []
            assert desk.unended.of(SYMBOL) == intent()
    async with heir(tmp_path, brokers) as desk:
        await desk.takeover.look()
        assert desk.ends() == [(TRADE.trade_id, "flat")]


async def test_legs_that_did_not_come_out_even_are_told_and_wait_for_a_person(tmp_path: Path) -> None:
    async with heir(tmp_path, {"binance": knows(), "okx": never_came()}) as desk:
        await desk.takeover.look()
        assert desk.fates() == [order.client_id for order in TRADE.legs]
        assert desk.ends() == []
        assert [one.trade_id for one in desk.unended.overdue(LATER)] == [TRADE.trade_id]


async def test_on_paper_nobody_is_asked_and_only_what_was_told_counts(tmp_path: Path) -> None:
    async with heir(tmp_path, {}, accounts={}) as desk:
        await desk.takeover.look()
        assert desk.told == []
        for order in TRADE.legs:
            desk.unended.hear(order_ended(filled(order)))
        await desk.takeover.look()
        assert desk.ends() == [(TRADE.trade_id, "flat")]


async def test_a_fee_in_the_coin_leaves_dust_or_something_that_had_to_be_hedged(tmp_path: Path) -> None:
    for part, ends in (("0.00001", [(TRADE.trade_id, "dust")]), ("0.001", [])):
        sold = filled(TRADE.sell, size=TRADE.sell.size - Decimal(part))
        async with heir(tmp_path, {}, order_ended(filled(TRADE.buy)), order_ended(sold)) as desk:
            await desk.takeover.look()
            assert desk.ends() == ends


async def test_a_venue_that_cannot_be_asked_proves_nothing(tmp_path: Path) -> None:
    async with heir(tmp_path, {"binance": knows(), "okx": Breaks()}) as desk:
        await desk.takeover.look()
        assert (desk.ends(), desk.fates()) == ([], [TRADE.buy.client_id])


async def test_the_end_of_a_trade_of_its_own_that_was_not_heard_is_told_again(tmp_path: Path) -> None:
    async with heir(tmp_path, {}, accounts={}) as desk:
        await desk.journal.intend(TRADE)
        await desk.takeover.look()
        assert desk.ends() == []  # open here, too: recovery has it in hand
        desk.journal.end(TRADE.trade_id, "flat")
        desk.told.clear()
        await desk.takeover.look()
        assert desk.ends() == [(TRADE.trade_id, "flat")]
