"""The server's side of Bitfinex's websocket v2, raw books. Source: its documents and frames, read in October 2026."""

from collections.abc import Collection
from typing import Any, ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, parsed, text, trimmed

BID, ASK = 1, 2  # the ids of the only two orders of a book
NAMES = {"USDT": "UST", "USDC": "UDC"}
MOST = 30


class _Talk:
    """One connection: the numbers of its channels, and of its frames."""

    def __init__(self) -> None:
        self.channels: dict[str, int] = {}  # symbol -> number
        self.flags = 0
        self.sequence = 0


class Bitfinex(Server):
    name: ClassVar[str] = "bitfinex"
    path: ClassVar[str] = "/ws/2"
    own_frames: ClassVar[bool] = True
    changes_only: ClassVar[bool] = True
    chained: ClassVar[bool] = True

    def __init__(self, symbols: Any) -> None:
        super().__init__(symbols)
        self._talks: dict[str, _Talk] = {}

    def native(self, symbol: str) -> str:
        base, quote = (NAMES.get(part, part) for part in symbol.split("/"))
        return f"t{base}{':' if max(len(base), len(quote)) > 3 else ''}{quote}"

    def greet(self, connection_id: str) -> tuple[Wire, ...]:
        self._talks[connection_id] = _Talk()
        return (text({"event": "info", "version": 2, "serverId": connection_id, "platform": {"status": 1}}),)

    def leave(self, connection_id: str) -> None:
        self._talks.pop(connection_id, None)

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message, talk = parsed(request), self._talks.setdefault(connection_id, _Talk())
        match message.get("event"):
            case "ping":
                return Answer((text({"event": "pong", "ts": 1790134414850, "cid": message.get("cid")}),))
            case "conf":
                talk.flags = message["flags"] if isinstance(message.get("flags"), int) else 0
                return Answer((text({"event": "conf", "status": "OK", "flags": talk.flags}),))
            case "subscribe":
                return self._enter_channel(message, talk)
            case "unsubscribe":
                gone = [symbol for symbol, number in talk.channels.items() if number == message.get("chanId")]
                for symbol in gone:
                    del talk.channels[symbol]
                said = {"event": "unsubscribed", "status": "OK", "chanId": message.get("chanId")}
                return Answer((text(said),), removed=tuple(gone))
        return Answer((_error(message, 10000, "unknown event"),))

    def _enter_channel(self, message: dict[str, Any], talk: _Talk) -> Answer:
        name = message.get("symbol")
        symbol = self.symbols.get(name) if isinstance(name, str) else None
        if symbol is None or message.get("channel") != "book" or message.get("prec") != "R0":
            return Answer((_error(message, 10300, "symbol: invalid"),))
        if symbol in talk.channels:
            return Answer((_error(message, 10301, "subscribe: dup"),))
        if len(talk.channels) >= MOST:
            return Answer((_error(message, 10305, "channel: limit"),))
        number = talk.channels[symbol] = 700_000 + 13 * len(talk.channels)
        said = {"event": "subscribed", "channel": "book", "chanId": number, "symbol": name, "prec": "R0", "len": "25"}
        return Answer((text(said),), added=(symbol,))

    def frame(self, update: Update, form: str) -> Wire:
        q = update.quote
        orders = [_order(BID, q.bid, q.bid_size)] if q.bid_size else []
        orders += [_order(ASK, q.ask, -q.ask_size)] if q.ask_size else []
        return self._numbered(update, form, f"[{','.join(orders)}]")

    def change(self, update: Update, before: Update, form: str) -> tuple[Wire, ...]:
        q, b = update.quote, before.quote
        said: list[Wire] = []
        sides = [(BID, 1, q.bid, q.bid_size, b.bid, b.bid_size), (ASK, -1, q.ask, q.ask_size, b.ask, b.ask_size)]
        if q.bid >= b.ask:  # so that the book is not crossed between the two
            sides.reverse()
        for ident, sign, price, size, old_price, old_size in sides:
            if (price, size) == (old_price, old_size) or not (size or old_size):
                continue
            order = _order(ident, price, sign * size) if size else f"[{ident},0,{sign}]"
            said.append(self._numbered(update, form, order))
        return tuple(said)

    def _numbered(self, update: Update, form: str, payload: str) -> str:
        talk = self._talks.setdefault(form, _Talk())
        talk.sequence += 1
        return f"[{talk.channels.get(update.symbol, 1)},{payload},{talk.sequence},{update.event_ms}]"

    def strange(self, symbol: str) -> tuple[str, ...]:
        return ('{"event":"strange"}', '[1,"te",[1,2,3,4]]', '{"event":"subscribed","channel":"book","chanId":"x"}')


def _order(ident: int, price: float, amount: float) -> str:
    return f"[{ident},{trimmed(price)},{'-' if amount < 0 else ''}{trimmed(abs(amount))}]"


def _error(message: dict[str, Any], code: int, why: str) -> str:
    return text({**message, "event": "error", "msg": why, "code": code})
