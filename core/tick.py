"""What travels on the log: one venue's top of book for one symbol, and the word that it no longer holds."""

from typing import Annotated, Literal

import msgspec

Cause = Literal[
    "stale", "skew", "gap", "crossed", "basis", "fee", "depth", "lot", "inventory", "halted", "identity"
]  # why an apparent edge cannot be traded; the words of the desk, in every log line, count and picture


Positive = Annotated[float, msgspec.Meta(gt=0, lt=1e15)]  # checked when it is decoded; no price or volume is as large


class Tick(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask of a symbol on one venue: the message on the log. Prices in quote per base, volumes in base."""

    exchange_id: str
    symbol: str  # "BTC/USDT", whatever the venue itself calls it
    bid_price: Positive
    ask_price: Positive
    bid_volume: Positive
    ask_volume: Positive
    timestamp: int  # the venue's clock, ms since the Unix epoch; the receive time where the venue stamps nothing
    sequence_id: int  # the venue's own counter: orders ticks of this venue and symbol only
    received_ns: int = 0  # our clock, ns since the epoch, when the frame was read: the only one to measure age with


class Withdrawal(msgspec.Struct, frozen=True, gc=False):
    """The last tick of a venue and symbol holds no longer, and no new one has replaced it.

    A side went empty, the connection broke, or frames are missing. It travels in line with the ticks, so every reader
    of the log drops the quote at the same point of the story.
    """

    tick: Tick  # the last one that was true
    cause: Cause
    received_ns: int  # when we learned of it

    @property
    def exchange_id(self) -> str:
        return self.tick.exchange_id

    @property
    def symbol(self) -> str:
        return self.tick.symbol


Entry = Tick | Withdrawal

encode = msgspec.json.Encoder().encode
# Bytes to the tick in them; another producer's may lack `received_ns`, and then its age is unknown (0). Raises
# msgspec.DecodeError (`msgspec.ValidationError` is one of these) for what is no tick. Not wrapped: it is the hot path.
decode = msgspec.json.Decoder(Tick).decode
