"""Questions that wait: bounded, one of a task and subject at a time, the newest in place of the one before."""

from collections import OrderedDict

from core.analysis.questions import Question
from core.tasks import TaskName

CAPACITY = 64
OLD_NS = 2_000_000_000  # a question about the past is not sent any more

Key = tuple[TaskName, str]


class Inbox:
    """A question replaces the one that waits for the same task and subject; on a full box the oldest is dropped.

    While a subject is asked about, and for its cool-down after, nothing of it is taken. Nothing here waits. What became
    of each question is counted: `taken`, `merged`, `dropped`, `late`, or `cooling`.
    """

    def __init__(self, cool_down_ns: dict[TaskName, int], *, capacity: int = CAPACITY) -> None:
        self.taken = self.merged = self.dropped = self.late = self.cooling = 0
        self._cool_down_ns, self._capacity = cool_down_ns, capacity
        self._waiting: OrderedDict[Key, tuple[Question, int]] = OrderedDict()
        self._free_ns: OrderedDict[Key, int] = OrderedDict()  # when a subject may be asked about again

    def put(self, task: TaskName, subject: str, question: Question, now_ns: int) -> None:
        if self.cools(task, subject, now_ns):
            return
        key = (task, subject)
        if key in self._waiting:
            self.merged += 1
        elif len(self._waiting) >= self._capacity:
            self._waiting.popitem(last=False)
            self.dropped += 1
        self._waiting[key] = (question, now_ns)

    def cools(self, task: TaskName, subject: str, now_ns: int) -> bool:
        """Return, and count, whether a question would not be taken: making it can be spared."""
        cools = now_ns < self._free_ns.get((task, subject), 0)
        self.cooling += cools
        return cools

    def take(self, now_ns: int) -> tuple[Key, Question, int] | None:
        """Return the question that has waited longest, and when it was put; None if there is none that is of use."""
        while self._waiting:
            key, (question, put_ns) = self._waiting.popitem(last=False)
            if now_ns - put_ns > OLD_NS:
                self.late += 1
                continue
            self._free_ns[key] = now_ns + self._cool_down_ns[key[0]]
            self._free_ns.move_to_end(key)
            while len(self._free_ns) > 16 * self._capacity:
                self._free_ns.popitem(last=False)
            self.taken += 1
            return key, question, put_ns
        return None

    @property
    def offered(self) -> int:
        """How many questions there was cause for so far."""
        return self.taken + self.merged + self.dropped + self.late + self.cooling + len(self)

    def __len__(self) -> int:
        return len(self._waiting)
