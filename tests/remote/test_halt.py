"""`arbdesk halt --desk NAME`: through Kafka, signed, with the desk's own word for it."""

import asyncio
from pathlib import Path

from core.remote.keys import write_key
from tests.remote.attached import post, rows, started
from tests.system.desk import arbdesk


async def test_a_desk_is_halted_through_kafka_and_who_may_not_is_told(kafka: str, tmp_path: Path) -> None:
    desk = await post(kafka, tmp_path)
    stranger = tmp_path / "eve.key"
    write_key("eve", stranger)
    asked = ["halt", "--bootstrap", kafka, "--desk", desk.name, "--why", "enough", "--key"]
    async with asyncio.timeout(90), started(desk) as engine:
        refused = await asyncio.to_thread(arbdesk, *asked, str(stranger), home=tmp_path)
        assert refused.returncode == 1
        assert "does not know the key" in refused.stderr
        assert not engine.snapshot().halted
        done = await asyncio.to_thread(arbdesk, *asked, str(tmp_path / "operators.keys"), home=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(f"HALTED {desk.name} through Kafka, answered in ")
        assert engine.snapshot().halted
    [(who,)] = rows(desk.journal, "SELECT who FROM events WHERE what = 'halted'")
    assert who.startswith("operator ")
