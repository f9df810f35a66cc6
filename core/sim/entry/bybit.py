"""Bybit v5 spot order entry over REST.

Sources: Bybit V5 API documentation, "Place order", "Get open & closed orders", "Get trade history", "Integration
guidance" and "Error codes"; read in November 2026.
"""

from decimal import Decimal
from typing import Any, ClassVar

from core.instruments import Instrument
from core.sim.entry.books import Booked, Placing, Why
from core.sim.entry.dialect import Entry, Kind, hmac_sha256, same
from core.sim.http import Reply, Request, json_reply

TEXTS = {
    "10000": "Server Timeout",
    "10002": "invalid request, please check your server timestamp or recv_window param",
    "10003": "API key is invalid.",
    "10004": "error sign! origin_string",
    "10006": "Too many visits. Exceeded the API Rate Limit.",
    "10016": "Internal System Error",
    "170007": "Timeout waiting for response from backend server.",
    "170032": "Network error. Please try again later",
    "170121": "Invalid symbol.",
    "170124": "Order amount too large.",
    "170131": "Insufficient balance.",
    "170134": "Order price has too many decimals.",
    "170137": "Order volume decimal too long",
    "170140": "Order value exceeded lower limit.",
    "170141": "Duplicate clientOrderId",
    "170146": "Order creation timeout",
}


class BybitEntry(Entry):
    """Acknowledges an order; its outcome must be read."""

    name: ClassVar = "bybit"

    def kind(self, request: Request) -> Kind:
        if request.path.startswith("/v5/market/"):
            return "public"
        return "order" if request.path == "/v5/order/create" else "read"

    def serve(self, request: Request, now_ms: int) -> Reply:
        if request.path == "/v5/market/time":
            return _ok({"timeSecond": str(now_ms // 1000), "timeNano": f"{now_ms}000000"})
        if request.path == "/v5/market/instruments-info":
            return _ok({"category": "spot", "list": [_listed(one) for one in self._books.instruments.values()]})
        if code := self._denied(request, now_ms):
            return self.refused(code)
        form = request.parameters
        match request.path:
            case "/v5/order/create":
                return self._place(request.json)
            case "/v5/order/realtime" | "/v5/order/history":
                found = self._books.find(form.get("orderLinkId", ""))
                return _ok({"category": "spot", "list": [_order(found)] if found else [], "nextPageCursor": ""})
            case "/v5/execution/list":
                found = self._books.by_id(int(form.get("orderId", "0")))
                return _ok({"category": "spot", "list": _trades(found) if found else [], "nextPageCursor": ""})
            case "/v5/user/query-api":
                return _ok({"permissions": {"Spot": ["SpotTrade"], "Wallet": ["Withdraw"] * self.may_withdraw}})
            case "/v5/account/wallet-balance":
                coins = [
                    {"coin": name, "walletBalance": f"{amount:f}", "locked": "0"}
                    for name, amount in self._books.balances.items()
                ]
                return _ok({"list": [{"accountType": "UNIFIED", "coin": coins}]})
        return Reply(404, b"404 page not found", {"Content-Type": "text/plain"})

    def refused(self, code: str, text: str = "") -> Reply:
        told = {"retCode": int(code), "retMsg": text or TEXTS.get(code, "Refused."), "result": {}, "retExtInfo": {}}
        return json_reply(told)

    def acknowledged_without_id(self) -> Reply:
        return _ok({})

    def rate_limited(self) -> Reply:
        return self.refused("10006")

    def why(self, why: Why) -> str:
        codes = {"symbol": "170121", "tick": "170134", "lot": "170137", "notional": "170140", "funds": "170131"}
        return codes.get(why, "170141" if why == "duplicate" else "10001")

    def _denied(self, request: Request, now_ms: int) -> str:
        headers = request.headers
        stamp, window = headers.get("x-bapi-timestamp", "0"), headers.get("x-bapi-recv-window", "5000")
        payload = request.body.decode() if request.method == "POST" else request.query
        text = stamp + headers.get("x-bapi-api-key", "") + window + payload
        if headers.get("x-bapi-api-key") != self._keys.key:
            return "10003"
        if not same(hmac_sha256(self._keys.secret, text).hexdigest(), headers.get("x-bapi-sign", "")):
            return "10004"
        return "" if now_ms - int(window) <= int(stamp) < now_ms + 1_000 else "10002"

    def _place(self, form: dict[str, Any]) -> Reply:
        placing = Placing(
            form["orderLinkId"],
            self._symbols.get(form["symbol"], form["symbol"]),
            "buy" if form["side"] == "Buy" else "sell",
            Decimal(form["price"]),
            Decimal(form["qty"]),
        )
        booked = self._books.place(placing)
        if not isinstance(booked, Booked):
            return self.refused(self.why(booked))
        return _ok({"orderId": str(booked.order_id), "orderLinkId": placing.client_id})


def _ok(result: dict[str, Any]) -> Reply:
    return json_reply({"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 0})


def _order(booked: Booked) -> dict[str, Any]:
    placing = booked.placing
    ended = "PartiallyFilledCanceled" if booked.filled else "Cancelled"
    state = "Filled" if booked.filled == placing.size else ended
    return {
        "orderId": str(booked.order_id),
        "orderLinkId": placing.client_id,
        "symbol": BybitEntry.native(placing.symbol),
        "price": f"{placing.price:f}",
        "qty": f"{placing.size:f}",
        "side": placing.side.capitalize(),
        "orderStatus": state,
        "timeInForce": "IOC",
        "cumExecQty": f"{booked.filled:f}",
        "cumExecValue": f"{booked.worth:f}",
        "cumExecFee": f"{booked.fees:f}",
        "avgPrice": f"{booked.average:f}" if booked.executions else "",
        "leavesQty": "0",
        "createdTime": str(booked.at_ms),
        "updatedTime": str(booked.at_ms),
    }


def _trades(booked: Booked) -> list[dict[str, Any]]:
    return [
        {
            "symbol": BybitEntry.native(booked.placing.symbol),
            "orderId": str(booked.order_id),
            "orderLinkId": booked.placing.client_id,
            "side": booked.placing.side.capitalize(),
            "execId": str(one.trade_id),
            "execPrice": f"{one.price:f}",
            "execQty": f"{one.size:f}",
            "execFee": f"{one.fee:f}",
            "feeCurrency": one.fee_currency,
            "execType": "Trade",
            "execTime": str(one.at_ms),
            "isMaker": False,
        }
        for one in reversed(booked.executions)
    ]


def _listed(one: Instrument) -> dict[str, Any]:
    lot = {"basePrecision": f"{one.lot_size:f}", "minOrderQty": f"{one.min_size:f}"}
    return {
        "symbol": BybitEntry.native(one.symbol),
        "status": "Trading",
        "lotSizeFilter": {**lot, "minOrderAmt": f"{one.min_notional:f}"},
        "priceFilter": {"tickSize": f"{one.tick_size:f}"},
    }
