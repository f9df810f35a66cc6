"""Upbit order entry over REST.

Sources: Upbit developer centre, "Create and test order", "Get order", "Get account balance", "Authentication" and
"REST API errors"; read in November 2026.
"""

import base64
import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import unquote

import orjson
from msgspec.structs import replace

from core.instruments import Instrument
from core.sim.entry.books import Booked, Books, Placing, Why
from core.sim.entry.dialect import Entry, Keys, Kind, hmac_sha256, same
from core.sim.http import Reply, Request, json_reply

LOT = Decimal("1e-8")  # of every symbol alike
STATUS = {"order_not_found": 404, "too_many_requests": 429, "jwt_verification": 401, "invalid_access_key": 401,
          "no_authorization_ip": 401, "out_of_scope": 403, "server_error": 500}  # fmt: skip


class UpbitEntry(Entry):
    """Acknowledges an order; its outcome must be read. It knows no validity window."""

    name: ClassVar = "upbit"
    fee_in_coin: ClassVar = False

    @staticmethod
    def lattice(instrument: Instrument) -> Instrument:
        return replace(instrument, lot_size=LOT, min_size=LOT)

    @classmethod
    def native(cls, symbol: str) -> str:
        return "-".join(reversed(symbol.split("/")))

    def __init__(self, books: Books, keys: Keys) -> None:
        super().__init__(books, keys)
        self._nonces: set[str] = set()

    def kind(self, request: Request) -> Kind:
        if request.path in ("/v1/ticker", "/v1/orderbook/instruments"):
            return "public"
        return "order" if request.method == "POST" else "read"

    def serve(self, request: Request, now_ms: int) -> Reply:
        if request.path == "/v1/ticker":
            return json_reply([{"market": request.parameters.get("markets", ""), "timestamp": now_ms}])
        if request.path == "/v1/orderbook/instruments":
            asked = request.parameters.get("markets", "").split(",")
            return json_reply([self._listed(name) for name in asked if name in self._symbols])
        if code := self._denied(request):
            return self.refused(code)
        form = request.parameters
        match request.method, request.path:
            case "POST", "/v1/orders":
                return self._place(request.json)
            case "GET", "/v1/order":
                found = self._books.find(form.get("identifier", ""))
                return json_reply(self._order(found)) if found else self.refused("order_not_found")
            case "GET", "/v1/orders/chance":
                least = self._books.instruments[self._symbols[form["market"]]].min_notional
                return json_reply({"market": {"bid": {"min_total": f"{least:f}"}, "ask": {"min_total": f"{least:f}"}}})
            case "GET", "/v1/accounts":
                balances = self._books.balances.items()
                return json_reply(
                    [{"currency": name, "balance": f"{much:f}", "locked": "0"} for name, much in balances]
                )
        return self.refused("not_found")

    def refused(self, code: str, text: str = "") -> Reply:
        return json_reply({"error": {"name": code, "message": text or code}}, STATUS.get(code, 400))

    def acknowledged_without_id(self) -> Reply:
        return json_reply({"market": "USDT-BTC", "state": "wait"}, 201)

    def rate_limited(self) -> Reply:
        return self.refused("too_many_requests")

    def why(self, why: Why) -> str:
        codes = {"symbol": "market_does_not_exist", "tick": "invalid_price_bid", "notional": "under_min_total_bid",
                 "funds": "insufficient_funds_bid", "duplicate": "duplicate_identifier"}  # fmt: skip
        return codes.get(why, "validation_error")

    def _listed(self, market: str) -> dict[str, str]:
        return {"market": market, "tick_size": f"{self._books.instruments[self._symbols[market]].tick_size:f}"}

    def _denied(self, request: Request) -> str:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        signed, _, signature = token.rpartition(".")
        try:
            claims = orjson.loads(_unpadded(signed.partition(".")[2]))
        except ValueError:
            return "jwt_verification"
        expected = base64.urlsafe_b64encode(hmac_sha256(self._keys.secret, signed).digest()).decode().rstrip("=")
        if claims.get("access_key") != self._keys.key:
            return "invalid_access_key"
        if not same(expected, signature):
            return "jwt_verification"
        if claims["nonce"] in self._nonces:
            return "nonce_used"
        self._nonces.add(claims["nonce"])
        asked = unquote(request.query)
        if request.body:
            asked = "&".join(f"{name}={value}" for name, value in request.json.items())
        matches = not asked or claims.get("query_hash") == hashlib.sha512(asked.encode()).hexdigest()
        return "" if matches else "invalid_query_payload"

    def _place(self, form: dict[str, Any]) -> Reply:
        placing = Placing(
            form["identifier"],
            self._symbols.get(form["market"], form["market"]),
            "buy" if form["side"] == "bid" else "sell",
            Decimal(form["price"]),
            Decimal(form["volume"]),
        )
        booked = self._books.place(placing)
        if not isinstance(booked, Booked):
            return self.refused(self.why(booked))
        acknowledged = {**self._order(booked), "state": "wait", "executed_volume": "0", "paid_fee": "0"}
        del acknowledged["trades"]
        return json_reply(acknowledged, 201)

    def _order(self, booked: Booked) -> dict[str, Any]:
        placing = booked.placing
        market = self.native(placing.symbol)
        return {
            "uuid": f"00000000-0000-4000-8000-{booked.order_id:012d}",
            "identifier": placing.client_id,
            "market": market,
            "side": "bid" if placing.side == "buy" else "ask",
            "ord_type": "limit",
            "time_in_force": "ioc",
            "price": f"{placing.price:f}",
            "volume": f"{placing.size:f}",
            "state": "done" if booked.filled == placing.size else "cancel",
            "executed_volume": f"{booked.filled:f}",
            "paid_fee": f"{booked.fees:f}",
            "trades_count": len(booked.executions),
            "trades": [
                {
                    "market": market,
                    "uuid": f"00000000-0000-4000-9000-{one.trade_id:012d}",
                    "price": f"{one.price:f}",
                    "volume": f"{one.size:f}",
                    "funds": f"{one.price * one.size:f}",
                    "created_at": datetime.fromtimestamp(one.at_ms / 1e3, UTC).isoformat(timespec="seconds"),
                }
                for one in reversed(booked.executions)
            ],
        }


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
