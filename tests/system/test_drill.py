"""`arbdesk drill`: the whole chain, from a price to the money and back through every halt."""

import json
from pathlib import Path

from core.drill.halts import SOURCES
from tests.system.desk import arbdesk


def test_the_drill_walks_the_whole_chain_and_every_source_of_a_halt_and_breaks_nothing(tmp_path: Path) -> None:
    done = arbdesk("drill", "--json", "--seed", "3", home=tmp_path)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert [line for line in report["lines"] if not line["kept"]] == []
    assert (done.returncode, report["broken"]) == (0, 0)
    found = {line["what"]: line["found"] for line in report["lines"]}
    halts = [what for what in found if what.startswith("halt: ")]
    assert halts == [f"halt: {source.name}" for source in SOURCES]
    assert all("0 after" in found[what] for what in halts)
    assert {"an approved ticket is traded, and ends even", "a halt outlives the desk"} <= found.keys()
