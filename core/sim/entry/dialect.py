"""What order entry of a simulated venue needs of its dialect."""

import hashlib
import hmac
from abc import ABC, abstractmethod
from typing import ClassVar, Literal

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


class Entry(ABC):
    """One venue's end of order entry. The module of each names the documents that it follows."""

    name: ClassVar[str]
    joint: ClassVar[str] = ""  # between base and quote in its names
    fee_in_coin: ClassVar[bool] = True  # what a buy costs is taken from what was bought
    unique: ClassVar[Unique] = "ever"

    @staticmethod
    def lattice(instrument: Instrument) -> Instrument:
        """Return what the venue makes of a lattice: it may be finer than the one that its market quotes on."""
        return instrument

    @classmethod
    def native(cls, symbol: str) -> str:
        """Return the venue's own name."""
        return symbol.replace("/", cls.joint)

    def __init__(self, books: Books, keys: Keys) -> None:
        """Serve the account that `books` holds."""
        self._books, self._keys = books, keys
        self._symbols = {self.native(symbol): symbol for symbol in books.instruments}
        self.may_withdraw = False  # what the venue says of the key, where it tells

    @abstractmethod
    def kind(self, request: Request) -> Kind:
        """Return what is asked for: faults are for orders, unless they are meant for reading."""

    @abstractmethod
    def serve(self, request: Request, now_ms: int) -> Reply:
        """Check who asks, and when; do it."""

    @abstractmethod
    def refused(self, code: str, text: str = "") -> Reply:
        """Return the refusal with the venue's own error code."""

    @abstractmethod
    def acknowledged_without_id(self) -> Reply:
        """Return a well-formed answer to an order that does not say which order it is about."""

    @abstractmethod
    def rate_limited(self) -> Reply:
        """Return what follows too many requests."""

    @abstractmethod
    def why(self, why: Why) -> str:
        """Return the venue's error code for what the books object to."""


def hmac_sha256(secret: str, text: str) -> "hmac.HMAC":
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256)


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
