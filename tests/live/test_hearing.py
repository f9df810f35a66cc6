from core.live.hearing import Hearing, Patience


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def pass_by(clock: Clock, hearing: Hearing, for_s: float, step_s: float = 0.25) -> None:
    """Let time go by, and look as a desk that runs does."""
    for _ in range(round(for_s / step_s)):
        clock.now_s += step_s
        hearing.look()


def test_a_silence_is_told_from_its_limit_on_and_ends_with_the_first_word() -> None:
    clock = Clock()
    hearing = Hearing(Patience(silent_s=3.0, lost_s=10.0), clock)
    pass_by(clock, hearing, 60)
    assert (hearing.quiet_s, hearing.lost) == (0, False)  # nobody listened yet
    hearing.heard()
    pass_by(clock, hearing, 2.75)
    assert hearing.quiet_s == 0
    pass_by(clock, hearing, 0.25)
    assert (hearing.quiet_s, hearing.lost) == (3, False)
    pass_by(clock, hearing, 7)
    assert (hearing.quiet_s, hearing.lost) == (10, True)
    hearing.heard()
    assert (hearing.quiet_s, hearing.lost) == (0, False)
    pass_by(clock, hearing, 20)
    hearing.end()
    assert (hearing.quiet_s, hearing.lost) == (0, False)


def test_a_listener_that_stood_still_itself_does_not_hold_that_for_silence() -> None:
    clock = Clock()
    hearing = Hearing(Patience(silent_s=3.0, lost_s=10.0), clock)
    hearing.heard()
    pass_by(clock, hearing, 2)
    pass_by(clock, hearing, 60, step_s=60)
    assert (hearing.quiet_s, hearing.lost) == (0, False)
    pass_by(clock, hearing, 1)
    assert hearing.quiet_s == 3
