"""The error table: every row of every venue ends in its class, through the real ccxt against the simulated venues."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

import pytest

from core.live.keys import SIMULATED, Keys
from core.live.venues import Exchange, VenueFailure
from core.live.wire import Told
from core.sim.entry.faults import KINDS, Fault, FaultKind
from core.sim.entry.venue import OrderEntry
from tests.live.parts import VENUES, Book, entry, exchange, order, seat, until

SILENT = {"hang_before", "hang_after", "late"}
# fault, outcome, how often the venue has the order
Row = tuple[Fault, str, int]


def rows(outcome: str, executed: int, *kinds: FaultKind) -> list[Row]:
    return [(Fault(kind), outcome, executed) for kind in kinds]


def codes(outcome: str, executed: int, kind: FaultKind, *names: str) -> list[Row]:
    return [(Fault(kind, name), outcome, executed) for name in names]


COMMON = [
    *rows("unknown", 0, "drop_before", "html_before", "server_error", "hang_before"),
    *rows(
        "unknown", 1, "drop_after", "half_body", "html", "empty", "no_id", "server_error_after", "hang_after", "late"
    ),
    *rows("filled", 1, "slow", "duplicate"),
    *rows("partly_filled", 1, "partial"),
    *rows("rejected", 0, "rate_limit"),
]
DOUBTFUL = {
    "binance": ("-1000", "-1001", "-1006", "-1007"),
    "bybit": ("10000", "10016", "170007", "170032", "170146"),
    "okx": ("50004", "50026", "51149"),
    "upbit": ("a_name_nobody_knows", "server_error"),
}
REFUSED = {
    "binance": ("-1013", "-1021", "-1022", "-1100", "-1121", "-2010", "-2014", "-2015"),
    "bybit": ("10002", "10003", "10004", "10006", "170121", "170124", "170131", "170134", "170137", "170140"),
    "okx": ("50011", "50102", "50111", "50113", "51000", "51001", "51008", "51020", "51121"),
    "upbit": ("under_min_total_bid", "invalid_price_bid", "too_many_requests", "no_authorization_ip",
              "insufficient_funds_bid", "invalid_access_key", "jwt_verification"),
}  # fmt: skip
EXISTS = {"binance": (), "bybit": ("170141", "110072"), "okx": ("51016",), "upbit": ()}


def table(venue: str) -> list[Row]:
    return [
        *COMMON,
        *codes("unknown", 0, "code", *DOUBTFUL[venue]),
        *codes("unknown", 1, "code_after", *DOUBTFUL[venue]),
        *codes("rejected", 0, "code", *REFUSED[venue]),
        *codes("filled", 1, "code_after", *EXISTS[venue]),
    ]


async def test_every_row_of_the_error_table_ends_in_its_class_and_the_venue_can_be_asked_about_it() -> None:
    wrong = await asyncio.gather(*(_check_table(venue) for venue in VENUES))
    assert [one for rows_of_venue in wrong for one in rows_of_venue] == []


async def _check_table(venue: str) -> list[tuple[object, ...]]:
    """Return the rows of `venue` that ended otherwise."""
    async with (
        entry(venue) as served,
        exchange(venue, served.url, timeout_ms=20_000) as speaking,
        exchange(venue, served.url, timeout_ms=1_000) as hasty,
    ):
        checks = []
        for row in table(venue):
            check = asyncio.create_task(_check(row, served, hasty if row[0].kind in SILENT else speaking))
            checks.append(check)
            if row[0].kind in SILENT:  # no answer will come: it need not be waited for before the next
                await until(partial(_met, served, row[0]), served.news)
            else:
                await check
        return [found for found in await asyncio.gather(*checks) if found]


def _met(served: OrderEntry, fault: Fault) -> bool:
    return bool(served.faults[fault.kind])


async def _check(row: Row, served: OrderEntry, speaking: Exchange) -> tuple[object, ...]:
    fault, outcome, executed = row
    at = await seat(speaking)  # a new one: an earlier refusal may have made it rest
    placed = order(served.name)
    served.next(fault)
    told = await at.place(1, placed)
    if fault.kind == "late":
        await until(lambda: bool(served.accepted(placed.client_id)), served.news)
    asks = await seat(speaking)  # a venue that had too many requests is asked nothing for a while
    while (asked := await asks.ask(2, placed)).failed:
        pass  # a busy machine may be too slow for the first one
    if told.outcome == outcome and _agrees(served, placed.client_id, executed, told, asked):
        return ()
    return served.name, fault, told.outcome, told.why, asked.outcome, len(served.accepted(placed.client_id))


def _agrees(served: OrderEntry, client_id: str, executed: int, told: Told, asked: Told) -> bool:
    accepted = served.accepted(client_id)
    if len(accepted) != executed:
        return False
    if not accepted:
        return asked.outcome is None
    fills = [(one.price, one.size) for one in accepted[0].executions]
    fees = sum(one.fee for one in accepted[0].executions)
    told_fills: Sequence[Told] = [asked] if told.outcome == "unknown" else [asked, told]
    return all(
        [(one.price, one.size) for one in answer.fills] == fills and sum(one.fee for one in answer.fills) == fees
        for answer in told_fills
    )


@pytest.mark.parametrize("venue", VENUES)
async def test_an_order_that_finds_no_price_is_rejected_and_one_beyond_the_lattice_refused(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        at = await seat(speaking)
        assert (await at.place(1, order(venue, price="59000"))).outcome == "rejected"
        assert (await at.place(2, order(venue, price="60010.05"))).outcome == "rejected"
        assert len(served.books.orders) == 1


@pytest.mark.parametrize("venue", VENUES)
async def test_a_sell_fills_and_its_fee_is_in_the_quote_currency(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        at = await seat(speaking)
        before = (await at.count(1)).amounts
        told = await at.place(2, order(venue, side="sell"))
        after = (await at.count(3)).amounts
        assert (told.outcome, {fill.fee_currency for fill in told.fills}) == ("filled", {"USDT"})
        earned = sum(fill.price * fill.size - fill.fee for fill in told.fills)
        assert after["USDT"] - before["USDT"] == earned
        assert before["BTC"] - after["BTC"] == sum(fill.size for fill in told.fills)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("wrong", [Keys("other", "simulated-secret", "simulated-passphrase"),
                                   Keys("simulated-key", "other", "simulated-passphrase")])  # fmt: skip
async def test_a_wrong_key_or_signature_is_refused_and_after_three_no_order_leaves(venue: str, wrong: Keys) -> None:
    async with entry(venue) as served, exchange(venue, served.url, wrong) as speaking:
        at = await seat(speaking)
        told = [await at.place(number, order(venue)) for number in range(4)]
        assert [one.outcome for one in told] == ["rejected"] * 3 + ["not_sent"]
        assert "key" in told[3].why
        assert len(served.arrivals) == 3
        assert served.books.orders == []


@pytest.mark.parametrize("venue", ["binance", "bybit", "okx"])
async def test_a_venue_whose_clock_is_elsewhere_is_measured_and_one_too_far_off_gets_no_order(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        served.clock_ahead_ms = -400
        assert (await (await seat(speaking)).place(1, order(venue))).outcome == "filled"
        served.clock_ahead_ms = 900
        told = await (await seat(speaking)).place(2, order(venue))
        assert (told.outcome, "ms apart" in told.why) == ("not_sent", True)


@pytest.mark.parametrize("venue", VENUES)
async def test_what_signed_a_question_stands_in_no_reason(venue: str) -> None:
    async with entry(venue, Book()) as served, exchange(venue, served.url, timeout_ms=200) as speaking:
        at = await seat(speaking)
        for kind in ("hang_before", "server_error", "half_body", "drop_before"):
            served.next(*[Fault(kind)] * (2 if kind == "drop_before" else 1), kind="read")  # a question is asked again
            why = (await at.ask(1, order(venue))).why
            assert why
            assert "signature" not in why
            assert SIMULATED.key not in why


async def test_a_failure_without_its_signature_is_brief() -> None:
    async with entry("binance") as served, exchange("binance", served.url) as speaking:
        served.next(Fault("server_error"), kind="read")
        with pytest.raises(VenueFailure) as failed:
            await speaking.call("privateGetAccount", {})
        assert "signature" in failed.value.failure.text
        assert "signature" not in str(failed.value)


@pytest.mark.parametrize("venue", VENUES)
async def test_a_venue_that_had_too_many_requests_hears_nothing_for_a_while(venue: str) -> None:
    async with entry(venue) as served, exchange(venue, served.url) as speaking:
        at = await seat(speaking)
        served.next(Fault("rate_limit"))
        assert (await at.place(1, order(venue))).outcome == "rejected"
        await at.ping()
        told = await at.place(2, order(venue))
        assert (told.outcome, (await at.ask(3, order(venue))).failed) == ("not_sent", True)
        assert "too many requests" in told.why
        assert "too many requests" in (await at.count(4)).why
        assert len(served.arrivals) == 1


@pytest.mark.parametrize("venue", VENUES)
async def test_no_secret_is_in_a_log_at_debug_or_in_an_answer_whatever_fails(
    venue: str, caplog: pytest.LogCaptureFixture
) -> None:
    keys = Keys("key-5c1d2a", "secret-77ab09", "phrase-e10b44")
    said: list[object] = []
    with caplog.at_level(logging.DEBUG):
        async with entry(venue, keys=keys) as served, exchange(venue, served.url, keys) as speaking:
            for kind in KINDS:
                if kind not in (*SILENT, "slow"):
                    served.next(Fault(kind, "10016"))
                    at = await seat(speaking)
                    said += [await at.place(1, order(venue)), await at.ask(2, order(venue)), await at.count(3)]
                    said.append(at.standing())
        assert served.books.orders
        heard = caplog.text + repr(said) + repr(keys)
    assert "77ab09" not in heard
    assert "5c1d2a" not in heard
    assert "e10b44" not in heard
    assert "ignature=" not in heard
