"""What each venue is asked, and how its answers read: orders, fills, balances. Answers are texts made exact.

Sources: the venues' REST documentation: Binance Spot, Bybit V5, OKX API v5, Upbit; November 2026.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import msgspec

from core.execution.orders import Fill, Order, filled
from core.live.meaning import meaning_of_question
from core.live.venues import Exchange, VenueFailure


class Reading(msgspec.Struct, frozen=True):
    """An order as its venue tells of it."""

    over: bool  # nothing more will fill
    filled: Decimal
    fills: tuple[Fill, ...]

    @property
    def whole(self) -> bool:
        """Whether it is over and every fill is here."""
        return self.over and filled(self.fills) == self.filled


class NoAnswer(Exception):
    """What came back is no answer to what was asked: nothing is proven by it."""


class Dialect(Protocol):
    """One venue's order entry."""

    async def place(self, order: Order) -> Reading | None:
        """Send an immediate-or-cancel limit order; return what came of it, None if that must be asked for.

        Raises:
            NoAnswer: the answer does not say that there is an order.
        """

    async def look(self, order: Order) -> Reading | None:
        """Return what the venue knows of `order` by its client id; None: no such order."""

    async def balances(self) -> dict[str, Decimal]:
        """Return what the account holds, per currency, reserved or not."""

    async def clock_ms(self) -> float | None:
        """Ask for the venue's time; None: it tells none that is fine enough."""


def dialect(exchange: Exchange) -> Dialect:
    kinds: dict[str, Callable[[Exchange], Dialect]] = {
        "binance": Binance,
        "bybit": Bybit,
        "okx": Okx,
        "upbit": Upbit,
    }
    return kinds[exchange.venue](exchange)


class Binance:
    def __init__(self, exchange: Exchange) -> None:
        self._call = exchange.call

    async def place(self, order: Order) -> Reading | None:
        form = {
            "symbol": order.symbol.replace("/", ""),
            "side": order.side.upper(),
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": f"{order.size:f}",
            "price": f"{order.price:f}",
            "newClientOrderId": order.client_id,
            "newOrderRespType": "FULL",
        }
        answer = _table(await self._call("privatePostOrder", form))
        _expect_id(answer.get("orderId"))
        if answer.get("clientOrderId") != order.client_id:
            raise NoAnswer("the answer is about another order")
        at_ns = int(answer.get("transactTime", 0)) * 1_000_000
        fills = tuple(
            Fill(_exact(one["price"]), _exact(one["qty"]), _exact(one["commission"]), one["commissionAsset"], at_ns)
            for one in answer.get("fills", ())
        )
        reading = self._reading(answer, fills)
        return reading if reading.whole else None

    async def look(self, order: Order) -> Reading | None:
        symbol = order.symbol.replace("/", "")
        answer = await _asked(self._call, "privateGetOrder", symbol=symbol, origClientOrderId=order.client_id)
        if answer is None:
            return None
        found = _table(answer)
        trades = []
        if _exact(found["executedQty"]):
            trades = _rows(await self._call("privateGetMyTrades", {"symbol": symbol, "orderId": found["orderId"]}))
        fills = tuple(
            Fill(_exact(one["price"]), _exact(one["qty"]), _exact(one["commission"]), one["commissionAsset"],
                 int(one["time"]) * 1_000_000)
            for one in sorted(trades, key=lambda one: int(one["id"]))
        )  # fmt: skip
        return self._reading(found, fills)

    @staticmethod
    def _reading(answer: Mapping[str, Any], fills: tuple[Fill, ...]) -> Reading:
        over = answer["status"] in ("FILLED", "EXPIRED", "CANCELED", "REJECTED", "EXPIRED_IN_MATCH")
        return Reading(over, _exact(answer["executedQty"]), fills)

    async def balances(self) -> dict[str, Decimal]:
        answer = _table(await self._call("privateGetAccount", {"omitZeroBalances": "true"}))
        return {one["asset"]: _exact(one["free"]) + _exact(one["locked"]) for one in _rows(answer["balances"])}

    async def clock_ms(self) -> float | None:
        return float(_table(await self._call("publicGetTime", {}))["serverTime"])


class Bybit:
    def __init__(self, exchange: Exchange) -> None:
        self._call = exchange.call

    async def place(self, order: Order) -> Reading | None:
        form = {
            "category": "spot",
            "symbol": order.symbol.replace("/", ""),
            "side": order.side.capitalize(),
            "orderType": "Limit",
            "timeInForce": "IOC",
            "qty": f"{order.size:f}",
            "price": f"{order.price:f}",
            "orderLinkId": order.client_id,
        }
        answer = _table(_table(await self._call("privatePostV5OrderCreate", form)).get("result"))
        _expect_id(answer.get("orderId"))
        return None

    async def look(self, order: Order) -> Reading | None:
        asked = {"category": "spot", "symbol": order.symbol.replace("/", ""), "orderLinkId": order.client_id}
        for place in ("privateGetV5OrderRealtime", "privateGetV5OrderHistory"):
            if rows := self._rows(await self._call(place, asked)):
                return await self._reading(rows[0], asked["symbol"])
        return None

    async def _reading(self, found: Mapping[str, Any], symbol: str) -> Reading:
        done = _exact(found["cumExecQty"])
        asked = {"category": "spot", "symbol": symbol, "orderId": found["orderId"]}
        trades = self._rows(await self._call("privateGetV5ExecutionList", asked)) if done else []
        fills = tuple(
            Fill(_exact(one["execPrice"]), _exact(one["execQty"]), _exact(one["execFee"]), one["feeCurrency"],
                 int(one["execTime"]) * 1_000_000)
            for one in reversed(trades)
        )  # fmt: skip
        # Not by what is left: a partly filled order that was cancelled reads as if nothing were missing.
        over = found["orderStatus"] in ("Filled", "Cancelled", "PartiallyFilledCanceled", "Rejected", "Deactivated")
        return Reading(over, done, fills)

    async def balances(self) -> dict[str, Decimal]:
        accounts = self._rows(await self._call("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"}))
        return {one["coin"]: _exact(one["walletBalance"]) for one in _rows(accounts[0]["coin"])} if accounts else {}

    async def clock_ms(self) -> float | None:
        return int(_table(_table(await self._call("publicGetV5MarketTime", {}))["result"])["timeNano"]) / 1e6

    @staticmethod
    def _rows(answer: Any) -> list[Any]:
        return _rows(_table(_table(answer).get("result")).get("list"))


class Okx:
    def __init__(self, exchange: Exchange) -> None:
        self._call = exchange.call

    async def place(self, order: Order) -> Reading | None:
        form = {
            "instId": order.symbol.replace("/", "-"),
            "tdMode": "cash",
            "side": order.side,
            "ordType": "ioc",
            "sz": f"{order.size:f}",
            "px": f"{order.price:f}",
            "clOrdId": order.client_id,
        }
        rows = _rows(_table(await self._call("privatePostTradeOrder", form)).get("data"))
        _expect_id(rows[0].get("ordId") if rows else None)
        return None

    async def look(self, order: Order) -> Reading | None:
        instrument = order.symbol.replace("/", "-")
        answer = await _asked(self._call, "privateGetTradeOrder", instId=instrument, clOrdId=order.client_id)
        if answer is None:
            return None
        found = _rows(_table(answer)["data"])[0]
        done = _exact(found["accFillSz"] or "0")
        asked = {"instType": "SPOT", "instId": instrument, "ordId": found["ordId"]}
        trades = _rows(_table(await self._call("privateGetTradeFills", asked))["data"]) if done else []
        fills = tuple(
            Fill(_exact(one["fillPx"]), _exact(one["fillSz"]), -_exact(one["fee"]), one["feeCcy"],
                 int(one["ts"]) * 1_000_000)
            for one in reversed(trades)
        )  # fmt: skip
        return Reading(found["state"] in ("filled", "canceled", "mmp_canceled"), done, fills)

    async def balances(self) -> dict[str, Decimal]:
        rows = _rows(_table(await self._call("privateGetAccountBalance", {}))["data"])
        return {one["ccy"]: _exact(one["cashBal"]) for one in _rows(rows[0]["details"])} if rows else {}

    async def clock_ms(self) -> float | None:
        return float(_rows(_table(await self._call("publicGetPublicTime", {}))["data"])[0]["ts"])


class Upbit:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange, self._call = exchange, exchange.call

    async def place(self, order: Order) -> Reading | None:
        form = {
            "market": _market(order.symbol),
            "side": "bid" if order.side == "buy" else "ask",
            "volume": f"{order.size:f}",
            "price": f"{order.price:f}",
            "ord_type": "limit",
            "time_in_force": "ioc",
            "identifier": order.client_id,
        }
        _expect_id(_table(await self._call("privatePostOrders", form)).get("uuid"))
        return None

    async def look(self, order: Order) -> Reading | None:
        answer = await _asked(self._call, "privateGetOrder", identifier=order.client_id)
        if answer is None:
            return None
        found = _table(answer)
        quote, paid = order.symbol.split("/")[1], _exact(found["paid_fee"])
        over = found["state"] in ("done", "cancel", "prevented")
        fills: list[Fill] = []
        for one in reversed(_rows(found.get("trades", []))):
            at_ns = int(datetime.fromisoformat(one["created_at"]).timestamp() * 1e9)
            # The venue tells one fee for the whole order; it stands with the first fill.
            fills.append(Fill(_exact(one["price"]), _exact(one["volume"]), Decimal(0) if fills else paid, quote, at_ns))
        return Reading(over, _exact(found["executed_volume"]), tuple(fills))

    async def balances(self) -> dict[str, Decimal]:
        rows = _rows(await self._call("privateGetAccounts", {}))
        return {one["currency"]: _exact(one["balance"]) + _exact(one["locked"]) for one in rows}

    async def clock_ms(self) -> float | None:
        """Its only clock is the answer's Date header, in whole seconds: too coarse to set a clock by."""
        await self._call("publicGetTicker", {"markets": "KRW-BTC"})
        return None


async def _asked(call: Callable[[str, dict[str, Any]], Any], endpoint: str, **parameters: str) -> Any:
    """Return the answer; None if the venue says that it knows no such order."""
    try:
        return await call(endpoint, parameters)
    except VenueFailure as error:
        if meaning_of_question(error.failure) == "absent":
            return None
        raise


def _market(symbol: str) -> str:
    base, quote = symbol.split("/")
    return f"{quote}-{base}"


def _expect_id(order_id: object) -> None:
    if order_id in (None, ""):
        raise NoAnswer("the answer names no order")


def _table(answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict):
        return answer
    raise NoAnswer(f"not an answer: {str(answer)[:60]!r}")


def _rows(answer: Any) -> list[Any]:
    if isinstance(answer, list):
        return answer
    raise NoAnswer(f"not a list: {str(answer)[:60]!r}")


def _exact(text: object) -> Decimal:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        raise NoAnswer(f"not a number: {text!r}") from None
