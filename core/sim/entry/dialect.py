"""What order entry of a simulated venue needs of its dialect."""

import hashlib
import hmac
from typing import ClassVar, Literal, Protocol

import msgspec

from core.instruments import Instrument
from core.sim.entry.books import Books, Unique, Why
from core.sim.http import Reply, Request

Kind = Literal["order", "read", "public"]


class Keys(msgspec.Struct, frozen=True):
    """An account on a simulated venue: it is worth nothing, and so it is no secret."""

    key: str
    secret: str
    passphrase: str = ""


SIMULATED_KEYS = Keys("simulated-key", "simulated-secret", "simulated-passphrase")


class Entry(Protocol):
    """One venue's end of order entry. The module of each names the documents that it follows."""

    name: ClassVar[str]
    fee_in_coin: ClassVar[bool]  # what a buy costs is taken from what was bought
    unique: ClassVar[Unique]

    @staticmethod
    def lattice(instrument: Instrument) -> Instrument:
        """Return what the venue makes of a lattice: it may be finer than the one that its market quotes on."""

    may_withdraw: bool  # what the venue says of the key, where it tells

    def __init__(self, books: Books, keys: Keys) -> None:
        """Serve the account that `books` holds."""

    def kind(self, request: Request) -> Kind:
        """Return what is asked for: faults are for orders, unless they are meant for reading."""

    def serve(self, request: Request, now_ms: int) -> Reply:
        """Check who asks, and when; do it."""

    def refused(self, code: str, text: str = "") -> Reply:
        """Return the refusal with the venue's own error code."""

    def acknowledged_without_id(self) -> Reply:
        """Return a well-formed answer to an order that does not say which order it is about."""

    def rate_limited(self) -> Reply:
        """Return what follows too many requests."""

    def why(self, why: Why) -> str:
        """Return the venue's error code for what the books object to."""


def hmac_sha256(secret: str, text: str) -> "hmac.HMAC":
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256)


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
