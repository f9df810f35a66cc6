"""The edge by size in the detail of a cell: drawn as far as the levels reach, and a plain word where there are none."""

from msgspec.structs import replace

from console.panes.depth import by_size
from console.panes.sheet import Line, Picture, width_of
from core.depth import Depth, DepthState, DepthVenue, Level
from core.desk import Snapshot
from core.remote.state import VERSION, DeskState, decode, encode
from core.spreads.route import Route
from tests.console import frozen
from tests.console.frozen import MS, NOW_NS, S
from tests.console.screenful import Face

ROUTE = Route("BTC/USDT", "binance", "okx")
ASKS: tuple[Level, ...] = ((67_000.0, 0.05), (67_010.0, 0.05), (67_050.0, 0.2))
BIDS: tuple[Level, ...] = ((67_250.0, 0.06), (67_200.0, 0.1), (67_100.0, 0.04))


def book(venue: str, bids: tuple[Level, ...], asks: tuple[Level, ...], age_ns: int = 100 * MS) -> Depth:
    return Depth(venue, "BTC/USDT", bids, asks, 0, NOW_NS - age_ns)


BINANCE = book("binance", ((66_990.0, 1.0),), ASKS)
OKX = book("okx", BIDS, ((67_260.0, 1.0),), 400 * MS)
STATE = DepthState(
    (BINANCE, OKX),
    (DepthVenue("binance", "up"), DepthVenue("okx", "up"), DepthVenue("bybit", "none", "it sends changes only")),
    fees={"binance": 0.001, "bybit": 0.001, "okx": 0.001},
    min_edge_bps=2.0,
    max_age_ns=S,
)


def having(state: DepthState) -> Snapshot:
    return replace(frozen.trading(), depth=state)


def text(line: Line) -> str:
    return "".join(piece for piece, _ in line)


def told(state: DepthState, route: Route = ROUTE, width: int = 160) -> list[str]:
    found = by_size(route, Picture(having(state), NOW_NS), width)
    assert isinstance(found, list), found
    assert all(width_of(line) <= width for line in found)
    return [text(line) for line in found]


def test_the_curve_reaches_as_far_as_the_shorter_side_and_says_what_is_earned_where() -> None:
    curve, depth = told(STATE)
    assert curve.startswith(" by size    +17.3 ")
    assert curve.endswith(" +5.0 bps at 13.4k USDT, beyond the levels of okx not known")
    assert depth.startswith(" depth      best +10.02 at 10.7k · +2.0 to end · 0 to end · ")
    assert depth.endswith("binance 3 levels <0.3s old, okx 3 levels 0.4s old")


def test_where_there_is_less_room_all_of_it_still_stands_there() -> None:
    curve, depth = told(STATE, width=80)
    assert curve.endswith(" at 13.4k USDT, ? beyond okx's levels")
    assert depth == " depth      best +10.02 at 10.7k · +2.0 to end · 0 to end · <0.3s/0.4s old"


def test_a_route_that_earns_nothing_says_so() -> None:
    dear = replace(STATE, fees={"binance": 0.01, "okx": 0.01})
    curve, depth = told(dear)
    assert "no size earns anything" in depth
    assert "-" in curve.split(" bps")[0]


def test_levels_that_are_older_than_a_quote_may_be_are_greyed_with_their_age() -> None:
    for age_ns, greyed in ((S, False), (S + 1, True)):
        old = replace(STATE, books=(BINANCE, replace(OKX, received_ns=NOW_NS - age_ns)))
        found = by_size(ROUTE, Picture(having(old), NOW_NS), 160)
        assert isinstance(found, list)
        assert ({pen for line in found for _, pen in line} == {"stale"}) is greyed
        assert text(found[1]).endswith("okx 3 levels 1.0s old")


def test_where_there_is_no_depth_the_reason_stands_there() -> None:
    picture = Picture(having(STATE), NOW_NS)
    assert by_size(Route("BTC/USDT", "binance", "bybit"), picture, 160) == "no depth from bybit: it sends changes only"
    assert by_size(Route("ETH/USDT", "binance", "okx"), picture, 160) == (
        "no depth from binance: none of this symbol has come yet"
    )
    tape = Picture(having(DepthState(why="a tape holds no depth")), NOW_NS)
    assert by_size(ROUTE, tape, 160) == "no depth from binance: a tape holds no depth"
    crossed = replace(STATE, books=(BINANCE, replace(OKX, asks=((67_000.0, 1.0),))))
    assert by_size(ROUTE, Picture(having(crossed), NOW_NS), 160) == "no depth: the levels of okx are crossed"


def test_an_attached_console_is_told_the_same() -> None:
    state = DeskState(VERSION, "run", 0, having(STATE))
    assert decode(encode(state)) == state


async def test_the_detail_of_a_cell_draws_its_curve() -> None:
    async with Face(having(STATE)).opened() as face:
        await face.press("2", "d", "right")
        await face.frame()
        shown = face.read(face.main.pane(2))
        assert "? beyond okx's levels" in shown
        assert "best +10.02 at 10.7k" in shown
        await face.press("left")
        await face.frame()
        assert "no depth from bybit: it sends changes only" in face.read(face.main.pane(2))
        assert "no more on offer" in face.read(face.main.pane(2))
