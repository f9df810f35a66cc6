"""What is put on a tape is read from it again, from any moment on, and whatever is damaged is named."""

import base64
import csv
import gzip
import json
import random
import resource
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from console.tapes import export_table
from core.errors import TapeError
from core.feeds.catalogue import dialect
from core.feeds.recording import decode_lines
from core.tape.copying import cut
from core.tape.payloads import Frame
from core.tape.recorder import Recorder, new_folder
from core.tape.tape import Tape
from core.tape.writer import TapeWriter
from core.tick import Entry, Tick, Withdrawal
from tests.feeds.test_documented import HTX_TOP
from tests.tape.samples import ABOUT, START_NS, STEP_NS, entries, frames, written


def all_of(tape: Tape, from_ns: int = 0, until_ns: int = 2**63 - 1) -> list[Entry]:
    return [entry for some in tape.entries(from_ns, until_ns) for entry in some]


def test_a_tape_gives_back_what_was_put_on_it_in_its_order(tmp_path: Path) -> None:
    some = entries(1_000)
    with Tape(written(tmp_path / "tape", some)) as tape:
        assert all_of(tape) == some
        assert [frame for piece in tape.frames() for frame in piece] == frames(1_000)
        assert (tape.entries_count, tape.frames_count) == (1_000, 1_000)
        assert (tape.begin_ns, tape.end_ns) == (START_NS, START_NS + 999 * STEP_NS)
        assert tape.about == ABOUT
        assert tape.verify() == (2_000, [])
        assert any(isinstance(entry, Withdrawal) for entry in some)


def test_files_are_rotated_by_size_and_by_age_and_each_can_be_read_alone(tmp_path: Path) -> None:
    some = entries(3_000)
    written(tmp_path / "small", some, segment_bytes=20_000)
    with TapeWriter(tmp_path / "short", ABOUT, segment_s=1.0) as tape:
        for start in range(0, 3_000, 100):
            tape.write(some[start : start + 100])
    for name, least in (("small", 3), ("short", 3)):
        files = sorted((tmp_path / name).iterdir())
        assert len(files) >= least
        with Tape(tmp_path / name) as whole:
            assert all_of(whole) == some
        held: list[Entry] = []
        for file in files:
            with Tape(file) as alone:
                held += all_of(alone)
                assert alone.damages == []
        assert held == some


def test_the_oldest_files_of_a_tape_go_when_it_has_become_too_large(tmp_path: Path) -> None:
    some = entries(6_000)
    with TapeWriter(tmp_path / "tape", ABOUT, segment_bytes=10_000, keep_bytes=40_000) as writer:
        for start in range(0, 6_000, 100):
            writer.write(some[start : start + 100])
    assert writer.bytes > 80_000
    with Tape(tmp_path / "tape") as tape:
        read = all_of(tape)
        assert tape.size < 60_000
        assert tape.damages == []
        assert read == some[-len(read) :]


def test_the_market_of_any_moment_is_the_last_word_of_every_venue_and_symbol(tmp_path: Path) -> None:
    some = entries(20_000)  # twenty seconds: several keyframes
    chance = random.Random(3)
    with Tape(written(tmp_path / "tape", some, segment_bytes=100_000)) as tape:
        for _ in range(50):
            place = chance.randrange(1, len(some))
            at_ns = START_NS + place * STEP_NS
            last = {(one.exchange_id, one.symbol): one for one in some[:place]}
            assert {(one.exchange_id, one.symbol): one for one in tape.market(at_ns)} == last
            assert next(tape.entries(at_ns))[0] == some[place]
        assert all_of(tape, START_NS + 500 * STEP_NS, START_NS + 700 * STEP_NS) == some[500:700]


def test_any_flipped_byte_is_found_and_named_and_the_rest_is_read(tmp_path: Path) -> None:
    some = entries(1_000)
    (file,) = written(tmp_path / "tape", some).iterdir()
    sound, chance = file.read_bytes(), random.Random(5)
    for offset in sorted(chance.sample(range(len(sound)), 80)):
        flipped = bytearray(sound)
        flipped[offset] ^= 1 << chance.randrange(8)
        file.write_bytes(flipped)
        with Tape(tmp_path / "tape") as tape:
            _, damages = tape.verify()
            (damage,) = damages
            assert damage.file == file
            assert damage.offset <= offset < damage.offset + damage.size
            assert file.name in str(damage)
            assert not damage.torn
            read = all_of(tape)
            assert len(read) >= 900
            found = set(read)
            assert [one for one in some if one in found] == read


def test_a_file_that_was_cut_off_anywhere_is_read_up_to_its_last_whole_chunk(tmp_path: Path) -> None:
    some = entries(1_000)
    (file,) = written(tmp_path / "tape", some).iterdir()
    sound = file.read_bytes()
    for length in random.Random(9).sample(range(len(sound) // 2, len(sound)), 60):
        file.write_bytes(sound[:length])
        with Tape(tmp_path / "tape") as tape:
            _, damages = tape.verify()
            read = all_of(tape)
            assert read == some[: len(read)]
            assert len(read) % 100 == 0
            assert all(one.torn for one in damages)
            assert sum(one.size for one in damages) < 20_000


def test_a_missing_piece_is_noticed(tmp_path: Path) -> None:
    written(tmp_path / "tape", entries(3_000), segment_bytes=20_000)
    sorted((tmp_path / "tape").iterdir())[1].unlink()
    with Tape(tmp_path / "tape") as tape:
        (damage,) = tape.damages
        assert "are not there" in str(damage)


def test_what_is_no_tape_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "rubbish.tape").write_bytes(b"rubbish" * 100)
    for path, words in (
        (tmp_path / "none", "no such folder"),
        (tmp_path / "rubbish.tape", "holds no ticks"),
    ):
        with pytest.raises(TapeError, match=words) as caught:
            Tape(path)
        assert "\n" not in str(caught.value)
    written(tmp_path / "tape", entries(10))
    with pytest.raises(TapeError, match="holds a tape already"):
        TapeWriter(tmp_path / "tape", ABOUT)


def test_the_newest_tape_of_a_folder_is_taken(tmp_path: Path) -> None:
    for second, count in ((0, 10), (1, 20)):
        written(new_folder(tmp_path, START_NS + second * 10**9), entries(count))
    with Tape(tmp_path) as tape:
        assert tape.entries_count == 20


def test_a_piece_that_is_cut_out_begins_with_the_market_as_it_was(tmp_path: Path) -> None:
    some = entries(2_000)
    with Tape(written(tmp_path / "tape", some)) as tape:
        from_ns, until_ns = START_NS + 700 * STEP_NS, START_NS + 900 * STEP_NS
        cut(tape, tmp_path / "piece", from_ns, until_ns)
        market = tape.market(from_ns)
    with Tape(tmp_path / "piece") as piece:
        assert all_of(piece) == some[700:900]
        assert [frame for some in piece.frames() for frame in some] == frames(2_000)[700:900]
        assert sorted(piece.market(from_ns), key=str) == sorted(market, key=str)


def test_a_recorder_writes_while_it_is_fed_and_counts_what_it_leaves_out(tmp_path: Path) -> None:
    some = entries(500)
    with Recorder(tmp_path / "tape", ABOUT, flush_s=0.01) as recorder:
        for entry, frame in zip(some, frames(500), strict=True):
            recorder.entry(entry)
            recorder.frame(frame.venue, frame.data, frame.received_ns)
        wait_until(lambda: recorder.state().waiting == 0)
        with Tape(tmp_path / "tape") as tape:  # while it is being written
            assert all_of(tape) == some
        assert isinstance(some[0], Tick)
        recorder.entry(replace(some[0], sequence_id=2**70))  # no venue's, and does not fit
        recorder.entry(some[1])
    state = recorder.state()
    assert (state.entries, state.frames, state.dropped, state.waiting, state.trouble) == (501, 500, 1, 0, "")
    with Tape(tmp_path / "tape") as tape:
        assert all_of(tape) == [*some, some[1]]


def test_a_full_disk_is_told_counted_and_over_when_it_is_over(tmp_path: Path) -> None:
    some = entries(4_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Recorder(tmp_path / "tape", ABOUT, flush_s=0.01) as recorder:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, before[1]))  # of each file: the next write fails
        try:
            for entry in some:
                recorder.entry(entry)
            wait_until(lambda: recorder.trouble != "")
            assert "File too large" in recorder.trouble
            lost = recorder.state().dropped
            assert lost > 0
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        wait_until(lambda: recorder.state().waiting == 0)
        recorder.entry(some[-1])
        wait_until(lambda: recorder.trouble == "" and recorder.state().waiting == 0)
    state = recorder.state()
    assert state.entries + state.dropped == 4_001
    with Tape(tmp_path / "tape") as tape:
        assert all_of(tape)[-1] == some[-1]
        assert any(f"{state.dropped:,} entries and frames were dropped here" in str(one) for one in tape.damages)


def wait_until(true: "object", timeout_s: float = 30.0) -> None:
    import time

    assert callable(true)
    end, pause = time.monotonic() + timeout_s, threading.Event()
    while not true():
        assert time.monotonic() < end
        pause.wait(0.005)


def test_frames_of_any_kind_come_back_from_an_exported_table_as_they_were(tmp_path: Path) -> None:
    some = [
        Frame("htx", START_NS, gzip.compress(HTX_TOP)),
        Frame("okx", START_NS + 1, b'{"event":"subscribe",\r\n "arg":"\xe2\x82\xac, \\"x\\""}'),
        Frame("mexc", START_NS + 2, bytes(range(256))),
        Frame("okx", START_NS + 3, b""),
    ]
    with TapeWriter(tmp_path / "tape", ABOUT) as tape:
        tape.write(entries(5), some)
    export_table(tmp_path / "tape", tmp_path / "frames.csv", None, None, frames=True)
    with (tmp_path / "frames.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [bool(row["raw"]) for row in rows] == [False, True, False, False]
    assert [bool(row["base64"]) for row in rows] == [True, False, True, False]
    again = [row["raw"].encode() or base64.b64decode(row["base64"]) for row in rows]
    assert [(row["exchange_id"], int(row["received_ns"])) for row in rows] == [frame[:2] for frame in some]
    assert again == [frame.data for frame in some]
    line = json.dumps({"recv_ns": START_NS, "base64": rows[0]["base64"]})
    (decoded,) = decode_lines(dialect("htx"), [line.encode()])
    assert decoded.tick is not None
    assert (decoded.tick.bid_price, decoded.tick.ask_price, decoded.tick.received_ns) == (16829.5, 16829.51, START_NS)
