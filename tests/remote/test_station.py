"""A running desk on a real Kafka: what it obeys, what it refuses, and what it says of both."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from core.commands import Approve, Arm, Disarm, Halt, Refuse
from core.log.channel import Follower, Sender, following, sending
from core.log.topics import COMMANDS
from core.remote.desk import RemoteDesk
from core.remote.envelope import AHEAD_MS, KID, MAC, MOST_BYTES, MOST_TTL_MS, Envelope, Signed, sign
from tests.remote.attached import Post, console, open_ticket, post, rows, started, told
from tests.remote.commands import command
from tests.waiting import until

REFUSED = "SELECT json_extract(data, '$.reason') FROM events WHERE what = 'command refused'"
OBEYED = "SELECT who, json_extract(data, '$.command') FROM events WHERE what = 'command obeyed'"
LATE_MS = 30_000


class Pen:
    """Writes commands of one operator to a desk, as they should be or not."""

    def __init__(self, desk: Post, run: str, sender: Sender) -> None:
        self._desk, self._run, self._sender = desk, run, sender

    def written(self, **changes: Any) -> Signed:
        said = command(kid=self._desk.ana.kid, key=self._desk.name, run=self._run, body=Arm())
        return sign(replace(said, **changes), self._desk.ana.secret)

    async def send(self, record: Signed, headers: Mapping[str, bytes] | None = None) -> None:
        await self._sender.send(self._desk.name, record.value, {**record.headers, **(headers or {})})

    async def forge(self, **changes: Any) -> None:
        await self.send(self.written(**changes))


async def test_every_forged_or_replayed_command_is_refused_and_written_down_and_a_good_one_is_obeyed(
    kafka: str, tmp_path: Path
) -> None:
    desk = await post(kafka, tmp_path)
    async with asyncio.timeout(30), started(desk) as engine, console(desk, None) as seen:
        async with sending(desk.log, COMMANDS, lasting=True) as sender:
            pen = Pen(desk, seen._heard.state.run, sender)
            now_ms = time.time_ns() // 1_000_000
            stranger = sign(command(kid=desk.ana.kid, key=desk.name, body=Arm()), secrets.token_bytes(32))
            await pen.forge(body=Halt("x" * MOST_BYTES))
            await pen.send(pen.written(), {KID: b"eve-0001"})
            await pen.send(stranger)
            await pen.send(pen.written(), {MAC: bytes(32)})
            await pen.forge(v=2)
            await pen.forge(aud="arbitrage-events")
            await pen.forge(key="another-desk")
            await pen.forge(run="another-run")
            await pen.forge(exp=now_ms + 2 * MOST_TTL_MS)
            await pen.forge(iat=now_ms - 2 * LATE_MS, exp=now_ms - LATE_MS)
            await pen.forge(iat=now_ms + AHEAD_MS + LATE_MS, exp=now_ms + AHEAD_MS + LATE_MS + 1)
            arm, disarm = pen.written(iss="one", seq=1), pen.written(iss="one", seq=2, body=Disarm())
            await pen.send(arm)
            await until(lambda: seen.snapshot().armed)
            await pen.send(disarm)
            await until(lambda: not seen.snapshot().armed)
            await pen.send(arm)
            await pen.forge(iss="one", seq=1)
            await until(lambda: seen.snapshot().outside.refused.get("seq") == 1)
        state = seen.snapshot()
        assert (state.armed, state.halted, state.outside.obeyed) == (False, False, 2)
        assert state.outside.refused == {
            "too_big": 1, "unknown_kid": 1, "bad_mac": 2, "malformed": 1, "misdirected": 2, "other_run": 1,
            "ttl": 1, "expired": 1, "future": 1, "nonce": 1, "seq": 1,
        }  # fmt: skip
        assert told(state, "a command from outside was refused: it was given before")
        assert engine.snapshot().outside == state.outside
    assert sorted(reason for (reason,) in rows(desk.journal, REFUSED)) == sorted(state.outside.refused)
    who = f"operator {desk.ana.kid}"
    assert rows(desk.journal, OBEYED) == [(who, "arm"), (who, "disarm")]
    assert rows(desk.journal, "SELECT who FROM events WHERE what IN ('armed', 'disarmed')") == [(who,), (who,)]


async def test_of_two_consoles_at_one_ticket_the_first_wins_and_the_other_is_told_by_whom(
    kafka: str, tmp_path: Path
) -> None:
    desk = await post(kafka, tmp_path)
    async with (
        asyncio.timeout(30),
        started(desk),
        console(desk, desk.ana) as ana,
        console(desk, desk.ben) as ben,
        following(desk.log, COMMANDS) as follower,
    ):
        ana.submit(Arm())
        await until(lambda: ana.snapshot().armed and ben.snapshot().armed)
        while not (race := await raced(ana, ben)):  # a price may move first
            pass
        ticket_id, said = race
        written = [one for one in await those_for(desk, follower) if is_approval(one, ticket_id)]
    first, second = [one.kid for one in written]
    assert {first, second} == {desk.ana.kid, desk.ben.kid}
    assert f"by operator {first}" in said[second]
    assert said[first] == ""
    approved = f"SELECT who FROM events WHERE what = 'ticket approved' AND data LIKE '%{ticket_id}%'"
    assert rows(desk.journal, approved) == [(f"operator {first}",)]
    orders = rows(desk.journal, f"SELECT client_id, side FROM orders WHERE trade_id = '{ticket_id}' ORDER BY rowid")
    assert [side for _, side in orders[:2]] in (["buy", "sell"], ["sell", "buy"])  # then hedges, if any
    assert len({client_id for client_id, _ in orders}) == len(orders)


async def raced(ana: RemoteDesk, ben: RemoteDesk) -> tuple[str, dict[str, str]] | None:
    """Let both approve one ticket at once; return it and what each was told, None if neither got it."""
    ticket = await open_ticket(ana, ben)
    for one in (ben, ana):
        one.submit(Approve(ticket.ticket_id, ticket.code))
    await until(lambda: not (pending(ana) or pending(ben)))
    words = f"the desk did not approve ticket {ticket.ticket_id[-5:]}: "
    said: dict[str, str] = {}
    for one in (ana, ben):
        link = one.snapshot().link
        assert link is not None
        texts = [notice.text for notice in one._notices if notice.text.startswith(words)]
        said[link.operator] = texts[-1].removeprefix(words) if texts else ""
    if all(said.values()):
        return None
    await until(lambda: ended_as(ana, ticket.ticket_id) is not None)
    sent = not (ended_as(ana, ticket.ticket_id) or "").startswith("not sent")  # a price may move in the last moment
    return (ticket.ticket_id, said) if sent else None


def ended_as(desk: RemoteDesk, ticket_id: str) -> str | None:
    """Return what came of an approved ticket; None: nothing yet."""
    shown = {one.ticket_id: one for one in desk.snapshot().tickets}
    return shown[ticket_id].why if ticket_id in shown and shown[ticket_id].state == "done" else None


def pending(desk: RemoteDesk) -> tuple[str, ...]:
    link = desk.snapshot().link
    assert link is not None
    return link.pending


async def those_for(desk: Post, follower: Follower) -> list[Envelope]:
    """Return what was written for a desk on the topic of commands so far."""
    found: list[Envelope] = []
    async with sending(desk.log, COMMANDS, lasting=True) as sender:
        await sender.send("mark", mark := secrets.token_bytes(8))
    while True:
        for record in await follower.read(0.5):
            if record.value == mark:
                return found
            if record.key == desk.name.encode() and record.value is not None:
                found.append(msgspec.json.decode(record.value, type=Envelope))


def is_approval(said: Envelope, ticket_id: str) -> bool:
    return isinstance(said.body, Approve) and said.body.ticket_id == ticket_id


async def test_a_ticket_that_is_not_what_the_screen_showed_is_not_sent(kafka: str, tmp_path: Path) -> None:
    desk = await post(kafka, tmp_path)
    async with asyncio.timeout(30), started(desk) as engine, console(desk, desk.ana) as seen:
        seen.submit(Arm())
        await until(lambda: seen.snapshot().armed)
        async with sending(desk.log, COMMANDS, lasting=True) as sender:
            pen = Pen(desk, seen._heard.state.run, sender)
            while not told(engine.snapshot(), "approved a ticket that is not what the desk offers: not sent"):
                await approved_unseen(seen, pen)
    assert rows(desk.journal, "SELECT trade_id FROM trades") == []


async def approved_unseen(seen: RemoteDesk, pen: Pen) -> None:
    """Approve, with an operator's key, a ticket that looked otherwise; return when the desk has taken it."""
    ticket, before = await open_ticket(seen), seen.snapshot().outside.obeyed
    await pen.forge(body=Approve(ticket.ticket_id, ticket.code), seen="0" * 64)
    await until(lambda: seen.snapshot().outside.obeyed > before)


async def test_a_desk_that_starts_anew_does_not_obey_what_was_given_to_its_earlier_run(
    kafka: str, tmp_path: Path
) -> None:
    desk = await post(kafka, tmp_path)
    async with asyncio.timeout(40), sending(desk.log, COMMANDS, lasting=True) as sender:
        async with started(desk), console(desk, desk.ana) as seen:
            pen = Pen(desk, seen._heard.state.run, sender)
            arm = pen.written()
            await pen.send(arm)
            await until(lambda: seen.snapshot().armed)
        await pen.send(arm)  # nobody is there
        await pen.forge()
        async with started(desk), console(desk, desk.ana) as seen:
            await pen.send(arm)
            await pen.forge()
            await until(lambda: seen.snapshot().outside.refused.get("other_run") == 2)
            assert (seen.snapshot().armed, seen.snapshot().outside.obeyed) == (False, 0)
            new = Pen(desk, seen._heard.state.run, sender)
            await new.forge()
            await until(lambda: seen.snapshot().armed)
    assert [what for _, what in rows(desk.journal, OBEYED)] == ["arm", "arm"]
    assert rows(desk.journal, REFUSED)[0] == ("other_run",)


async def test_a_console_that_only_watches_or_whose_key_the_desk_does_not_know_sends_nothing(
    kafka: str, tmp_path: Path
) -> None:
    desk = await post(kafka, tmp_path)
    stranger = desk.ana._replace(kid="eve-0001")
    async with (
        asyncio.timeout(30),
        started(desk),
        console(desk, None) as watcher,
        console(desk, stranger) as unknown,
        following(desk.log, COMMANDS) as follower,
    ):
        for one, why in ((watcher, "this console only watches"), (unknown, "does not know the key eve-0001")):
            ticket = await open_ticket(one)
            for given in (
                Arm(),
                Disarm(),
                Halt("stop"),
                Approve(ticket.ticket_id, ticket.code),
                Refuse(ticket.ticket_id),
            ):
                one.submit(given)
            assert sum(why in notice.text for notice in one.snapshot().notices) == 5
            assert pending(one) == ()
        assert await those_for(desk, follower) == []
        assert watcher.snapshot().outside.obeyed == 0
