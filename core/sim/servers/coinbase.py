"""The server's side of Coinbase Exchange, channel level2_batch. Source: its documents, read in October 2026."""

from collections.abc import Collection
from typing import Any, ClassVar

from core.sim.dialect import Answer, Server, Update, Wire, changes, listed, parsed, rfc3339, switched, text, trimmed

LEVEL2 = "level2_batch"
GONE = "0.00000000"


class Coinbase(Server):
    name: ClassVar[str] = "coinbase"
    path: ClassVar[str] = "/"
    joint: ClassVar[str] = "-"
    requests_per_s: ClassVar[int | None] = 20  # 8, and a burst
    changes_only: ClassVar[bool] = True

    def answer(self, request: str, subscribed: Collection[str], connection_id: str) -> Answer:
        message = parsed(request)
        kind, names, channels = message.get("type"), listed(message.get("product_ids")), message.get("channels")
        if kind not in ("subscribe", "unsubscribe") or not names or not isinstance(channels, list):
            return _error("Malformed JSON", "")
        for name in names:
            if name not in self.symbols:
                return _error("Failed to subscribe", f"{name} is not a valid product")
        changed = self.known(names) if LEVEL2 in channels else ()
        held = [one for one in subscribed if one not in changed] + (list(changed) if kind == "subscribe" else [])
        products = [self.names[symbol] for symbol in held]
        ack = {"type": "subscriptions", "channels": [{"name": one, "product_ids": products} for one in channels]}
        return switched([text(ack)], changed, on=kind == "subscribe")

    def frame(self, update: Update, form: str) -> Wire:
        q = update.quote
        bids = [[trimmed(q.bid), trimmed(q.bid_size)]] if q.bid_size else []
        asks = [[trimmed(q.ask), trimmed(q.ask_size)]] if q.ask_size else []
        return text({"type": "snapshot", "product_id": self.names[update.symbol], "bids": bids, "asks": asks})

    def change(self, update: Update, before: Update, form: str) -> tuple[Wire, ...]:
        q, b = update.quote, before.quote
        found = [("buy", *one) for one in changes(q.bid, q.bid_size, b.bid, b.bid_size)]
        found += [("sell", *one) for one in changes(q.ask, q.ask_size, b.ask, b.ask_size)]
        if not found:
            return ()
        name = self.names[update.symbol]
        said = ",".join(
            f'["{side}","{trimmed(price)}","{trimmed(size) if size else GONE}"]' for side, price, size in found
        )
        return (f'{{"type":"l2update","product_id":"{name}","changes":[{said}],"time":"{rfc3339(update.event_ms)}"}}',)

    def strange(self, symbol: str) -> tuple[str, ...]:
        name = self.names[symbol]
        return (
            f'{{"type":"ticker","sequence":1,"product_id":"{name}","price":"1","best_bid":"1","best_ask":"2"}}',
            '{"type":"l2update","product_id":"ZZZ-USDT","changes":[["buy","1","1"]],"time":"2026-01-01T00:00:00Z"}',
            f'{{"type":"l2update","product_id":"{name}","changes":[["trade",{{}}]]}}',
        )


def _error(message: str, reason: str) -> Answer:
    said: dict[str, Any] = {"type": "error", "message": message, "reason": reason}
    return Answer((text(said),))
