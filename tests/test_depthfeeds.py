"""Which venues and symbols a desk asks for depth, and what it says of the others."""

from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from core.depth import Depth
from core.depthfeeds import ELSEWHERE, OFF, DepthFeeds
from core.settings import Settings

VENUES = ("binance", "bybit", "hyperliquid")
NOW_NS = 1_790_000_000_000_000_000


def feeds(tables: Mapping[str, object] | None = None) -> DepthFeeds:
    settings = Settings.model_validate({"venues": {name: {} for name in VENUES}, **(tables or {})})
    return DepthFeeds(settings, {}, clock_ns=lambda: NOW_NS)


def test_each_venue_is_asked_or_says_why_it_is_not() -> None:
    state = feeds().state()
    told = {one.venue: (one.state, one.why) for one in state.venues}
    assert told["binance"] == ("connecting", "its connection for depth is being made")
    assert told["bybit"] == ("none", "it sends changes of its book only")
    assert told["hyperliquid"][0] == "none"
    assert "run `arbdesk instruments hyperliquid`" in told["hyperliquid"][1]
    assert state.fees == {"binance": 0.001, "bybit": 0.001, "hyperliquid": 0.0007}
    assert (state.min_edge_bps, state.max_age_ns) == (2.0, 1_000_000_000)


def test_the_newest_levels_are_found_and_what_is_missing_says_why() -> None:
    here = feeds()
    depth = Depth("binance", "BTC/USDT", ((100.0, 1.0),), ((101.0, 1.0),), 0, NOW_NS)
    here.newest.take(depth)
    state = here.state()
    assert state.book("binance", "BTC/USDT") is depth
    assert state.book("binance", "ETH/USDT") == "its connection for depth is being made"
    assert state.book("bybit", "BTC/USDT") == "it sends changes of its book only"
    assert state.book("gate", "BTC/USDT") == "it is not listened to"
    assert state.book("binance", "C999/USDT") == "beyond the symbols that it is asked for: feeds.depth_symbols"


def test_depth_is_asked_for_within_the_bounds_that_are_set() -> None:
    here = feeds({"feeds": {"depth": 20, "depth_symbols": 2}})
    (feed,) = here.feeds
    (collector,) = feed._collectors
    (request,) = collector._dialect(collector._symbols).subscribe()
    assert '"btcusdt@depth20@100ms","ethusdt@depth20@100ms"]' in request


def test_a_wrong_number_of_levels_is_told_in_one_line() -> None:
    with pytest.raises(ValidationError) as told:
        Settings.model_validate({"feeds": {"depth": 50}})
    (mistake,) = told.value.errors()
    assert (mistake["loc"], mistake["msg"]) == (("feeds", "depth"), "Input should be less than or equal to 20")


def test_a_desk_without_depth_says_so() -> None:
    for tables, why in (
        ({"feeds": {"depth": "off"}}, OFF),
        ({"role": "worker", "log": {"kind": "kafka"}}, ELSEWHERE),
        ({"role": "collector", "log": {"kind": "kafka"}}, "this desk only collects ticks"),
    ):
        here = feeds(tables)
        assert here.feeds == []
        assert here.state().why == why
        assert here.state().book("binance", "BTC/USDT") == why
