"""What the analysis process knows of one model: whether it may be asked, and what its calls came to."""

from collections import deque
from statistics import median

from core.analysis.breaker import QUOTA_S, Breaker
from core.analysis.outcomes import ANSWERED, Reply
from core.analysis.prices import Price
from core.analysis.standing import ModelStanding, Shut, State

FOR_GOOD = ("unauthorised", "forbidden", "odd_usage")  # no time heals these: a person must act


class Model:
    """One model. Times are seconds, of any one clock."""

    def __init__(self, name: str, price: Price) -> None:
        self.name, self.price = name, price
        self.breaker = Breaker()
        self.busy = 0  # calls that are on their way
        self.no_money_why = ""
        self._no_money_until_s = 0.0
        self._calls = self._failed = self._retries = self._micro_usd = 0
        self._input_tokens = self._cached_tokens = self._output_tokens = 0
        self._took_ms: deque[float] = deque(maxlen=50)

    def no_money(self, why: str, until_s: float) -> None:
        """A call that the breaker has allowed does not go out: there is not enough left for it until then."""
        self.breaker.released()
        self.no_money_why, self._no_money_until_s = why, until_s

    def money_again(self) -> None:
        self._no_money_until_s = 0.0

    def ended(self, reply: Reply, charged: int, now_s: float) -> None:
        """Take note of how a call ended."""
        self._calls += 1
        self._failed += reply.outcome != "ok"
        self._micro_usd += charged
        self._retries += max(0, len(reply.attempts) - 1)
        self._took_ms.append(reply.latency_ms)
        if reply.usage is not None:
            self._input_tokens += reply.usage.input_tokens
            self._cached_tokens += reply.usage.cached_tokens
            self._output_tokens += reply.usage.output_tokens
        self._tell_breaker(reply, now_s)

    def _tell_breaker(self, reply: Reply, now_s: float) -> None:
        why = explained(reply)
        if reply.outcome in ANSWERED:
            self.breaker.worked(now_s)
        elif reply.outcome in FOR_GOOD:
            self.breaker.refused_for_good(why)
        else:
            self.breaker.failed(why, now_s)
        if reply.outcome == "quota":
            self.breaker.told_to_wait(why, now_s, QUOTA_S)
        elif reply.wait_s:
            self.breaker.told_to_wait(f"{why}; the server asks for {reply.wait_s:g} s", now_s, reply.wait_s)

    def standing(self, hour_micro_usd: int, now_s: float) -> ModelStanding:
        """Return how it stands; `hour_micro_usd`: what it has cost in the last 60 minutes."""
        state, why = self._state(now_s)
        return ModelStanding(
            self.name,
            state,
            why,
            self._calls,
            self._failed,
            self._retries,
            self._input_tokens,
            self._cached_tokens,
            self._output_tokens,
            median(self._took_ms) if self._took_ms else 0.0,
            self.price.estimate,
            micro_usd=self._micro_usd,
            hour_micro_usd=hour_micro_usd,
            shut=self._shut(now_s),
        )

    def keep_shut(self, shut: Shut, now_s: float) -> None:
        """Leave it alone as an earlier process did."""
        if shut.until_s is None:
            self.breaker.refused_for_good(shut.why)
        elif now_s < shut.until_s:
            self.breaker.told_to_wait(shut.why, now_s, shut.until_s - now_s)

    def _shut(self, now_s: float) -> Shut | None:
        breaker = self.breaker
        if breaker.for_good:
            return Shut(breaker.why)
        return Shut(breaker.why, breaker.told_until_s) if now_s < breaker.told_until_s else None

    def _state(self, now_s: float) -> tuple[State, str]:
        breaker = self.breaker
        if breaker.for_good:
            return "OPEN", f"a person must act, then restart the desk: {breaker.why}"
        if breaker.until_s is not None and now_s < breaker.until_s:
            return "OPEN", f"asked again in {breaker.until_s - now_s:.0f} s: {breaker.why}"
        if now_s < self._no_money_until_s:
            return "BUDGET", self.no_money_why
        return ("BUSY", "") if self.busy else ("READY", "")


def explained(reply: Reply) -> str:
    """Return how a call ended, in words."""
    return f"{reply.outcome.replace('_', ' ')}{': ' + reply.detail if reply.detail else ''}"
