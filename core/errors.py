"""The errors of the desk: one class per thing that a caller may do differently."""


class DeskError(Exception):
    """What happened, why, and what to do about it, in one line."""

    def __init__(self, what: str, *, why: str = "", do: str = "") -> None:
        self.what, self.why, self.do = what, why, do
        super().__init__(f"{what}{': ' + why if why else ''}{'. ' + do if do else ''}")


class ConfigurationError(DeskError):
    """The settings, the command line or a file that the user wrote cannot be used as they are."""


class BadFrame(DeskError):
    """A frame that is not what its venue documents. `reason` is a short word to count it under."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        super().__init__(reason, why=detail)


class LogUnavailable(DeskError):
    """The tick log cannot be reached, or its topic is not what the desk needs."""


class JournalError(DeskError):
    """The journal cannot be opened or written: nothing may be sent without it."""


class JournalHeld(JournalError):
    """Another desk has the journal."""


class SidecarFailed(DeskError):
    """A child process ended by itself, or did not come up."""


class QuestionFailed(DeskError):
    """A venue was asked about an order and did not answer: nothing is proven by it."""


class LedgerError(DeskError):
    """The models' ledger cannot be opened or written: no model may be asked without it."""


class TapeError(DeskError):
    """A tape cannot be written or read, or a part of it is not what was written."""
