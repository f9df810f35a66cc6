"""A trade hop by hop: a person's time apart from the desk's, and a hedge after the legs."""

from msgspec.structs import replace

from console.panes.story import hops_of, waterfall
from core.shown import OrderView
from tests.console.frozen import MS, NOW_NS, S, automatic, orders, trading
from tests.console.screenful import Face


def order(side: str, sent_ms: int, written_ms: int) -> OrderView:
    """Return an order of a trade whose tick came 20 s before it was approved."""
    return replace(
        orders()[0],
        side=side,
        received_ns=NOW_NS - 20 * S,
        decided_ns=NOW_NS,
        at_ns=NOW_NS + written_ms * MS,
        sent_ns=NOW_NS + sent_ms * MS,
        answered_ns=NOW_NS + (sent_ms + 30) * MS,
    )


LEGS_AND_HEDGE = [order("buy", 4, 3), order("sell", 6, 3), order("sell", 90, 80)]


def test_a_hedge_is_no_part_of_the_way_of_the_legs() -> None:
    took = [(hop.name, round(hop.took_ms)) for hop in hops_of(LEGS_AND_HEDGE, by_person=True)]
    assert took == [
        ("tick to approval, a person", 20_000),
        ("decision to disk", 3),
        ("buy binance: to the wire", 1),
        ("buy binance: answer", 30),
        ("sell binance: to the wire", 3),
        ("sell binance: answer", 30),
        ("sell binance: to the wire", 10),
        ("sell binance: answer", 30),
    ]


def test_a_person_s_time_does_not_make_the_desk_s_too_small_to_see() -> None:
    person, disk, *others = waterfall(hops_of(LEGS_AND_HEDGE, by_person=True), 120)
    assert "█" not in person[1][0]
    assert "20.0s" in person[2][0]
    assert max(text.count("█") for line in others for text, _ in line) > 10
    assert disk[1][0].startswith("█")


async def test_who_decided_is_told_with_the_last_trade() -> None:
    for snapshot, told in ((trading(), "tick to approval, a person"), (automatic(), "tick to decision")):
        async with Face(snapshot).opened((120, 40)) as face:
            await face.press("4", "z", "d")
            assert told in face.read(face.main.latency)
