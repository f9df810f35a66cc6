"""The score: what was there and found, what was missed, and what was found in vain."""

from hypothesis import given, settings
from hypothesis import strategies as st

from core.sim.truth import BRIEF_NS, SLACK_NS, Crossing, Found, score

MS = 1_000_000
routes = st.tuples(st.sampled_from(("A/USDT", "B/USDT")), st.just("okx"), st.sampled_from(("bybit", "binance")))


@st.composite
def crossings(draw: st.DrawFn) -> list[Crossing]:
    """Crossings far enough apart that no slack reaches from one to the next."""
    listed, at_ns = [], 10**12
    for _ in range(draw(st.integers(0, 8))):
        at_ns += draw(st.integers(3 * SLACK_NS, 10 * SLACK_NS))
        symbol, buy, sell = draw(routes)
        end_ns = at_ns + draw(st.integers(MS, 2_000 * MS))
        listed.append(Crossing(symbol, buy, sell, at_ns, end_ns, 8.0, draw(st.booleans())))
        at_ns = end_ns
    return listed


def finding(one: Crossing, late_ns: int = 0) -> Found:
    return Found((one.symbol, one.buy, one.sell), one.start_ns + late_ns, one.end_ns + late_ns)


@settings(max_examples=40)
@given(crossings(), st.integers(-SLACK_NS, SLACK_NS))
def test_a_desk_that_finds_every_crossing_within_the_slack_misses_nothing_and_invents_nothing(
    real: list[Crossing], late_ns: int
) -> None:
    counted = sum(not one.void for one in real)
    assert score(real, [finding(one, late_ns) for one in real]) == {
        "crossings": counted,
        "found": counted,
        "missed": 0,
        "late": 0,
        "false": 0,
    }


@settings(max_examples=40)
@given(crossings())
def test_a_blind_desk_misses_all_that_lasted_and_was_not_void(real: list[Crossing]) -> None:
    lasting = [one for one in real if not one.void and one.end_ns - one.start_ns >= BRIEF_NS]
    result = score(real, [])
    assert (result["found"], result["missed"], result["false"]) == (0, len(lasting), 0)


@settings(max_examples=40)
@given(crossings(), st.data())
def test_a_finding_between_crossings_or_on_another_route_is_false(real: list[Crossing], data: st.DataObject) -> None:
    before_ns = min((one.start_ns for one in real), default=10**12) - SLACK_NS - 1
    vain = [Found(("A/USDT", "okx", "bybit"), before_ns - 5 * MS, before_ns)]
    vain += [Found((one.symbol, one.sell, one.buy), one.start_ns, one.end_ns) for one in real]
    found = data.draw(st.permutations([*vain, *map(finding, real)]))
    assert score(real, found)["false"] == len(vain)


@settings(max_examples=40)
@given(crossings(), crossings())
def test_the_score_agrees_with_comparing_all_to_all(real: list[Crossing], guessed: list[Crossing]) -> None:
    found = [finding(one) for one in guessed]

    def meet(one: Crossing, other: Found) -> bool:
        same = other.route == (one.symbol, one.buy, one.sell)
        return same and other.first_ns <= one.end_ns + SLACK_NS and other.last_ns >= one.start_ns - SLACK_NS

    hit = [any(meet(one, other) for other in found) for one in real]
    assert score(iter(real), found) == {
        "crossings": sum(not one.void for one in real),
        "found": sum(was and not one.void for one, was in zip(real, hit, strict=True)),
        "missed": sum(
            not was and not one.void and one.end_ns - one.start_ns >= BRIEF_NS
            for one, was in zip(real, hit, strict=True)
        ),
        "late": 0,
        "false": sum(not any(meet(one, other) for one in real) for other in found),
    }
