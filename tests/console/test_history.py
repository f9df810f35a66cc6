"""How numbers went: a second is a second, whoever looked at it."""

from console.panes.history import SECONDS, History, drawn
from tests.console.frozen import NOW_NS, S


def test_a_history_has_a_place_for_each_second_and_gaps_where_nothing_was_known() -> None:
    history: History[str] = History()
    assert history.is_due(NOW_NS)
    history.take(NOW_NS, {"a": 1.0})
    assert not history.is_due(NOW_NS + S // 2)
    history.take(NOW_NS + S, {"a": 2.0, "b": 9.0})
    history.take(NOW_NS + 4 * S, {"a": 5.0})
    assert history.of("a", NOW_NS + 4 * S) == (1.0, 2.0, None, None, 5.0)
    assert history.of("a", NOW_NS + S) == (1.0, 2.0)  # of a picture that is held still
    assert history.of("a", NOW_NS - 9 * S) == history.of("c", NOW_NS) == ()
    history.take(NOW_NS + 9_999 * S, {"a": 1.0})
    assert history.of("a", NOW_NS + 9_999 * S) == (None,) * (SECONDS - 1) + (1.0,)
    assert history.of("b", NOW_NS + 9_999 * S) == ()  # long gone, and forgotten
    history.take(NOW_NS, {"a": 3.0})  # a tape went back
    assert history.of("a", NOW_NS) == (3.0,)


def test_a_chart_stands_between_its_lowest_and_highest_and_tells_what_is_above_a_line() -> None:
    assert drawn((-1.0, None, 3.0, 1.0), 3, above=0.0) == [("·", "dim"), ("█▁", "good")]
    assert drawn((2.0, 2.0), 9) == [("▁▁", "bar")]
    assert drawn((), 9) == [("no history yet", "dim")]
