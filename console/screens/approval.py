"""Tells deliberate typing of a ticket's code from every other way in which keys may arrive."""

from typing import Literal

DWELL_NS = 400_000_000  # no key at all for so long before the first letter
WITHIN_NS = 3_000_000_000  # the second letter follows in this time
QUIET_NS = 250_000_000  # and then no key for so long
BARRED_NS = 1_000_000_000  # after anything else: nothing is accepted until so long without a key
STALL_NS = 150_000_000  # nobody looked for so long: keys may be waiting unread

Phase = Literal["unseen", "barred", "waiting", "ready", "first", "quiet", "accepted"]


class CodeGuard:
    """Accepts a code of two letters only after a pause, in one go, and followed by a pause.

    Every key counts, whatever it means elsewhere: a held key, a repeat, pasted or random text never leaves the
    pauses that a decision has. Times are those of one monotonic clock.
    """

    def __init__(self, code: str) -> None:
        self._code = code.upper()
        self._phase: Phase = "unseen"
        self._key_ns = 0  # the last key, or the moment the dialog was painted
        self._first_ns = 0
        self._looked_ns = 0
        self.why = ""  # the last code was not accepted

    def painted(self, now_ns: int) -> None:
        """The person can see the dialog from `now_ns` on."""
        if self._phase == "unseen":
            self._phase, self._key_ns, self._looked_ns = "waiting", now_ns, now_ns

    def key(self, letter: str | None, at_ns: int) -> None:
        """A key was pressed: `letter` if it writes one, None if it does not."""
        rested = at_ns - self._key_ns
        self._key_ns = max(self._key_ns, at_ns)
        typed = (letter or "").upper()
        match self._phase:
            case "accepted":
                pass
            case "unseen":
                self._bar("it was typed before the ticket was on the screen")
            case "barred" if rested < BARRED_NS:
                pass
            case "barred" | "waiting" | "ready" if rested < DWELL_NS:
                self._bar("pause for a moment before you type it")
            case "barred" | "waiting" | "ready" if typed and typed == self._code[:1]:
                self._phase, self._first_ns, self.why = "first", at_ns, ""
            case "first" if at_ns - self._first_ns > WITHIN_NS:
                self._bar("its letters were too far apart")
            case "first" if typed and typed == self._code[1:]:
                self._phase, self._looked_ns = "quiet", max(self._looked_ns, at_ns)
            case "quiet":
                self._bar("another key followed it")
            case _:
                self._bar("those are not its letters")

    def bar(self, why: str, at_ns: int) -> None:
        """Something else than a key came that no deliberate approval has."""
        self._key_ns = max(self._key_ns, at_ns)
        if self._phase != "accepted":
            self._bar(why)

    def look(self, now_ns: int) -> Phase:
        """Return where the typing stands; to be asked many times a second. `accepted` stands until `key` is deaf."""
        stalled = now_ns - self._looked_ns > STALL_NS
        self._looked_ns = max(self._looked_ns, now_ns)
        if self._phase == "quiet" and stalled:
            self._key_ns = max(self._key_ns, now_ns)  # wait anew: what came meanwhile has not been read yet
        rested = now_ns - self._key_ns
        if self._phase == "barred" and rested >= BARRED_NS:
            self._phase = "waiting"
        if self._phase == "waiting" and rested >= DWELL_NS:
            self._phase = "ready"
        if self._phase == "first" and now_ns - self._first_ns > WITHIN_NS:
            self._phase, self.why = "ready", "its letters were too far apart"
        if self._phase == "quiet" and rested >= QUIET_NS:
            self._phase = "accepted"
        return self._phase

    def _bar(self, why: str) -> None:
        self._phase, self.why = "barred", why
