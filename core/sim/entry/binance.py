"""Binance spot order entry over REST.

Sources: Binance Spot API documentation, "Trading endpoints", "Account endpoints", "Errors" and "Request security";
read in November 2026.
"""

from decimal import Decimal
from typing import Any, ClassVar

from core.instruments import Instrument
from core.sim.entry.books import Booked, Placing, Unique, Why
from core.sim.entry.dialect import Entry, Kind, hmac_sha256, same
from core.sim.http import Reply, Request, json_reply

TEXTS = {
    "-1000": "An unknown error occurred while processing the request.",
    "-1001": "Internal error; unable to process your request. Please try again.",
    "-1003": "Too many requests.",
    "-1006": "An unexpected response was received from the message bus. Execution status unknown.",
    "-1007": "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    "-1013": "Filter failure: NOTIONAL",
    "-1021": "Timestamp for this request is outside of the recvWindow.",
    "-1022": "Signature for this request is not valid.",
    "-1100": "Illegal characters found in a parameter.",
    "-1121": "Invalid symbol.",
    "-2010": "Account has insufficient balance for requested action.",
    "-2013": "Order does not exist.",
    "-2014": "API-key format invalid.",
    "-2015": "Invalid API-key, IP, or permissions for action.",
}
STATUS = {"-1000": 500, "-1001": 500, "-1003": 429, "-1006": 500, "-1007": 408, "-2014": 401, "-2015": 401}


class BinanceEntry(Entry):
    """Answers an order with its fills (newOrderRespType=FULL)."""

    name: ClassVar = "binance"
    unique: ClassVar[Unique] = "open"

    def kind(self, request: Request) -> Kind:
        if request.path in ("/api/v3/time", "/api/v3/exchangeInfo"):
            return "public"
        return "order" if request.method == "POST" else "read"

    def serve(self, request: Request, now_ms: int) -> Reply:
        if request.path == "/api/v3/time":
            return json_reply({"serverTime": now_ms})
        if request.path == "/api/v3/exchangeInfo":
            return json_reply({"symbols": [_listed(one) for one in self._books.instruments.values()]})
        if code := self._denied(request, now_ms):
            return self.refused(code)
        form = request.parameters
        match request.method, request.path:
            case "POST", "/api/v3/order":
                return self._place(form)
            case "GET", "/api/v3/order":
                found = self._books.find(form.get("origClientOrderId", ""))
                return json_reply(self._order(found)) if found else self.refused("-2013")
            case "GET", "/api/v3/myTrades":
                found = self._books.by_id(int(form.get("orderId", "0")))
                return json_reply(self._trades(found) if found else [])
            case "GET", "/sapi/v1/account/apiRestrictions":
                return json_reply({"enableReading": True, "enableWithdrawals": self.may_withdraw})
            case "GET", "/api/v3/account":
                balances = self._books.balances.items()
                rows = [{"asset": name, "free": f"{amount:f}", "locked": "0.00000000"} for name, amount in balances]
                return json_reply({"canTrade": True, "accountType": "SPOT", "balances": rows})
        return json_reply({"code": -1, "msg": "no such path"}, 404)

    def refused(self, code: str, text: str = "") -> Reply:
        return json_reply({"code": int(code), "msg": text or TEXTS.get(code, "Refused.")}, STATUS.get(code, 400))

    def acknowledged_without_id(self) -> Reply:
        return json_reply({})

    def rate_limited(self) -> Reply:
        reply = self.refused("-1003")
        return Reply(429, reply.body, {"Retry-After": "12"})

    def why(self, why: Why) -> str:
        return {"symbol": "-1121", "id": "-1100", "funds": "-2010", "duplicate": "-2010"}.get(why, "-1013")

    def _denied(self, request: Request, now_ms: int) -> str:
        text = "&".join(filter(None, (request.query, request.body.decode())))
        signed, _, signature = text.rpartition("&signature=")
        if request.headers.get("x-mbx-apikey") != self._keys.key:
            return "-2015"
        if not same(hmac_sha256(self._keys.secret, signed).hexdigest(), signature):
            return "-1022"
        form = request.parameters
        sent_ms, window_ms = int(form.get("timestamp", "0")), int(form.get("recvWindow", "5000"))
        return "" if sent_ms < now_ms + 1_000 and now_ms - sent_ms <= window_ms else "-1021"

    def _place(self, form: dict[str, str]) -> Reply:
        placing = Placing(
            form["newClientOrderId"],
            self._symbols.get(form["symbol"], form["symbol"]),
            "buy" if form["side"] == "BUY" else "sell",
            Decimal(form["price"]),
            Decimal(form["quantity"]),
        )
        booked = self._books.place(placing)
        if not isinstance(booked, Booked):
            text = "Duplicate order sent." if booked == "duplicate" else ""
            return self.refused(self.why(booked), text)
        fills = [
            {
                "price": f"{one.price:f}",
                "qty": f"{one.size:f}",
                "commission": f"{one.fee:f}",
                "commissionAsset": one.fee_currency,
                "tradeId": one.trade_id,
            }
            for one in booked.executions
        ]
        return json_reply({**self._order(booked), "transactTime": booked.at_ms, "fills": fills})

    def _order(self, booked: Booked) -> dict[str, Any]:
        placing = booked.placing
        return {
            "symbol": self.native(placing.symbol),
            "orderId": booked.order_id,
            "orderListId": -1,
            "clientOrderId": placing.client_id,
            "price": f"{placing.price:f}",
            "origQty": f"{placing.size:f}",
            "executedQty": f"{booked.filled:f}",
            "cummulativeQuoteQty": f"{booked.worth:f}",
            "status": "FILLED" if booked.filled == placing.size else "EXPIRED",
            "timeInForce": "IOC",
            "type": "LIMIT",
            "side": placing.side.upper(),
            "time": booked.at_ms,
        }

    def _trades(self, booked: Booked) -> list[dict[str, Any]]:
        return [
            {
                "symbol": self.native(booked.placing.symbol),
                "id": one.trade_id,
                "orderId": booked.order_id,
                "price": f"{one.price:f}",
                "qty": f"{one.size:f}",
                "quoteQty": f"{one.size * one.price:f}",
                "commission": f"{one.fee:f}",
                "commissionAsset": one.fee_currency,
                "time": one.at_ms,
                "isBuyer": booked.placing.side == "buy",
                "isMaker": False,
            }
            for one in booked.executions
        ]


def _listed(one: Instrument) -> dict[str, Any]:
    lot = {"filterType": "LOT_SIZE", "stepSize": f"{one.lot_size:.8f}", "minQty": f"{one.min_size:.8f}"}
    return {
        "symbol": BinanceEntry.native(one.symbol),
        "status": "TRADING",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": f"{one.tick_size:.8f}"},
            lot,
            {"filterType": "NOTIONAL", "minNotional": f"{one.min_notional:.8f}"},
        ],
    }
