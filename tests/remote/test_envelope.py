"""What a desk obeys, and why it refuses everything else."""

from dataclasses import dataclass
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.commands import Approve, Arm, Command, Disarm, Fault, Halt, Refuse
from core.log.topics import COMMANDS
from core.remote.envelope import (
    AHEAD_MS,
    KID,
    MAC,
    MOST_BYTES,
    MOST_TTL_MS,
    Envelope,
    Reason,
    Refused,
    Signed,
    Verifier,
    sign,
)
from tests.remote.commands import DESK, KEYS, NOW_MS, RUN, command

KEY = DESK.encode()
KIDS = st.sampled_from(sorted(KEYS))
WORDS = st.text(max_size=40)
BODIES: st.SearchStrategy[Command] = st.one_of(
    st.builds(Arm, st.booleans()),
    st.just(Disarm()),
    st.builds(Halt, WORDS),
    st.builds(Approve, WORDS, WORDS),
    st.builds(Refuse, WORDS),
    st.builds(Fault, WORDS, WORDS),
)


def verifier(*, run: str = RUN, keys: dict[str, bytes] = KEYS, capacity: int = 100) -> Verifier:
    return Verifier(COMMANDS.name, DESK, run, keys, capacity)


def signed(envelope: Envelope) -> Signed:
    return sign(envelope, KEYS[envelope.kid])


def verdict(desk: Verifier, record: Signed, *, key: bytes = KEY, now_ms: int = NOW_MS) -> str:
    """Return the reason of a refusal, or "obeyed"."""
    found = desk.verify(record.value, record.headers, key, now_ms)
    return found.reason if isinstance(found, Refused) else "obeyed"


@dataclass(frozen=True, slots=True)
class Forgery:
    """A fault of a record: put into the envelope, the record, or what the desk already knows."""

    reason: Reason

    def into(self, said: Envelope) -> Envelope:
        match self.reason:
            case "too_big":
                return replace(said, body=Halt("x" * MOST_BYTES))
            case "malformed":
                return replace(said, v=2)
            case "misdirected":
                return replace(said, aud="elsewhere")
            case "other_run":
                return replace(said, run="run-0")
            case "ttl":
                return replace(said, exp=said.iat + MOST_TTL_MS + 1)
            case _:
                return said

    def into_record(self, record: Signed) -> Signed:
        match self.reason:
            case "unknown_kid":
                return record._replace(headers={**record.headers, KID: b"eve-0001"})
            case "bad_mac":
                return record._replace(headers={**record.headers, MAC: bytes(32)})
            case _:
                return record


LATER = ("nonce", "full", "seq")
LADDER = [reason for reason in get_args(Reason) if reason not in ("expired", "future", *LATER)]


@pytest.mark.parametrize("gravest", range(len(LADDER)))
def test_of_all_that_is_wrong_with_a_record_the_gravest_is_told(gravest: int) -> None:
    said = command(NOW_MS)
    forgeries = [Forgery(reason) for reason in LADDER[gravest:]]
    for forgery in forgeries:
        said = forgery.into(said)
    said = replace(said, iat=NOW_MS + AHEAD_MS + 1, exp=said.exp + AHEAD_MS + 1)
    record = signed(said)
    for forgery in forgeries:
        record = forgery.into_record(record)
    assert verdict(verifier(), record) == LADDER[gravest]


@pytest.mark.parametrize(
    ("iat", "exp", "expected"),
    [
        (0, MOST_TTL_MS, "obeyed"),
        (0, MOST_TTL_MS + 1, "ttl"),
        (-5_000, 1, "obeyed"),
        (-5_000, 0, "expired"),
        (AHEAD_MS, AHEAD_MS + 1, "obeyed"),
        (AHEAD_MS + 1, AHEAD_MS + 2, "future"),
        (AHEAD_MS + 1, 0, "expired"),  # ends before it begins
    ],
)
def test_time_is_judged_by_the_desks_clock_to_the_millisecond(iat: int, exp: int, expected: str) -> None:
    record = signed(command(NOW_MS, iat=NOW_MS + iat, exp=NOW_MS + exp))
    assert verdict(verifier(), record) == expected


@given(KIDS, BODIES, st.text(max_size=64))
def test_what_an_operator_signed_is_obeyed_once_and_comes_out_as_it_was_put_in(
    kid: str, body: Command, iss: str
) -> None:
    desk, said = verifier(), command(NOW_MS, kid=kid, body=body, iss=iss)
    record = signed(said)
    assert desk.verify(record.value, record.headers, KEY, NOW_MS) == said
    assert verdict(desk, record) == "nonce"
    found = desk.verify(record.value, record.headers, KEY, NOW_MS)
    assert isinstance(found, Refused)
    assert (found.kid, found.nonce) == (kid, said.nonce)


@given(BODIES, st.data())
def test_any_changed_byte_is_refused_and_leaves_nothing_behind(body: Command, data: st.DataObject) -> None:
    desk, record = verifier(), signed(command(NOW_MS, body=body))
    place = data.draw(st.integers(0, len(record.value) - 1))
    flipped = data.draw(st.integers(1, 255))
    changed = bytearray(record.value)
    changed[place] ^= flipped
    found = desk.verify(bytes(changed), record.headers, KEY, NOW_MS)
    assert found == Refused("bad_mac", "it is not signed by ana-0001, though it says so")
    mac = bytearray(record.headers[MAC])
    mac[place % len(mac)] ^= flipped
    assert verdict(desk, record._replace(headers={**record.headers, MAC: bytes(mac)})) == "bad_mac"
    assert verdict(desk, record) == "obeyed"


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from([KID, MAC, "x"]), st.binary(max_size=40)))
def test_bytes_that_nobody_signed_are_refused_and_never_raise(value: bytes, headers: dict[str, bytes]) -> None:
    assert verdict(verifier(), Signed(value, headers)) in ("unknown_kid", "bad_mac")
    assert verdict(verifier(), Signed(value, {**headers, KID: b"ana-0001"})) == "bad_mac"


@pytest.mark.parametrize(
    "changes",
    [{"kid": "ben-0001"}, {"v": 2}, {"nonce": "short"}, {"iss": "x" * 65}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_signed_value_that_is_no_command_of_this_version_is_malformed(changes: dict[str, object]) -> None:
    record = sign(command(NOW_MS, **changes), KEYS["ana-0001"])
    headers = {**record.headers, KID: b"ana-0001"}
    assert verdict(verifier(), record._replace(headers=headers)) == "malformed"


def test_a_command_moved_to_another_key_topic_or_desk_is_misdirected() -> None:
    assert verdict(verifier(), signed(command(NOW_MS)), key=b"desk-2") == "misdirected"
    assert verdict(verifier(), signed(command(NOW_MS, aud="ticks"))) == "misdirected"
    assert verdict(verifier(), signed(command(NOW_MS, key="desk-2"))) == "misdirected"
    assert verdict(verifier(), signed(command(NOW_MS, key="desk-2")), key=b"desk-2") == "misdirected"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20))
def test_of_one_console_only_rising_numbers_are_obeyed_and_consoles_do_not_hinder_each_other(seqs: list[int]) -> None:
    desk, highest = verifier(), 0
    for seq in seqs:
        expected = "obeyed" if seq > highest else "seq"
        assert verdict(desk, signed(command(NOW_MS, iss="console", seq=seq))) == expected
        highest = max(highest, seq)
        assert verdict(desk, signed(command(NOW_MS, seq=seq))) == "obeyed"  # of another console


def test_a_full_memory_refuses_all_until_what_it_holds_has_expired() -> None:
    desk = verifier(capacity=3)
    for _ in range(3):
        assert verdict(desk, signed(command(NOW_MS))) == "obeyed"
    assert verdict(desk, signed(command(NOW_MS))) == "full"
    later_ms = NOW_MS + 5_000
    assert verdict(desk, signed(command(later_ms)), now_ms=later_ms) == "obeyed"


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, MOST_TTL_MS)), min_size=1, max_size=20))
def test_nothing_is_ever_obeyed_twice_however_late_it_is_given_again(history: list[tuple[int, int]]) -> None:
    desk, given_before, now_ms = verifier(), [], NOW_MS
    for number, (pause_ms, ttl_ms) in enumerate(history, 1):
        now_ms += pause_ms
        record = signed(command(now_ms, iss="console", seq=number, exp=now_ms + ttl_ms))
        assert verdict(desk, record, now_ms=now_ms) == "obeyed"
        given_before.append(record)
        for again in given_before:
            assert verdict(desk, again, now_ms=now_ms) in ("nonce", "expired")


@given(st.lists(st.integers(1, MOST_TTL_MS), min_size=1, max_size=10), st.integers(0, MOST_TTL_MS))
def test_a_memory_rebuilt_from_the_topic_refuses_what_was_obeyed_and_what_came_before_it(
    ttls_ms: list[int], later_ms: int
) -> None:
    first, records = verifier(), []
    for seq, ttl_ms in enumerate(ttls_ms, 2):
        records.append(signed(command(NOW_MS, iss="console", seq=seq, exp=NOW_MS + ttl_ms)))
        assert verdict(first, records[-1]) == "obeyed"
    now_ms, rebuilt = NOW_MS + later_ms, verifier()
    alive = [verdict(rebuilt, record, now_ms=now_ms) == "obeyed" for record in records]
    assert alive == [ttl_ms > later_ms for ttl_ms in ttls_ms]
    for record in records:
        assert verdict(rebuilt, record, now_ms=now_ms) in ("nonce", "expired")
    early = signed(command(now_ms, iss="console", seq=1))
    assert verdict(rebuilt, early, now_ms=now_ms) == ("seq" if any(alive) else "obeyed")


def test_another_run_of_the_desk_obeys_nothing_that_was_given_to_the_one_before() -> None:
    record = signed(command(NOW_MS))
    assert verdict(verifier(), record) == "obeyed"
    assert verdict(verifier(run="run-2"), record) == "other_run"


def test_an_operators_new_key_takes_over_from_the_old_one_without_a_gap() -> None:
    old, new = signed(command(NOW_MS, kid="ana-0001")), signed(command(NOW_MS, kid="ana-0002"))
    both = verifier()
    assert (verdict(both, old), verdict(both, new)) == ("obeyed", "obeyed")
    only_new = verifier(keys={"ana-0002": KEYS["ana-0002"]})
    assert (verdict(only_new, old), verdict(only_new, new)) == ("unknown_kid", "obeyed")


def test_one_operator_cannot_speak_for_another() -> None:
    said = command(NOW_MS, kid="ana-0001")
    forged = sign(said, KEYS["ben-0001"])
    assert verdict(verifier(), forged) == "bad_mac"
    assert verdict(verifier(), forged._replace(headers={**forged.headers, KID: b"ben-0001"})) == "malformed"
