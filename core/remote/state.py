"""What a desk publishes of itself, and how old it is where it arrives. Pure."""

import time

import msgspec

from core.desk import Answer, Snapshot

VERSION = 1
RUN = "run"  # a header: the run of the desk, to tell records apart without reading them
DRIFT = 500e-6  # no two clocks that never jump part faster: NTP slews by so much at most


class DeskState(msgspec.Struct, frozen=True):
    """The value of one record on the topic of desk states, JSON. A record without a value: the desk has ended."""

    v: int
    run: str  # of the desk; a command is for one run only
    steady_ns: int  # a clock of the desk's machine that never jumps, when the snapshot was taken
    snapshot: Snapshot
    answers: tuple[Answer, ...] = ()  # what became of the last commands, oldest first


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(DeskState)


def encode(state: DeskState) -> bytes:
    return _encoder.encode(state)


def decode(value: bytes) -> DeskState:
    """Return the state in a record.

    Raises:
        ValueError: it is none, or of another version.
    """
    try:
        state = _decoder.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if state.v != VERSION:
        raise ValueError(f"it is of version {state.v}, and this console knows {VERSION}")
    return state


def steady_ns() -> int:
    """Return a clock that never jumps, and that goes on while the machine sleeps where the system has one."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic_ns()


class Transit:
    """How late states arrive, told from steady clocks of both ends: wall clocks may differ, and may be set.

    The fastest way that any state of a run took counts as no delay at all; a state that waited somewhere is as much
    older as it took longer.
    """

    def __init__(self) -> None:
        self._run = ""
        self._least_ns = 0.0
        self._at_ns = 0

    def late_ns(self, run: str, sent_ns: int, received_ns: int) -> int:
        """Return how much longer than the fastest a state took. `sent_ns` is the desk's clock, `received_ns` ours."""
        took = received_ns - sent_ns
        if run != self._run:
            self._run, self._least_ns, self._at_ns = run, took, received_ns
        allowed = self._least_ns + max(0, received_ns - self._at_ns) * DRIFT
        self._least_ns, self._at_ns = min(took, allowed), received_ns
        return max(0, int(took - self._least_ns))
