import itertools

import pytest
from msgspec.structs import replace

from core.execution.orders import Refusal, Trade
from core.execution.tickets import CODES, SHOWN, SHOWN_NS, TicketBoard
from core.latency import Latencies
from core.spreads.route import Route
from tests.execution.parts import LIMITS, NOW, ROUTE, trade

S = 10**9
TTL = int(LIMITS.ticket_ttl_s) * S


def board(capacity: int = 8) -> TicketBoard:
    return TicketBoard(LIMITS, Latencies(), capacity=capacity)


def on(route: Route) -> Trade:
    return replace(trade(), route=route)


ROUTES = [
    Route(f"{base}/USDT", buy, sell) for base in ("BTC", "ETH", "SOL", "XRP", "ADA") for buy, sell in ("ab", "ba")
]


def test_codes_are_two_letters_that_are_apart_on_the_keyboard_and_do_nothing_else() -> None:
    rows = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    beside = {a + b for row in rows for a, b in itertools.pairwise(row)} | {
        "wa",
        "sw",
        "es",
        "hb",
        "jn",
        "cd",
        "ol",
        "km",
    }
    for code in CODES:
        assert len(set(code)) == 2
        assert code.islower()
        assert not set(code) & set("axqzt")
        assert code not in beside
        assert code[::-1] not in beside
    assert len(set(CODES)) == len(CODES) > 200


def test_the_right_code_approves_the_very_trade_with_a_deadline_from_the_approval() -> None:
    latencies = Latencies()
    tickets = TicketBoard(LIMITS, latencies)
    offered = trade()
    ticket = tickets.offer(offered, NOW)
    now = NOW + 5 * S
    approved = tickets.approve(ticket.ticket_id, ticket.code, now)
    assert isinstance(approved, Trade)
    deadline_ns = now + LIMITS.deadline_ms * 10**6
    assert [leg.deadline_ns for leg in approved.legs] == [deadline_ns] * 2
    assert approved == replace(
        offered, buy=replace(offered.buy, deadline_ns=deadline_ns), sell=replace(offered.sell, deadline_ns=deadline_ns)
    )
    assert latencies.read("approve").count == 1
    assert latencies.read("approve").max == pytest.approx(5000, rel=0.01)


def test_a_wrong_code_leaves_the_ticket_open() -> None:
    tickets = board()
    ticket = tickets.offer(trade(), NOW)
    refusal = tickets.approve(ticket.ticket_id, ticket.code[::-1], NOW)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "wrong_code"
    assert isinstance(tickets.approve(ticket.ticket_id, ticket.code, NOW), Trade)


def test_a_ticket_is_approved_once() -> None:
    tickets = board()
    ticket = tickets.offer(trade(), NOW)
    tickets.approve(ticket.ticket_id, ticket.code, NOW)
    again = tickets.approve(ticket.ticket_id, ticket.code, NOW)
    assert isinstance(again, Refusal)
    assert again.reason == "not_open"
    nobody = tickets.approve("ad", "bn", NOW)
    assert isinstance(nobody, Refusal)
    assert nobody.reason == "not_open"


def test_an_expired_ticket_is_not_approved_though_nobody_swept_it_away() -> None:
    tickets = board()
    ticket = tickets.offer(trade(), NOW)
    late = tickets.approve(ticket.ticket_id, ticket.code, NOW + TTL)
    assert isinstance(late, Refusal)
    assert late.reason == "expired"
    assert tickets.tickets()[0].state == "expired"
    assert tickets.counts() == {"offered": 1, "approved": 0, "expired": 1, "refused": 0}


def test_a_route_has_one_open_ticket_that_does_not_change() -> None:
    tickets = board()
    first = tickets.offer(trade(), NOW)
    assert tickets.offer(trade(), NOW + S) == first
    assert tickets.counts()["offered"] == 1
    tickets.refuse(first.ticket_id, NOW)
    assert tickets.offer(trade(), NOW + S) != first


def test_open_tickets_have_codes_of_their_own() -> None:
    tickets = board(len(ROUTES))
    codes = [tickets.offer(on(route), NOW).code for route in ROUTES]
    assert len(set(codes)) == len(ROUTES)


def test_on_a_full_board_the_oldest_expires() -> None:
    tickets = board(2)
    oldest, middle, newest = (tickets.offer(on(route), NOW) for route in ROUTES[:3])
    assert [ticket.state for ticket in tickets.tickets()] == ["expired", "open", "open"]
    assert [ticket.ticket_id for ticket in tickets.tickets()] == [t.ticket_id for t in (oldest, middle, newest)]


def test_tickets_expire_and_are_shown_for_a_while_after() -> None:
    tickets = board()
    tickets.offer(trade(), NOW)
    tickets.expire(NOW + TTL - 1)
    assert [ticket.state for ticket in tickets.tickets()] == ["open"]
    tickets.expire(NOW + TTL)
    assert [(ticket.state, ticket.why) for ticket in tickets.tickets()] == [
        ("expired", "nobody approved it within 30 s")
    ]
    tickets.expire(NOW + TTL + SHOWN_NS - 1)
    assert len(tickets.tickets()) == 1
    tickets.expire(NOW + TTL + SHOWN_NS)
    assert tickets.tickets() == ()


def test_ended_tickets_in_sight_are_bounded() -> None:
    tickets = board()
    for _ in range(3 * SHOWN):
        tickets.refuse(tickets.offer(trade(), NOW).ticket_id, NOW)
    assert len(tickets.tickets()) == SHOWN
    assert tickets.counts()["refused"] == 3 * SHOWN


def test_what_is_not_there_any_more_is_withdrawn_with_its_reason() -> None:
    tickets = board()
    ticket = tickets.offer(trade(), NOW)
    tickets.withdraw(ROUTES[0], "gap", NOW)
    assert tickets.tickets() == (ticket,)
    tickets.withdraw(ROUTE, "okx: gap", NOW)
    assert [(one.state, one.why) for one in tickets.tickets()] == [("expired", "okx: gap")]


def test_a_halt_refuses_every_open_ticket() -> None:
    tickets = board()
    ids = [tickets.offer(on(route), NOW).ticket_id for route in ROUTES[:3]]
    tickets.refuse(ids[0], NOW)
    tickets.halt(NOW, "halted from outside")
    assert [(one.state, one.why) for one in tickets.tickets()] == [
        ("refused", "put away"),
        ("refused", "halted from outside"),
        ("refused", "halted from outside"),
    ]


def test_an_approved_ticket_tells_what_came_of_it() -> None:
    tickets = board()
    ticket = tickets.offer(trade(), NOW)
    tickets.done(ticket.ticket_id, "not approved yet", NOW)
    assert tickets.tickets()[0].state == "open"
    tickets.approve(ticket.ticket_id, ticket.code, NOW)
    tickets.done(ticket.ticket_id, "both filled", NOW + S)
    assert [(one.state, one.why, one.ended_ns) for one in tickets.tickets()] == [("done", "both filled", NOW + S)]
    refusal = tickets.refuse(ticket.ticket_id, NOW)
    assert refusal is not None
    assert refusal.reason == "not_open"
