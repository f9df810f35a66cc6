from pathlib import Path

from core.sim.roster import served
from core.tape.tape import Tape
from tests.tape.samples import simulated


def test_a_tape_of_all_venues_in_all_currencies_has_ticks_of_each(tmp_path: Path) -> None:
    folder = simulated(tmp_path / "tape", 3.0, venues=("all",), currencies=("all",), symbols=2, rate=1_000)
    with Tape(folder) as tape:
        ticks = [entry for some in tape.entries() for entry in some]
        assert {one.exchange_id for one in ticks} == set(served())
        assert {one.symbol.partition("/")[2] for one in ticks} == {"USDT", "USDC", "USD", "EUR", "KRW"}
        assert {one.symbol for one in ticks} == set(tape.about.symbols)
