"""What each venue says of its symbols and of our key, asked once when the gateway starts.

Sources: Binance "Exchange information", "Get API Key Permission"; Bybit "Get instruments info", "Get API key
information"; OKX "Get instruments", "Get account configuration"; Upbit "Orderbook instruments", "Orders chance";
November 2026.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

from core.instruments import Instrument
from core.live.venues import Exchange

TELLS = ("binance", "bybit", "okx")  # venues that say what our key may do
UPBIT_LOT = Decimal("1e-8")  # it tells no step of sizes: eight decimals


async def instruments(exchange: Exchange, symbols: Sequence[str]) -> list[Instrument]:
    """Return the lattices of those of `symbols` that can be traded at this moment.

    Raises:
        VenueFailure: the venue refused, or did not answer.
        LookupError, ArithmeticError, TypeError: what it said is not what it documents.
    """
    match exchange.venue:
        case "binance":
            return await _binance(exchange, symbols)
        case "bybit":
            return await _bybit(exchange, symbols)
        case "okx":
            return await _okx(exchange, symbols)
    return await _upbit(exchange, symbols)


async def may_withdraw(exchange: Exchange) -> bool | None:
    """Return whether our key could take money away; None: the venue does not tell.

    Raises:
        VenueFailure: the venue refused, or did not answer.
        LookupError, TypeError, AttributeError: what it said is not what it documents.
    """
    match exchange.venue:
        case "binance":
            return bool((await exchange.call("sapiGetAccountApiRestrictions", {}))["enableWithdrawals"])
        case "bybit":
            answer = await exchange.call("privateGetV5UserQueryApi", {})
            return "Withdraw" in answer["result"]["permissions"].get("Wallet", ())
        case "okx":
            answer = await exchange.call("privateGetAccountConfig", {})
            return "withdraw" in answer["data"][0]["perm"].split(",")
    return None


async def _binance(exchange: Exchange, symbols: Sequence[str]) -> list[Instrument]:
    names = {symbol.replace("/", ""): symbol for symbol in symbols}
    answer = await exchange.call("publicGetExchangeInfo", {"symbols": orjson.dumps(list(names)).decode()})
    found = []
    for row in answer["symbols"]:
        filters = {one["filterType"]: one for one in row["filters"]}
        lot, notional = filters["LOT_SIZE"], filters.get("NOTIONAL") or filters["MIN_NOTIONAL"]
        if row["status"] == "TRADING":
            tick = filters["PRICE_FILTER"]["tickSize"]
            found.append(
                _instrument(
                    exchange, names[row["symbol"]], tick, lot["stepSize"], lot["minQty"], notional["minNotional"]
                )
            )
    return found


async def _bybit(exchange: Exchange, symbols: Sequence[str]) -> list[Instrument]:
    names = {symbol.replace("/", ""): symbol for symbol in symbols}
    answer = await exchange.call("publicGetV5MarketInstrumentsInfo", {"category": "spot"})
    found = []
    for row in answer["result"]["list"]:
        if row["symbol"] in names and row["status"] == "Trading":
            lot, tick = row["lotSizeFilter"], row["priceFilter"]["tickSize"]
            least = (lot["basePrecision"], lot["minOrderQty"], lot["minOrderAmt"])
            found.append(_instrument(exchange, names[row["symbol"]], tick, *least))
    return found


async def _okx(exchange: Exchange, symbols: Sequence[str]) -> list[Instrument]:
    names = {symbol.replace("/", "-"): symbol for symbol in symbols}
    answer = await exchange.call("publicGetPublicInstruments", {"instType": "SPOT"})
    return [
        _instrument(exchange, names[row["instId"]], row["tickSz"], row["lotSz"], row["minSz"], "0")
        for row in answer["data"]
        if row["instId"] in names and row["state"] == "live"
    ]


async def _upbit(exchange: Exchange, symbols: Sequence[str]) -> list[Instrument]:
    names = {"-".join(reversed(symbol.split("/"))): symbol for symbol in symbols}
    ticks = await exchange.call("publicGetOrderbookInstruments", {"markets": ",".join(names)})
    found = []
    for row in ticks:
        chance = await exchange.call("privateGetOrdersChance", {"market": row["market"]})
        least = str(chance["market"]["bid"]["min_total"])
        found.append(_instrument(exchange, names[row["market"]], row["tick_size"], UPBIT_LOT, UPBIT_LOT, least))
    return found


def _instrument(exchange: Exchange, symbol: str, tick: Any, lot: Any, least: Any, least_notional: Any) -> Instrument:
    """Return the lattice, without the zeros that venues write behind their steps."""
    notional = Decimal(str(least_notional))
    return Instrument(exchange.venue, symbol, _step(tick), _step(lot), _step(least), notional)


def _step(text: Any) -> Decimal:
    step = Decimal(str(text))
    if not step.is_finite() or step <= 0:
        raise ArithmeticError(f"no step: {text!r}")
    return Decimal(f"{step.normalize():f}")
