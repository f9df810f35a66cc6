"""The levels behind a simulated quote: on the venue's lattice, in order, and the quote itself first."""

from decimal import Decimal

import pytest

from core.instruments import Instrument
from core.sim.depth import MOST, Ladder
from core.sim.listings import lattices
from core.sim.market import Market
from core.sim.quotes import Quote, one_sided

SYMBOLS = ("BTC/USDT", "DOGE/USDT", "TRX/USDT", "C001/USDT")


@pytest.mark.parametrize(
    "instrument", lattices(("binance", "okx", "htx"), SYMBOLS), ids=lambda one: f"{one.venue} {one.symbol}"
)
def test_levels_stand_on_the_lattice_behind_the_quote(instrument: Instrument) -> None:
    market = Market(SYMBOLS, 7, venues=["binance", "okx", "htx"])
    ladder = Ladder(instrument, 7)
    for _ in range(20):
        quote = market.quote(instrument.venue, instrument.symbol)
        bids, asks = ladder.levels(quote, 50)
        assert bids[0] == (quote.bid, quote.bid_size)
        assert asks[0] == (quote.ask, quote.ask_size)
        assert len(bids) == len(asks) == MOST
        assert [price for price, _ in bids] == sorted({price for price, _ in bids}, reverse=True)
        assert [price for price, _ in asks] == sorted({price for price, _ in asks})
        for price, size in (*bids, *asks):
            assert Decimal(repr(price)) % instrument.tick_size == 0
            assert Decimal(repr(size)) % instrument.lot_size == 0
            assert size > 0


def test_nobody_is_behind_nobody() -> None:
    (instrument,) = lattices(("okx",), SYMBOLS[:1])
    bids, asks = Ladder(instrument, 7).levels(one_sided(Quote(100.0, 101.0, 1.0, 1.0), "bid"), 5)
    assert (bids, len(asks)) == ((), 5)
