"""OKX v5 spot order entry over REST.

Sources: OKX API v5 documentation, "Place order", "Order details", "Transaction details", "Get balance", "Overview:
signature" and "Error code"; read in November 2026.
"""

import base64
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from core.instruments import Instrument
from core.sim.entry.books import Booked, Placing, Why
from core.sim.entry.dialect import Entry, Kind, hmac_sha256, same
from core.sim.http import Reply, Request, json_reply

WINDOW_MS = 30_000
TEXTS = {
    "50004": "Endpoint request timeout (does not mean that the request was successful or failed).",
    "50011": "Rate limit reached. Please refer to API documentation and throttle requests accordingly",
    "50026": "System error. Try again later",
    "50102": "Timestamp request expired",
    "50111": "Invalid OK-ACCESS-KEY",
    "50113": "Invalid signature",
    "51000": "Parameter error",
    "51001": "Instrument ID doesn't exist",
    "51008": "Order failed. Insufficient USDT balance in account",
    "51016": "Client order ID already exists.",
    "51020": "Your order should meet or exceed the minimum order amount.",
    "51121": "Order quantity must be a multiple of the lot size.",
    "51149": "Order timed out. Please try again.",
    "51603": "Order does not exist",
}
OF_THE_REQUEST = {"50004", "50011", "50026", "50102", "50111", "50113", "51603"}  # others stand in `data`


class OkxEntry(Entry):
    """Acknowledges an order; its outcome must be read."""

    name: ClassVar = "okx"
    joint: ClassVar = "-"

    def kind(self, request: Request) -> Kind:
        if request.path.startswith("/api/v5/public/"):
            return "public"
        return "order" if request.method == "POST" else "read"

    def serve(self, request: Request, now_ms: int) -> Reply:
        if request.path == "/api/v5/public/time":
            return _ok([{"ts": str(now_ms)}])
        if request.path == "/api/v5/public/instruments":
            return _ok([_listed(one) for one in self._books.instruments.values()])
        if code := self._denied(request, now_ms):
            return self.refused(code)
        form = request.parameters
        match request.method, request.path:
            case "POST", "/api/v5/trade/order":
                until_ms = int(request.headers.get("exptime", "0"))
                if until_ms and now_ms > until_ms:
                    return self.refused("51149")
                return self._place(request.json)
            case "GET", "/api/v5/trade/order":
                found = self._books.find(form.get("clOrdId", ""))
                return _ok([_order(found)]) if found else self.refused("51603")
            case "GET", "/api/v5/trade/fills":
                found = self._books.by_id(int(form.get("ordId", "0")))
                return _ok(_trades(found) if found else [])
            case "GET", "/api/v5/account/config":
                return _ok([{"perm": "read_only,trade" + ",withdraw" * self.may_withdraw}])
            case "GET", "/api/v5/account/balance":
                details = [
                    {"ccy": name, "cashBal": f"{amount:f}", "availBal": f"{amount:f}", "frozenBal": "0"}
                    for name, amount in self._books.balances.items()
                ]
                return _ok([{"details": details}])
        return json_reply({"code": "404", "msg": "Not Found", "data": []}, 404)

    def refused(self, code: str, text: str = "") -> Reply:
        text = text or TEXTS.get(code, "Refused.")
        if code in OF_THE_REQUEST:
            return json_reply({"code": code, "msg": text, "data": []}, 401 if code in ("50111", "50113") else 200)
        row = {"clOrdId": "", "ordId": "", "tag": "", "sCode": code, "sMsg": text}
        return json_reply({"code": "1", "msg": "All operations failed", "data": [row]})

    def acknowledged_without_id(self) -> Reply:
        return _ok([])

    def rate_limited(self) -> Reply:
        return Reply(429, self.refused("50011").body)

    def why(self, why: Why) -> str:
        codes = {"symbol": "51001", "lot": "51121", "notional": "51020", "funds": "51008", "duplicate": "51016"}
        return codes.get(why, "51000")

    def _denied(self, request: Request, now_ms: int) -> str:
        headers, stamp = request.headers, request.headers.get("ok-access-timestamp", "")
        target = request.path + (f"?{request.query}" if request.query else "")
        text = stamp + request.method + target + request.body.decode()
        if headers.get("ok-access-key") != self._keys.key:
            return "50111"
        signature = base64.b64encode(hmac_sha256(self._keys.secret, text).digest()).decode()
        if headers.get("ok-access-passphrase") != self._keys.passphrase:
            return "50113"
        if not same(signature, headers.get("ok-access-sign", "")):
            return "50113"
        sent_ms = datetime.fromisoformat(stamp).timestamp() * 1000
        return "" if abs(now_ms - sent_ms) <= WINDOW_MS else "50102"

    def _place(self, form: dict[str, Any]) -> Reply:
        placing = Placing(
            form["clOrdId"],
            self._symbols.get(form["instId"], form["instId"]),
            form["side"],
            Decimal(form["px"]),
            Decimal(form["sz"]),
        )
        booked = self._books.place(placing)
        if not isinstance(booked, Booked):
            return self.refused(self.why(booked))
        row = {"clOrdId": placing.client_id, "ordId": str(booked.order_id), "tag": "", "sCode": "0", "sMsg": ""}
        return _ok([row])


def _ok(data: list[dict[str, Any]]) -> Reply:
    return json_reply({"code": "0", "msg": "", "data": data})


def _order(booked: Booked) -> dict[str, Any]:
    placing = booked.placing
    return {
        "instId": OkxEntry.native(placing.symbol),
        "ordId": str(booked.order_id),
        "clOrdId": placing.client_id,
        "px": f"{placing.price:f}",
        "sz": f"{placing.size:f}",
        "side": placing.side,
        "ordType": "ioc",
        "state": "filled" if booked.filled == placing.size else "canceled",
        "accFillSz": f"{booked.filled:f}",
        "avgPx": f"{booked.average:f}" if booked.executions else "",
        "fee": f"{-booked.fees:f}",
        "feeCcy": booked.executions[0].fee_currency if booked.executions else "",
        "cTime": str(booked.at_ms),
        "uTime": str(booked.at_ms),
    }


def _trades(booked: Booked) -> list[dict[str, Any]]:
    return [
        {
            "instId": OkxEntry.native(booked.placing.symbol),
            "tradeId": str(one.trade_id),
            "ordId": str(booked.order_id),
            "clOrdId": booked.placing.client_id,
            "fillPx": f"{one.price:f}",
            "fillSz": f"{one.size:f}",
            "fee": f"{-one.fee:f}",
            "feeCcy": one.fee_currency,
            "side": booked.placing.side,
            "execType": "T",
            "ts": str(one.at_ms),
        }
        for one in reversed(booked.executions)
    ]


def _listed(one: Instrument) -> dict[str, Any]:
    return {
        "instId": OkxEntry.native(one.symbol),
        "instType": "SPOT",
        "state": "live",
        "tickSz": f"{one.tick_size:f}",
        "lotSz": f"{one.lot_size:f}",
        "minSz": f"{one.min_size:f}",
    }
