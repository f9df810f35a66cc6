"""Frames are spaced by what was chosen, and by what the link takes."""

from console.driver import GIVE_UP_NS
from console.tempo import LOW_PER_S, REST_NS, SLOW_ANSWERS, Tempo, usual_per_s

MS = 1_000_000


def frames(tempo: Tempo, start_ns: int, seconds: int, answer_ns: int) -> int:
    """Draw at every chance for so long, a terminal answering after `answer_ns`; return how many frames were drawn."""
    drawn, due = 0, list[int]()
    for now in range(start_ns, start_ns + seconds * 1000 * MS, 10 * MS):
        while due and due[0] <= now:
            tempo.answered(due.pop(0))
        if tempo.may_draw(now):
            tempo.drew(now)
            tempo.asked(now)
            due.append(now + answer_ns)
            drawn += 1
    for answer in due:
        tempo.answered(answer)
    return drawn


def test_over_ssh_there_are_fewer_frames() -> None:
    assert usual_per_s({"SSH_CONNECTION": "10.0.0.1 5000 10.0.0.2 22"}) == 4
    assert usual_per_s({"HOME": "/root"}) == 10


def test_a_long_way_is_no_slow_link() -> None:
    tempo = Tempo(4)
    assert 35 <= frames(tempo, 0, 10, 300 * MS) <= 45
    assert not tempo.low


def test_answers_that_get_late_make_it_a_frame_a_second_and_calm_ones_take_that_back() -> None:
    tempo = Tempo(10)
    frames(tempo, 0, 2, 20 * MS)
    frames(tempo, 2_000 * MS, SLOW_ANSWERS + 1, 600 * MS)
    assert tempo.low
    assert frames(tempo, 10_000 * MS, 8, 20 * MS) <= 8 * LOW_PER_S + 1
    assert tempo.low
    frames(tempo, 20_000 * MS, REST_NS // (1000 * MS), 20 * MS)
    assert not tempo.low


def test_a_terminal_that_stops_answering_is_a_slow_link_too() -> None:
    tempo = Tempo(10)
    frames(tempo, 0, 2, GIVE_UP_NS)
    assert tempo.low


def test_a_person_may_choose() -> None:
    assert Tempo(10, "low").per_s == LOW_PER_S
    tempo = Tempo(10, "full")
    frames(tempo, 0, 5, 900 * MS)
    assert not tempo.low
