"""Every way to halt a desk, with orders leaving all the while; `arbdesk drill` prints the same."""

from pathlib import Path

from core.drill.halts import SOURCES, drill_halts, kept


async def test_no_order_leaves_after_a_halt_whoever_asked_for_it_and_the_journal_has_its_reason(tmp_path: Path) -> None:
    reports = await drill_halts(tmp_path)
    assert [report["source"] for report in reports] == [source.name for source in SOURCES]
    assert [report for report in reports if not kept(report)] == []
    assert len({report["why"] for report in reports}) == len(SOURCES)
