"""`arbdesk claims` as an operator runs it: what a worker left behind is listed, looked at, and signed."""

import asyncio
import time
import uuid
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from console.claims import show_claims
from core.errors import ConfigurationError
from core.log.channel import sending
from core.log.topics import EVENTS, create
from core.unended import OVERDUE_S, Intent
from tests.execution.parts import trade
from tests.log.entries import at
from tests.system.desk import arbdesk


async def test_a_trade_without_an_end_is_listed_until_a_person_signs_it(
    kafka: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    group = f"g{uuid.uuid4().hex[:8]}"
    one = replace(trade(), trade_id=f"t1of{group}")
    log = at(kafka).model_copy(update={"group": group})
    await create(log, [EVENTS])
    assert await show_claims(log, None, as_json=False)
    assert capsys.readouterr().out == f"Every trade of {group} that was claimed has come to its end.\n"
    long_ago_ns = time.time_ns() - int(2 * OVERDUE_S * 1e9)
    left = Intent(long_ago_ns, "gone", group, "r", one.trade_id, *one.route, (), "PAPER", one.legs)
    async with sending(log, EVENTS, lasting=True) as sender:
        await sender.send(one.trade_id, msgspec.json.encode(left))
    assert not await show_claims(log, None, as_json=False)
    told = capsys.readouterr()
    assert (
        f"{one.trade_id} BTC/USDT, buy 0.0165 on binance: not known, sell 0.0165 on okx: not known; gone of {group} has"
        in told.out
    )
    assert "arbdesk claims --sign TRADE_ID" in told.err
    with pytest.raises(ConfigurationError, match=f"t0 is not waiting for a signature: {one.trade_id}"):
        await show_claims(log, "t0", as_json=False)
    arguments = ["claims", "--sign", one.trade_id, "--bootstrap", kafka, "--group", group]
    done = await asyncio.to_thread(arbdesk, *arguments, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("signed: ")
    assert await show_claims(log, None, as_json=True)
    assert capsys.readouterr().out == "[]\n"
