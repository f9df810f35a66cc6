"""What most dialects have in common: symbols by native names, requests in batches, JSON, one way to a tick.

A venue's file says how it spells a symbol, how it is asked, and what stands where in its frames. It may take a frame
for what its venue documents and reach into it: whatever is missing there, or of another kind, makes a bad frame.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

import orjson

from core.errors import BadFrame
from core.feeds.frames import MOST, Stream, amount, check_id, check_time, hollow, parse
from core.feeds.venue import NOTHING, Acknowledged, Dialect, Event, Ignored, Refused, Reply, Untrue
from core.instruments import split
from core.tick import Tick

S = TypeVar("S", bound=Stream)


class JsonDialect(Dialect, Generic[S]):
    """One connection. A subclass gives the class variables, `request` and `take`.

    Where no `joint` makes the venue's names of ours, it gives `spell` and `read` too.
    """

    stamps_events: ClassVar[bool] = True
    max_symbols: ClassVar[int] = 500
    request_pause_s: ClassVar[float] = 0.1
    joint: ClassVar[str] = ""  # between base and quote in the venue's names
    small: ClassVar[bool] = False  # they are in small letters
    batch: ClassVar[int] = 50  # symbols in one request
    kind: ClassVar[type[Stream]] = Stream  # what is kept of each symbol

    def __init__(self, symbols: Sequence[str], natives: Mapping[str, str] = NOTHING) -> None:
        self._any = not symbols
        self.streams: dict[str, S] = {}  # by native name
        for symbol in symbols:
            self._add(symbol, natives.get(symbol) or self.spell(symbol))

    # -- what a venue's file says

    @classmethod
    def spell(cls, symbol: str) -> str:
        """Return the venue's name of `symbol` as its rule has it."""
        name = symbol.replace("/", cls.joint)
        return name.lower() if cls.small else name

    @classmethod
    def read(cls, native: str) -> str | None:
        """Return the symbol of a name, None if it is no spot pair. For recordings; else the names are known."""
        name = native.upper() if cls.small else native
        if not cls.joint:
            return split(name)
        if name.count(cls.joint) != 1 or (cls.joint != "-" and "-" in name):  # a derivative has more parts
            return None
        return name.replace(cls.joint, "/")

    @abstractmethod
    def request(self, natives: Sequence[str]) -> str:
        """Return the frame that asks for top-of-book updates of `natives`."""

    @abstractmethod
    def take(self, message: dict[str, Any], received_ns: int) -> Sequence[Event]:
        """Return what a JSON object says."""

    def take_other(self, frame: bytes, message: Any, received_ns: int) -> Sequence[Event]:
        """Return what JSON that is no object says."""
        raise BadFrame("not_an_object", type(message).__name__)

    def take_text(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """Return what a frame that is no JSON says."""
        return self.take(parse(frame), received_ns)  # a byte order mark is all that may be the matter

    # -- what they share

    def subscribe(self) -> Iterable[str]:
        natives = list(self.streams)
        for start in range(0, len(natives), self.batch):
            yield self.request(natives[start : start + self.batch])

    def decode(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        try:
            try:
                message = orjson.loads(frame)
            except orjson.JSONDecodeError:
                return self.take_text(frame, received_ns)
            if type(message) is dict:
                return self.take(message, received_ns)
            return self.take_other(frame, message, received_ns)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise BadFrame("unknown_frame", repr(error)) from None

    def _add(self, symbol: str, native: str) -> S:
        stream = self.streams[native] = cast(S, self.kind(symbol, native))
        return stream

    def find(self, native: object) -> S:
        """Return the stream of a native name.

        Raises:
            BadFrame: unknown_symbol, missing_field.
        """
        if not isinstance(native, str):
            raise BadFrame("missing_field", "the symbol")
        stream = self.streams.get(native)
        if stream is None:
            symbol = self.read(native) if self._any else None
            if symbol is None:
                raise BadFrame("unknown_symbol", native)
            stream = self._add(symbol, native)
        return stream

    def quote(
        self,
        stream: S,
        bid: object,
        bid_size: object,
        ask: object,
        ask_size: object,
        when_us: int | None,
        sequence_id: int | None,
        received_ns: int,
    ) -> Event:
        """Return the tick of a whole top of book, or why it is none. Prices and sizes as the venue writes them.

        Without the venue's time it is the receive time; without its counter, its time counts.

        Raises:
            BadFrame: an impossible number or time.
        """
        bid, bid_size = amount(bid, "bad_price"), amount(bid_size, "bad_size")
        ask, ask_size = amount(ask, "bad_price"), amount(ask_size, "bad_size")
        if 0.0 < bid < MOST and 0.0 < bid_size < MOST and 0.0 < ask < MOST and 0.0 < ask_size < MOST:
            untrue = None
        else:
            untrue = hollow(bid, bid_size, ask, ask_size)
        when_ms = received_ns // 1_000_000 if when_us is None else when_us // 1000
        if when_us is not None:
            check_time(when_ms, received_ns)
        if sequence_id is None:
            passed: str | None = stream.count(when_us)
        else:
            check_id(sequence_id)
            passed = stream.place(sequence_id)
        if passed is not None:
            return Ignored(passed)
        if untrue is not None:
            return Untrue(stream.symbol, untrue)
        return Tick(self.name, stream.symbol, bid, ask, bid_size, ask_size, when_ms, stream.last, received_ns)

    def accepted(self, natives: Iterable[object]) -> Acknowledged:
        """Return the acknowledgement of those of `natives` that were asked for."""
        return Acknowledged(tuple(self.streams[one].symbol for one in natives if one in self.streams))

    def refused(self, native: object, why: str) -> Refused:
        stream = self.streams.get(native) if isinstance(native, str) else None
        return Refused(stream.symbol if stream else None, why)

    def without(self, natives: Sequence[str], bad: str | None, why: str) -> Sequence[Event]:
        """Ask again for the others of a request that failed whole. Each time there are fewer of them, so it ends."""
        if bad is None or bad not in natives:
            half = len(natives) // 2
            if half:
                return (Reply(self.request(natives[:half])), Reply(self.request(natives[half:])))
            return (self.refused(natives[0] if natives else None, why),)
        others = [native for native in natives if native != bad]
        verdict = self.refused(bad, why)
        return (verdict, Reply(self.request(others))) if others else (verdict,)
