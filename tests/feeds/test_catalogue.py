"""A venue is a file, or a class that an installed package offers."""

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.feeds.catalogue import dialect, known, own
from tests.feeds.samples import only_tick

PACKAGE = """
import json
from core.feeds.json_dialect import JsonDialect
from core.feeds.frames import Stream

class Mint(JsonDialect[Stream]):
    name = "mint"
    url = "wss://mint.example/ws"

    @staticmethod
    def spell(symbol):
        return symbol.replace("/", ".")

    def request(self, natives):
        return json.dumps({"want": list(natives)})

    def take(self, message, received_ns):
        stream = self.find(message["name"])
        return (self.quote(stream, *message["top"], message["us"], message["n"], received_ns),)

class Nameless:
    pass
"""


def install(place: Path, monkeypatch: pytest.MonkeyPatch, offers: str) -> None:
    """Put a package into `place` as an installer would, and `place` where packages are."""
    (place / "mintfeed.py").write_text(PACKAGE)
    metadata = place / "mintfeed-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mintfeed\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[arbdesk.venues]\n{offers}\n")
    monkeypatch.syspath_prepend(str(place))


def test_the_files_of_the_room_are_the_venues() -> None:
    assert {"binance", "bybit", "okx"} <= set(own()) <= set(known())
    for name in own():
        assert dialect(name).name == name
        assert dialect(name).url.startswith("wss://") or dialect(name).token


def test_an_installed_package_brings_a_venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "mint = mintfeed:Mint")
    dialect.cache_clear()
    assert "mint" in known()
    mint = dialect("mint")(["BTC/USDT"])
    assert list(mint.subscribe()) == ['{"want": ["BTC.USDT"]}']
    tick = only_tick(mint, b'{"name":"BTC.USDT","top":["1","2","3","4"],"us":1785136396195000,"n":5}')
    assert (tick.exchange_id, tick.symbol, tick.bid_price, tick.ask_price) == ("mint", "BTC/USDT", 1.0, 3.0)
    assert (tick.bid_volume, tick.ask_volume, tick.timestamp, tick.sequence_id) == (2.0, 4.0, 1785136396195, 5)


@pytest.mark.parametrize(
    ("offers", "why"),
    [
        ("broken = mintfeed:Nowhere", "cannot be loaded.*Nowhere"),
        ("broken = nowhere:Mint", "cannot be loaded.*nowhere"),
        ("broken = mintfeed:Nameless", "no dialect whose name is 'broken'"),
        ("broken = mintfeed:Mint", "no dialect whose name is 'broken'"),
    ],
)
def test_a_package_that_offers_no_dialect_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offers: str, why: str
) -> None:
    install(tmp_path, monkeypatch, offers)
    dialect.cache_clear()
    with pytest.raises(ConfigurationError, match=why):
        dialect("broken")


def test_a_package_cannot_take_the_place_of_a_venue_that_comes_with_the_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "okx = mintfeed:Mint")
    dialect.cache_clear()
    assert dialect("okx").url == "wss://ws.okx.com:8443/ws/v5/public"


def test_an_unknown_venue_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=f"'mtgox'.*{', '.join(known())}"):
        dialect("mtgox")
