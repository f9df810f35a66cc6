"""An accepted proposal and a restart: it counts on, with who accepted it and when, or is rejected with the reason."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from console.panes.models import share_lines
from core import advising
from core.analysis.allocation import AllocationFile
from core.analysis.proposals import Proposals
from core.analysis.questions import RouteNumbers
from core.analysis.verdicts import FREE, Verdicts
from core.commands import DropProposal
from core.execution.journal import read_events
from core.running import running
from core.settings import AnalysisSettings, LimitSettings, Settings
from core.spreads.route import Route
from core.summary import summary
from core.tasks import Allocation, Strategy

WHEN_NS = 1_790_000_000_000_000_000  # 2026-09-21
ROUTES = (
    RouteNumbers(0, "BTC/USDT", "binance", "okx", 9, 8.0, 1, 0, 5.0),
    RouteNumbers(1, "ETH/USDT", "okx", "bybit", 4, 6.0, 1, 0, 3.0),
)
BTC, ETH = (Route(one.symbol, one.buy, one.sell) for one in ROUTES)
ANSWER = Strategy([Allocation(0, 80.0, 5.0), Allocation(1, 20.0, 3.0)], "more to one")


class Run:
    """One run of a desk: its proposals, what they do, and what is said of them."""

    def __init__(self, folder: Path, **changed: Any) -> None:
        self.verdicts = Verdicts(0.2)
        self.notices: list[tuple[str, str]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.proposals = Proposals(
            self.verdicts,
            lambda level, text: self.notices.append((level, text)),
            lambda what, **data: self.events.append((what, data)),
        )
        self.proposals.recall(advising.allocation(Settings(data_dir=folder, **changed), folder / "journal.sqlite"))

    def accept(self) -> None:
        assert self.proposals.take(ANSWER, ROUTES, "gpt-4.1", WHEN_NS - 60)
        assert self.proposals.present is not None
        assert self.proposals.accept(self.proposals.present.proposal_id, "alice", WHEN_NS) == ""

    def factors(self) -> list[float]:
        return [self.verdicts.verdict(route, WHEN_NS).factor for route in (BTC, ETH)]


def test_what_was_accepted_counts_after_a_restart_and_says_who_accepted_it_and_when(tmp_path: Path) -> None:
    first = Run(tmp_path)
    assert (first.notices, first.factors()) == ([], [1.0, 1.0])
    first.accept()
    assert first.factors() == [1.0, 0.4]
    second = Run(tmp_path)
    assert second.factors() == [1.0, 0.4]
    assert second.proposals.in_force == second.proposals.present == first.proposals.in_force
    assert second.proposals.in_force is not None
    assert (second.proposals.in_force.accepted_by, second.proposals.in_force.accepted_ns) == ("alice", WHEN_NS)
    ((level, said),) = second.notices
    assert level == "info"
    assert said.startswith("gpt-4.1's proposal, accepted by alice on 2026-09-21 14:13 UTC, counts: sizes of 1 routes")
    assert [what for what, _ in second.events] == ["proposal recalled"]
    second.proposals.drop("bob")
    assert Run(tmp_path).proposals.in_force is None


def test_a_route_that_the_model_leaves_out_gets_nothing_and_is_shown_so(tmp_path: Path) -> None:
    run, sol = Run(tmp_path), Route("SOL/USDT", "okx", "bybit")
    routes = (*ROUTES, RouteNumbers(2, *sol, 3, 5.0, 1, 0, 2.0))
    assert run.proposals.take(Strategy([Allocation(1, 25.0, -3.0)], ""), routes, "gpt-4.1", WHEN_NS)
    proposal = run.proposals.present
    assert proposal is not None
    assert [(one.symbol, one.percent, one.factor) for one in proposal.shares] == [
        ("ETH/USDT", 25.0, 0.75),  # of a third: three routes were asked about
        ("BTC/USDT", 0.0, 0.0),
        ("SOL/USDT", 0.0, 0.0),
    ]
    named, *others = ["".join(text for text, _ in line) for line in share_lines(proposal)]
    assert "expects   -3.0 bps  sizes × 0.75" in named
    assert ["0.0 %  left out            sizes × 0.00" in line for line in others] == [True, True]
    assert run.proposals.accept(proposal.proposal_id, "alice", WHEN_NS) == ""
    assert (run.factors(), run.verdicts.verdict(sol, WHEN_NS).factor) == ([0.0, 0.75], 0.0)
    assert "sizes of 3 routes get smaller" in run.notices[-1][1]
    assert Run(tmp_path, symbols=("BTC/USDT", "ETH/USDT", "SOL/USDT")).factors() == [0.0, 0.75]  # as it was kept


def test_a_proposal_that_nobody_accepted_ends_with_its_run(tmp_path: Path) -> None:
    assert Run(tmp_path).proposals.take(ANSWER, ROUTES, "gpt-4.1", WHEN_NS)
    assert Run(tmp_path).proposals.present is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"limits": LimitSettings(max_order_notional=Decimal(5_000))},
            "max_order_notional was 1000 when it was accepted, and is 5000",
        ),
        ({"symbols": ("BTC/USDT",)}, "ETH/USDT from okx to bybit is no route of this desk"),
        ({"venues": {"binance": {}, "bybit": {"enabled": False}, "okx": {}}}, "ETH/USDT from okx to bybit is no route"),
    ],
)
def test_what_does_not_fit_any_more_is_rejected_and_says_why(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    Run(tmp_path).accept()
    later = Run(tmp_path, **changed)
    assert later.proposals.in_force is None
    assert later.proposals.present is None
    assert [later.verdicts.verdict(route, WHEN_NS) for route in (BTC, ETH)] == [FREE, FREE]
    ((level, said),) = later.notices
    assert level == "warning"
    assert "accepted by alice" in said
    assert why in said
    (event,) = later.events
    assert (event[0], event[1]["proposal"]["accepted_by"]) == ("proposal rejected", "alice")
    assert Run(tmp_path).notices == []  # said once; the journal keeps it


def test_limits_written_otherwise_are_the_same_limits(tmp_path: Path) -> None:
    Run(tmp_path).accept()
    assert Run(tmp_path, limits=LimitSettings(max_order_notional=Decimal("1000.00"))).proposals.in_force is not None


@pytest.mark.parametrize("written", [b"", b"{", b"[]", b'{"proposal": 1, "limits": {}}', b"\xff\x00"])
def test_a_file_that_is_none_of_ours_is_said_in_a_line_and_nothing_counts(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "journal.allocation.json").write_bytes(written)
    run = Run(tmp_path)
    ((level, said),) = run.notices
    assert level == "error"
    assert "journal.allocation.json" in said
    assert said.endswith("Remove it; then accept a proposal anew.")
    assert "\n" not in said
    assert run.factors() == [1.0, 1.0]


def test_a_factor_above_one_in_the_file_enlarges_nothing(tmp_path: Path) -> None:
    Run(tmp_path).accept()
    file = tmp_path / "journal.allocation.json"
    written = file.read_text()
    file.write_text(written.replace('"factor":0.4', '"factor":40'))
    assert file.read_text() != written
    assert Run(tmp_path).factors() == [1.0, 1.0]


def test_a_disk_that_takes_nothing_is_said_and_the_proposal_counts_for_this_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    run = Run(tmp_path / "kept")
    run.proposals.recall(AllocationFile(tmp_path / "file" / "a.json", {}, (), ()))
    run.notices.clear()
    run.accept()
    assert run.factors() == [1.0, 0.4]
    assert run.notices[-1][0] == "warning"
    assert "ends with this run" in run.notices[-1][1]


async def test_a_desk_without_models_shows_what_was_accepted_and_lets_go_of_it(tmp_path: Path) -> None:
    Run(tmp_path).accept()
    file = tmp_path / "demo.allocation.json"
    (tmp_path / "journal.allocation.json").rename(file)
    settings = Settings(data_dir=tmp_path, analysis=AnalysisSettings(enabled=False))
    async with running(settings, demo=True, attended=True) as engine:
        shown = engine.snapshot().analysis
        assert shown.state == "OFF"
        assert shown.in_force is not None
        assert (shown.in_force.accepted_by, shown.in_force.accepted_ns) == ("alice", WHEN_NS)
        assert summary(engine.snapshot(), None)["analysis"]["in_force"] == {
            "model": "gpt-4.1",
            "accepted_by": "alice",
            "accepted_ns": WHEN_NS,
            "factors": {"BTC/USDT binance okx": 1.0, "ETH/USDT okx bybit": 0.4},
        }
        engine.submit(DropProposal())
        assert engine.snapshot().analysis.in_force is None
        assert not file.exists()
        await engine.flushed()
    told = {event.what: event.who for event in read_events(tmp_path / "demo.sqlite")}
    assert (told["proposal recalled"], told["proposal dropped"]) == ("desk", "person")
