"""Parts of tapes, as tapes of their own."""

from pathlib import Path

from core.tape.tape import Tape
from core.tape.writer import TapeWriter


def cut(tape: Tape, folder: Path, from_ns: int, until_ns: int) -> TapeWriter:
    """Copy that time of `tape` (the end not included) to a new one, which begins with the market as it was then.

    Raises:
        TapeError, OSError: it cannot be written.
    """
    with TapeWriter(folder, tape.about) as copy:
        copy.know(tape.market(from_ns))
        frames = tape.frames(from_ns, until_ns)
        ahead = next(frames, [])
        for entries in tape.entries(from_ns, until_ns):
            while ahead and ahead[0].received_ns <= entries[-1].received_ns:
                copy.write((), ahead)
                ahead = next(frames, [])
            copy.write(entries)
        while ahead:
            copy.write((), ahead)
            ahead = next(frames, [])
    return copy
