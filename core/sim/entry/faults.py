"""The ways in which order entry can fail, one for each request."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

FaultKind = Literal[
    "drop_before",  # the connection ends, and nothing was done
    "drop_after",  # it was done, and the connection ends before the answer
    "hang_before",  # no answer, and nothing is ever done
    "hang_after",  # it was done, and no answer comes
    "late",  # accepted, done some time later, and no answer comes
    "half_body",  # it was done, and the answer breaks off half-way
    "html",  # it was done, and the answer is a page
    "html_before",  # nothing was done, and the answer is a page
    "empty",  # it was done, and the answer is empty
    "no_id",  # it was done, and the answer does not say what
    "partial",  # less fills than could
    "slow",  # the answer takes its time
    "rate_limit",  # too many requests, says the venue; nothing was done
    "server_error",  # HTTP 503, nothing was done
    "server_error_after",  # HTTP 502, and it was done
    "code",  # the venue's own error code; nothing was done
    "code_after",  # the venue's own error code, and it was done
    "duplicate",  # it was done, and the venue says that an order of this id exists
]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
AT_RANDOM: tuple[FaultKind, ...] = (
    "drop_before", "drop_after", "hang_before", "hang_after", "late", "half_body", "html", "html_before", "empty",
    "no_id", "partial", "partial", "partial", "slow", "server_error", "server_error_after", "duplicate",
)  # fmt: skip
WHEN_READ: tuple[FaultKind, ...] = ("drop_before", "hang_before", "html_before", "half_body", "server_error", "slow")


class Fault(NamedTuple):
    """What happens to one request; `code` only with the kinds that name one."""

    kind: FaultKind
    code: str = ""


def parse(texts: Sequence[str]) -> list[Fault]:
    """Return the faults that are named, "KIND" or "KIND:CODE".

    Raises:
        ValueError: there is no such kind.
    """
    found = []
    for text in texts:
        name, _, code = text.partition(":")
        kind = next((one for one in KINDS if one == name), None)
        if kind is None:
            raise ValueError(f"order entry cannot {name!r}; it can {', '.join(KINDS)}")
        found.append(Fault(kind, code))
    return found
