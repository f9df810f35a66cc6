"""`arbdesk tape`: what is on it, a piece of it, a table of it."""

import csv
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import orjson

from console.moments import moment, written
from core.errors import ConfigurationError, TapeError
from core.tape.copying import cut
from core.tape.payloads import Frame
from core.tape.tape import Tape
from core.tick import Entry, Withdrawal

TICKS = (
    *("exchange_id", "symbol", "bid_price", "ask_price", "bid_volume", "ask_volume"),
    *("timestamp", "sequence_id", "received_ns", "withdrawn", "withdrawn_ns"),
)
FRAMES = (
    "exchange_id",
    "received_ns",
    "raw",
)  # then "base64" or "binary": what is no text is there, and `raw` is empty
ROWS = 50_000  # in one go
Rows = Iterator[list[tuple[Any, ...]]]


def show_info(path: Path, *, as_json: bool) -> bool:
    """Print what is on a tape and what of it is damaged; return whether nothing is but a torn end.

    Raises:
        TapeError: there is no tape.
    """
    with Tape(path) as tape:
        whole, damages = tape.verify()
        about, length_s = tape.about, (tape.end_ns - tape.begin_ns) / 1e9
        found: dict[str, Any] = {
            "tape": str(tape.path),
            "files": len(tape.files),
            "begin": written(tape.begin_ns),
            "end": written(tape.end_ns),
            "seconds": round(length_s, 3),
            "ticks": tape.entries_count,
            "frames": tape.frames_count,
            "per_s": round(tape.entries_count / length_s) if length_s else None,
            "bytes": tape.size,
            "compression": round(tape.raw_size / tape.size, 2),
            "source": about.source,
            "program": about.program,
            "symbols": list(about.symbols),
            "venues": list(about.taker_fees),
            "verified": whole,
            "damages": [str(one) for one in damages],
        }
        sound = all(one.torn for one in damages)
    if as_json:
        click.echo(orjson.dumps(found).decode())
        return sound
    click.echo(f"{found['tape']}: {found['source']}, recorded by {found['program']}")
    click.echo(f"  {found['begin']} to {found['end']} UTC, {length_s:,.1f} s, in {found['files']} files")
    click.echo(f"  {found['ticks']:,} ticks ({found['per_s'] or 0:,} a second), {found['frames']:,} frames")
    click.echo(f"  {found['bytes'] / 1e6:,.1f} MB, a {found['compression']:g}th of what it holds")
    click.echo(f"  {', '.join(found['venues'])}: {', '.join(found['symbols'])}")
    for one in damages:
        click.echo(f"  {'torn' if one.torn else 'DAMAGED'}: {one}")
    click.echo(f"  {whole:,} ticks and frames verified" + ("" if damages else ", nothing is damaged"))
    return sound


def cut_out(path: Path, folder: Path, begin: str | None, end: str | None) -> None:
    """Raises TapeError, ConfigurationError."""
    with Tape(path) as tape:
        from_ns, until_ns = _span(tape, begin, end)
        try:
            copy = cut(tape, folder, from_ns, until_ns)
        except OSError as error:
            raise TapeError(f"{folder} cannot be written", why=error.strerror or repr(error)) from None
        _warn(tape)
    with Tape(folder) as made:
        click.echo(
            f"{folder}: {written(made.begin_ns)} to {written(made.end_ns)}, {made.entries_count:,} ticks, "
            f"{made.frames_count:,} frames, {copy.bytes / 1e6:.1f} MB"
        )


def export_table(path: Path, file: Path, begin: str | None, end: str | None, *, frames: bool) -> None:
    """Raises TapeError, ConfigurationError."""
    writers: dict[str, Callable[[Path, tuple[str, ...], Rows], int]] = {".csv": _csv, ".parquet": _parquet}
    write, is_csv = writers.get(file.suffix), file.suffix == ".csv"
    if write is None:
        raise ConfigurationError(
            f"{file}", why="its name does not say how to write it", do="End it in .csv or .parquet."
        )
    with Tape(path) as tape:
        span = _span(tape, begin, end)
        rows = (
            _frame_rows(tape.frames(*span), _base64 if is_csv else bytes) if frames else _tick_rows(tape.entries(*span))
        )
        columns = (*FRAMES, "base64" if is_csv else "binary") if frames else TICKS
        draft = file.with_name(file.name + ".new")
        try:
            count = write(draft, columns, rows)
            draft.replace(file)
        except OSError as error:
            raise TapeError(f"{file} cannot be written", why=error.strerror or repr(error)) from None
        finally:
            with suppress(OSError):
                draft.unlink()
        _warn(tape)
    click.echo(f"{file}: {count:,} rows")


def _span(tape: Tape, begin: str | None, end: str | None) -> tuple[int, int]:
    from_ns = moment(begin, tape.begin_ns, tape.begin_ns)
    until_ns = moment(end, tape.begin_ns, tape.end_ns + 1)
    if not (from_ns < until_ns and from_ns <= tape.end_ns and until_ns > tape.begin_ns):
        raise ConfigurationError(
            f"There is nothing from {written(from_ns)} to {written(until_ns)}",
            why=f"the tape holds {written(tape.begin_ns)} to {written(tape.end_ns)}",
        )
    return from_ns, until_ns


def _warn(tape: Tape) -> None:
    for one in tape.damages:
        click.echo(f"{'torn' if one.torn else 'DAMAGED, and left out'}: {one}", err=True)


def _tick_rows(pieces: Iterable[list[Entry]]) -> Rows:
    for entries in pieces:
        rows = []
        for entry in entries:
            gone = isinstance(entry, Withdrawal)
            tick = entry.tick if isinstance(entry, Withdrawal) else entry
            values = [getattr(tick, name) for name in TICKS[:9]]
            rows.append(
                (*values, entry.cause if isinstance(entry, Withdrawal) else None, entry.received_ns if gone else None)
            )
        yield rows


def _frame_rows(pieces: Iterable[list[Frame]], packed: Callable[[bytes], str | bytes]) -> Rows:
    for frames in pieces:
        yield [(one.venue, one.received_ns, *_told(one.data, packed)) for one in frames]


def _told(data: bytes, packed: Callable[[bytes], str | bytes]) -> tuple[str | None, str | bytes | None]:
    """Return a frame as text, or as it is `packed`: one of the two is None, and from the other it can be had again."""
    try:
        return data.decode(), None
    except UnicodeDecodeError:
        return None, packed(data)


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _csv(file: Path, columns: tuple[str, ...], pieces: Rows) -> int:
    count = 0
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        for rows in pieces:
            writer.writerows(rows)
            count += len(rows)
    return count


def _parquet(file: Path, columns: tuple[str, ...], pieces: Rows) -> int:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigurationError(
            "Parquet is not installed", do="Run: pip install 'arbdesk[parquet]', or export .csv."
        ) from None
    kinds = {"timestamp": arrow.int64(), "sequence_id": arrow.int64(), "received_ns": arrow.int64()}
    kinds |= {"withdrawn_ns": arrow.int64(), "binary": arrow.binary()} | {name: arrow.float64() for name in TICKS[2:6]}
    schema = arrow.schema([(name, kinds.get(name, arrow.string())) for name in columns])
    count = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as out:
        for rows in _joined(pieces):
            table = arrow.table(list(zip(*rows, strict=True)), schema=schema)
            out.write_table(table)
            count += len(rows)
    return count


def _joined(pieces: Rows) -> Rows:
    """Yield rows in groups large enough for a column store."""
    held: list[tuple[Any, ...]] = []
    for rows in pieces:
        held += rows
        if len(held) >= ROWS:
            yield held
            held = []
    if held:
        yield held
