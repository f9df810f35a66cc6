"""Each venue's reference data: in the shapes that are documented, and one recorded row of each of nine.

The recorded rows are what the venues answered to others, 2023 to 2026, as kept in the ccxt project's static markets
(ccxt/ccxt, ts/src/test/static/markets, MIT licence); fields that nothing here reads are left out.
"""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from core.errors import BadFrame
from core.feeds.catalogue import dialect, own
from core.feeds.reference import read_catalogue
from core.instruments import Listing, shipped
from tests.feeds.samples import dumped

D = Decimal
BINANCE_FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "tickSize": "0.01000000"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001000", "stepSize": "0.00001000"},
    {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
]
ANSWERS: dict[str, tuple[Any, list[Listing]]] = {
    "binance": (
        {
            "symbols": [
                {
                    "symbol": "BTCUSDT",
                    "status": "TRADING",
                    "baseAsset": "BTC",
                    "quoteAsset": "USDT",
                    "filters": BINANCE_FILTERS,
                },
                {
                    "symbol": "ETHUSDT",
                    "status": "BREAK",
                    "baseAsset": "ETH",
                    "quoteAsset": "USDT",
                    "filters": BINANCE_FILTERS[:2],
                },
            ]
        },
        [
            Listing("BTC/USDT", "BTCUSDT", True, D("0.01"), D("0.00001"), D("0.00001"), D(5)),
            Listing("ETH/USDT", "ETHUSDT", False, D("0.01"), D("0.00001"), D("0.00001")),
        ],
    ),
    "bybit": (
        {
            "retCode": 0,
            "result": {
                "list": [
                    {
                        "symbol": "BTCUSDT",
                        "baseCoin": "BTC",
                        "quoteCoin": "USDT",
                        "status": "Trading",
                        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.000011", "minOrderAmt": "5"},
                        "priceFilter": {"tickSize": "0.1"},
                    }
                ]
            },
        },
        [Listing("BTC/USDT", "BTCUSDT", True, D("0.1"), D("0.000001"), D("0.000011"), D(5))],
    ),
    "okx": (
        {
            "code": "0",
            "data": [
                {
                    "instId": "BTC-USDT",
                    "baseCcy": "BTC",
                    "quoteCcy": "USDT",
                    "tickSz": "0.1",
                    "lotSz": "0.00000001",
                    "minSz": "0.00001",
                    "state": "live",
                }
            ],
        },
        [Listing("BTC/USDT", "BTC-USDT", True, D("0.1"), D("0.00000001"), D("0.00001"))],
    ),
    "coinbase": (
        [
            {
                "id": "BTC-USD",
                "base_currency": "BTC",
                "quote_currency": "USD",
                "quote_increment": "0.01",
                "base_increment": "0.00000001",
                "min_market_funds": "1",
                "status": "online",
                "trading_disabled": False,
            }
        ],
        [Listing("BTC/USD", "BTC-USD", True, D("0.01"), D("0.00000001"), D(0), D(1))],
    ),
    "kraken": (
        {
            "error": [],
            "result": {
                "XXBTZUSD": {
                    "altname": "XBTUSD",
                    "wsname": "XBT/USD",
                    "base": "XXBT",
                    "quote": "ZUSD",
                    "pair_decimals": 1,
                    "lot_decimals": 8,
                    "fees": [[0, 0.8], [2500, 0.6]],
                    "ordermin": "0.00005",
                    "costmin": "0.5",
                    "tick_size": "0.1",
                    "status": "online",
                }
            },
        },
        [Listing("BTC/USD", "BTC/USD", True, D("0.1"), D("1E-8"), D("0.00005"), D("0.5"), D("0.008"))],
    ),
    "gate": (
        [
            {
                "id": "BTC_USDT",
                "base": "BTC",
                "quote": "USDT",
                "fee": "0.2",
                "min_base_amount": "0.00001",
                "min_quote_amount": "3",
                "amount_precision": 5,
                "precision": 1,
                "trade_status": "tradable",
            }
        ],
        [Listing("BTC/USDT", "BTC_USDT", True, D("0.1"), D("0.00001"), D("0.00001"), D(3), D("0.002"))],
    ),
    "bitget": (
        {
            "code": "00000",
            "data": [
                {
                    "symbol": "BTCUSDT",
                    "baseCoin": "BTC",
                    "quoteCoin": "USDT",
                    "minTradeAmount": "0",
                    "takerFeeRate": "0.001",
                    "pricePrecision": "2",
                    "quantityPrecision": "6",
                    "minTradeUSDT": "1",
                    "status": "online",
                }
            ],
        },
        [Listing("BTC/USDT", "BTCUSDT", True, D("0.01"), D("0.000001"), D(0), D(1), D("0.001"))],
    ),
    "kucoin": (
        {
            "code": "200000",
            "data": [
                {
                    "symbol": "BCHSV-USDT",
                    "name": "BSV-USDT",
                    "baseCurrency": "BCHSV",
                    "quoteCurrency": "USDT",
                    "baseMinSize": "0.01",
                    "baseIncrement": "0.0001",
                    "priceIncrement": "0.01",
                    "minFunds": "0.1",
                    "enableTrading": True,
                }
            ],
        },
        [Listing("BSV/USDT", "BCHSV-USDT", True, D("0.01"), D("0.0001"), D("0.01"), D("0.1"))],
    ),
    "upbit": ([{"market": "KRW-BTC", "english_name": "Bitcoin"}], [Listing("BTC/KRW", "KRW-BTC", True)]),
    "bithumb": ([{"market": "BTC-ETH", "english_name": "Ethereum"}], [Listing("ETH/BTC", "BTC-ETH", True)]),
    "htx": (
        {
            "status": "ok",
            "data": [
                {
                    "base-currency": "btc",
                    "quote-currency": "usdt",
                    "price-precision": 2,
                    "amount-precision": 6,
                    "symbol": "btcusdt",
                    "state": "online",
                    "min-order-amt": 0.00001,
                    "min-order-value": 10,
                }
            ],
        },
        [Listing("BTC/USDT", "btcusdt", True, D("0.01"), D("0.000001"), D("0.00001"), D(10))],
    ),
    "mexc": (
        {
            "symbols": [
                {
                    "symbol": "BTCUSDT",
                    "status": "1",
                    "baseAsset": "BTC",
                    "baseAssetPrecision": 8,
                    "quoteAsset": "USDT",
                    "quotePrecision": 2,
                    "baseSizePrecision": "0",
                    "quoteAmountPrecision": "1.000000000000000000",
                    "takerCommission": "0.0005",
                }
            ]
        },
        [Listing("BTC/USDT", "BTCUSDT", True, D("0.01"), D("1E-8"), D(0), D(1), D("0.0005"))],
    ),
    "bitfinex": (
        [[["BTCUST", [None, None, None, "0.00004", "2000.0", None]], ["BTCF0:USTF0", [None, None, None, "1", "2"]]]],
        [Listing("BTC/USDT", "tBTCUST", True, None, D("1E-8"), D("0.00004"))],
    ),
    "bitstamp": (
        [
            {
                "name": "BTC/USD",
                "market_symbol": "btcusd",
                "base_decimals": 8,
                "counter_decimals": 0,
                "minimum_order_value": "10",
                "trading": "Enabled",
            }
        ],
        [Listing("BTC/USD", "btcusd", True, D(1), D("1E-8"), D(0), D(10))],
    ),
    "cryptocom": (
        {
            "code": 0,
            "result": {
                "data": [
                    {
                        "symbol": "BTC_USDT",
                        "inst_type": "CCY_PAIR",
                        "base_ccy": "BTC",
                        "quote_ccy": "USDT",
                        "price_tick_size": "0.01",
                        "qty_tick_size": "0.00001",
                        "tradable": True,
                    },
                    {"symbol": "BTCUSD-PERP", "inst_type": "PERPETUAL_SWAP"},
                ]
            },
        },
        [Listing("BTC/USDT", "BTC_USDT", True, D("0.01"), D("0.00001"))],
    ),
    "deribit": (
        {
            "jsonrpc": "2.0",
            "result": [
                {
                    "instrument_name": "BTC_USDC",
                    "kind": "spot",
                    "base_currency": "BTC",
                    "quote_currency": "USDC",
                    "tick_size": 1.0,
                    "tick_size_steps": [],
                    "min_trade_amount": 0.0001,
                    "contract_size": 0.0001,
                    "is_active": True,
                    "taker_commission": 0.0,
                }
            ],
        },
        [Listing("BTC/USDC", "BTC_USDC", True, D("1.0"), D("0.0001"), D("0.0001"), D(0), D("0.0"))],
    ),
    "hyperliquid": (
        {
            "tokens": [
                {"name": "USDC", "szDecimals": 8, "index": 0},
                {"name": "PURR", "szDecimals": 0, "index": 1},
                {"name": "UBTC", "szDecimals": 5, "index": 197},
                {"name": "kPEPE", "szDecimals": 0, "index": 9},
            ],
            "universe": [
                {"name": "PURR/USDC", "tokens": [1, 0], "index": 0},
                {"name": "@142", "tokens": [197, 0], "index": 142},
                {"name": "@9", "tokens": [9, 0], "index": 9},  # no symbol of ours can name it
            ],
        },
        [
            Listing("PURR/USDC", "PURR/USDC", True, None, D(1)),
            Listing("UBTC/USDC", "@142", True, None, D("0.00001")),
        ],
    ),
}

RECORDED: dict[str, tuple[Any, Listing]] = {
    "kraken": (
        {
            "error": [],
            "result": {
                "XBTUSDT": {
                    "altname": "XBTUSDT",
                    "wsname": "XBT/USDT",
                    "base": "XXBT",
                    "quote": "USDT",
                    "pair_decimals": "1",
                    "lot_decimals": "8",
                    "fees": [[0, 0.26], [50000, 0.24]],
                    "ordermin": "0.0001",
                    "costmin": "0.5",
                    "tick_size": "0.1",
                    "status": "online",
                }
            },
        },
        Listing("BTC/USDT", "BTC/USDT", True, D("0.1"), D("1E-8"), D("0.0001"), D("0.5"), D("0.0026")),
    ),
    "coinbase": (
        [
            {
                "id": "ADA-USDT",
                "base_currency": "ADA",
                "quote_currency": "USDT",
                "quote_increment": "0.0001",
                "base_increment": "0.01",
                "min_market_funds": "1",
                "post_only": False,
                "status": "online",
                "trading_disabled": False,
                "fx_stablecoin": False,
            }
        ],
        Listing("ADA/USDT", "ADA-USDT", True, D("0.0001"), D("0.01"), D(0), D(1)),
    ),
    "gate": (
        [
            {
                "id": "ETH_USDT",
                "base": "ETH",
                "quote": "USDT",
                "min_base_amount": "0.001",
                "min_quote_amount": "3",
                "fee": "0.2",
                "amount_precision": "4",
                "precision": "2",
                "trade_status": "tradable",
                "st_tag": False,
            }
        ],
        Listing("ETH/USDT", "ETH_USDT", True, D("0.01"), D("0.0001"), D("0.001"), D(3), D("0.002")),
    ),
    "bitget": (
        {
            "data": [
                {
                    "symbol": "DOGEUSDT",
                    "baseCoin": "DOGE",
                    "quoteCoin": "USDT",
                    "minTradeAmount": "0",
                    "takerFeeRate": "0.002",
                    "pricePrecision": "5",
                    "quantityPrecision": "4",
                    "status": "online",
                    "minTradeUSDT": "1",
                }
            ]
        },
        Listing("DOGE/USDT", "DOGEUSDT", True, D("0.00001"), D("0.0001"), D(0), D(1), D("0.002")),
    ),
    "kucoin": (
        {
            "data": [
                {
                    "symbol": "ADA-USDT",
                    "name": "ADA-USDT",
                    "baseCurrency": "ADA",
                    "quoteCurrency": "USDT",
                    "baseMinSize": "1",
                    "baseIncrement": "0.01",
                    "priceIncrement": "0.0001",
                    "minFunds": "0.1",
                    "enableTrading": True,
                    "feeCategory": 1,
                }
            ]
        },
        Listing("ADA/USDT", "ADA-USDT", True, D("0.0001"), D("0.01"), D(1), D("0.1")),
    ),
    "htx": (
        {
            "data": [
                {
                    "base-currency": "ada",
                    "quote-currency": "usdt",
                    "price-precision": "6",
                    "amount-precision": "4",
                    "symbol": "adausdt",
                    "state": "online",
                    "min-order-amt": "0.1",
                    "min-order-value": "1",
                }
            ]
        },
        Listing("ADA/USDT", "adausdt", True, D("0.000001"), D("0.0001"), D("0.1"), D(1)),
    ),
    "mexc": (
        {
            "symbols": [
                {
                    "symbol": "LTCUSDT",
                    "status": "1",
                    "baseAsset": "LTC",
                    "baseAssetPrecision": "4",
                    "quoteAsset": "USDT",
                    "quotePrecision": "2",
                    "quoteAmountPrecision": "1.000000000000000000000000000000",
                    "baseSizePrecision": "0.001",
                    "takerCommission": "0.0002",
                }
            ]
        },
        Listing("LTC/USDT", "LTCUSDT", True, D("0.01"), D("0.001"), D(0), D(1), D("0.0002")),
    ),
    "bitstamp": (
        [
            {
                "name": "ETH/USD",
                "market_symbol": "ethusd",
                "base_currency": "ETH",
                "base_decimals": 6,
                "counter_currency": "USD",
                "counter_decimals": 2,
                "minimum_order_value": "10.00",
                "trading": "Enabled",
                "market_type": "SPOT",
            }
        ],
        Listing("ETH/USD", "ethusd", True, D("0.01"), D("0.000001"), D(0), D("10.00")),
    ),
    "cryptocom": (
        {
            "result": {
                "data": [
                    {
                        "symbol": "LTC_USDT",
                        "inst_type": "CCY_PAIR",
                        "base_ccy": "LTC",
                        "quote_ccy": "USDT",
                        "price_tick_size": "0.001",
                        "qty_tick_size": "0.001",
                        "tradable": True,
                    }
                ]
            }
        },
        Listing("LTC/USDT", "LTC_USDT", True, D("0.001"), D("0.001")),
    ),
}


@pytest.mark.parametrize("venue", RECORDED)
def test_a_recorded_row_is_read_and_is_what_comes_with_the_desk(venue: str) -> None:
    answer, listing = RECORDED[venue]
    assert list(read_catalogue(dialect(venue), dumped(answer))) == [listing]
    lattice = listing.instrument(venue)
    assert lattice is not None
    assert lattice.taker_fee == listing.taker_fee
    assert replace(lattice, taker_fee=None) in shipped()  # what comes with the desk tells of no fees


def test_every_venue_has_a_catalogue() -> None:
    assert set(ANSWERS) == set(own())
    assert all((call := dialect(name).catalogue) is not None and call.url.startswith("https://") for name in own())


@pytest.mark.parametrize("venue", ANSWERS)
def test_what_a_venue_lists_is_read_exactly(venue: str) -> None:
    answer, listings = ANSWERS[venue]
    assert list(read_catalogue(dialect(venue), dumped(answer))) == listings


@pytest.mark.parametrize("venue", ANSWERS)
@pytest.mark.parametrize("broken", [b"", b"<html>", b"null", b"[]", b"{}", b'{"data":5}', b'{"symbols":["x"]}'])
def test_an_answer_that_is_none_is_told(venue: str, broken: bytes) -> None:
    with pytest.raises(BadFrame, match="no_catalogue"):
        read_catalogue(dialect(venue), broken)


def test_what_takes_no_orders_or_has_no_step_is_watched_and_not_traded() -> None:
    halted, stepless = ANSWERS["binance"][1][1], ANSWERS["bitfinex"][1][0]
    assert halted.instrument("binance") is None
    assert stepless.instrument("bitfinex") is None
    found = ANSWERS["bitget"][1][0].instrument("bitget")
    assert found is not None
    assert (found.min_size, found.min_notional) == (D("0.000001"), D(1))  # never less than one lot


@pytest.mark.parametrize("fee", ["NaN", "Infinity", "-50", "50", "0,2", "free"])
def test_a_fee_that_nobody_asks_is_no_answer(fee: str) -> None:
    row = {**ANSWERS["gate"][0][0], "fee": fee}
    with pytest.raises(BadFrame, match="is no fee"):
        read_catalogue(dialect("gate"), dumped([row]))
