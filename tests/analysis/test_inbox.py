"""What waits to be asked: the newest of each subject, never too many, never too old."""

from hypothesis import given
from hypothesis import strategies as st

from core.analysis.inbox import OLD_NS, Inbox
from core.analysis.questions import QuoteQuestion

S = 1_000_000_000
COOL_NS = 20 * S


def question(score: float) -> QuoteQuestion:
    return QuoteQuestion("BTC/USDT", "okx", score, ())


def inbox(capacity: int = 3) -> Inbox:
    return Inbox({"anomaly": COOL_NS}, capacity=capacity)


def test_the_newest_question_about_a_subject_takes_the_place_of_the_one_that_waits() -> None:
    box = inbox()
    for number, subject in enumerate(["a", "b", "a"]):
        box.put("anomaly", subject, question(number), number)
    taken = [box.take(3), box.take(3)]
    assert [(one[0][1], one[1]) for one in taken if one] == [("a", question(2)), ("b", question(1))]
    assert (box.merged, box.take(3)) == (1, None)


def test_a_full_box_drops_the_oldest() -> None:
    box = inbox(capacity=2)
    for number, subject in enumerate("abc"):
        box.put("anomaly", subject, question(number), number)
    assert [one[0][1] for one in (box.take(3), box.take(3)) if one] == ["b", "c"]
    assert box.dropped == 1


def test_a_subject_cools_down_after_it_was_asked_about() -> None:
    box = inbox()
    box.put("anomaly", "a", question(0), 0)
    assert box.take(1) is not None
    box.put("anomaly", "a", question(1), COOL_NS)
    assert box.take(COOL_NS) is None
    box.put("anomaly", "a", question(2), COOL_NS + 1)
    assert box.take(COOL_NS + 1) is not None
    assert box.cooling == 1


def test_a_question_about_the_past_is_not_asked() -> None:
    box = inbox()
    box.put("anomaly", "a", question(0), 0)
    assert box.take(OLD_NS + 1) is None
    assert box.late == 1


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, S), st.booleans()), max_size=60))
def test_whatever_comes_in_no_more_waits_than_fits_and_each_cause_is_counted_once(
    causes: list[tuple[str, int, bool]],
) -> None:
    box, now_ns = inbox(), 0
    for number, (subject, passed_ns, take) in enumerate(causes, 1):
        now_ns += passed_ns
        box.put("anomaly", subject, question(number), now_ns)
        assert len(box) <= 3
        assert box.offered == number
        if take:
            box.take(now_ns)
            assert box.offered == number
