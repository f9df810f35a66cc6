"""What venues share that send changes of a book: we keep it, and tell of its top when that is another one."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from core.feeds.frames import Stream
from core.feeds.json_dialect import JsonDialect
from core.feeds.ladder import Book
from core.feeds.venue import Event, Ignored, Reply, Untrue

ASK_AGAIN = 500  # frames of a book that we lost track of, before its snapshot is asked for once more
BELOW = "below the top"


class BookDialect(JsonDialect[Book]):
    """One connection. A subclass keeps each book and calls `top` after every change."""

    kind: ClassVar[type[Stream]] = Book

    @abstractmethod
    def leave(self, natives: Sequence[str]) -> str:
        """Return the frame that gives up `natives`: their books are asked for anew after a gap."""

    def top(self, book: Book, when_us: int | None, sequence_id: int | None, received_ns: int) -> Event:
        """Return the tick of the book's top if that has changed."""
        changed = book.changed()
        if changed is None:
            return Ignored(BELOW)
        (bid, bid_size), (ask, ask_size) = changed
        return self.quote(book, bid, bid_size, ask, ask_size, when_us, sequence_id, received_ns)

    def miss(self, book: Book) -> Sequence[Event]:
        """Say that the book is lost, and ask for its snapshot: again and again, but not for every change."""
        gap = Untrue(book.symbol, "gap")
        book.missed += 1
        if book.missed % ASK_AGAIN != 1:
            return (gap,)
        return (gap, Reply(self.leave([book.native])), Reply(self.request([book.native])))
