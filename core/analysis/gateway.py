"""The client of an OpenAI-compatible gateway: one question, one reply, whatever the server does.

Source: openai-python 3.54 (`_base_client.py`, `_client.py`), read on 2026-11-23. Importing it takes seconds, and each
call blocks the loop for milliseconds: it runs in the analysis process and nowhere else.
"""

import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple, Self, cast

import httpx2
import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Omit

from core.analysis.answers import clean
from core.analysis.completion import judged
from core.analysis.outcomes import Attempt, Outcome, Reply
from core.attempts import attempt

CONNECT_S = 5.0
MOST_RETRY_AFTER_S = 3_600.0
_attempts: ContextVar["_Attempts"] = ContextVar("attempts")

STATUS: dict[int, Outcome] = {
    400: "bad_request",
    401: "unauthorised",
    403: "forbidden",
    404: "not_found",
    408: "timeout",
    422: "bad_request",
    429: "rate_limited",
}


class _Attempts:
    """What the HTTP client saw of one call: hooks tell it, also of attempts whose answer the SDK throws away."""

    def __init__(self, key: str, clock_s: Callable[[], float]) -> None:
        self.seen: list[Attempt] = []
        self.wait_s = 0.0
        self._key, self._clock_s = key, clock_s

    def told(self, text: str) -> str:
        """Return what a server or a library said as it may be shown: a server may repeat the key that it was sent."""
        return clean(text.replace(self._key, "***"))[:200]

    def began(self) -> None:
        self.seen.append(Attempt(0))

    def answered(self, response: httpx2.Response) -> None:
        self.seen[-1] = Attempt(response.status_code)
        self.wait_s = 0.0
        if response.status_code in (429, 503):
            self.wait_s = retry_after_s(response.headers, self._clock_s())

    def never_left(self) -> None:
        if self.seen and self.seen[-1].status == 0:
            self.seen[-1] = Attempt(0, sent=False)


class Habits(NamedTuple):
    """What one model's server takes, as far as it was found out; remembered, so that it refuses once."""

    format: Literal["json_schema", "json_object", "none"] = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True

    def without(self, complaint: str) -> Self | None:
        """Give up what `complaint`, the text of a 400, is about; None: there is nothing left to give up."""
        if self.limit in complaint and self.limit == "max_tokens":
            return self._replace(limit="max_completion_tokens")
        if "temperature" in complaint and self.temperature:
            return self._replace(temperature=False)
        match self.format:
            case "json_schema":
                return self._replace(format="json_object")
            case "json_object":
                return self._replace(format="none")
        return None


class Gateway:
    """One server, one key, some models. Close it with `close`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout_s: float,
        connections: int,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        """`clock_s`: seconds since the Unix epoch, for what a server says in dates."""
        http = DefaultAsyncHttpxClient(
            trust_env=False,  # no proxy from the environment may read prompts
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            event_hooks={"request": [_on_attempt], "response": [_on_response]},
        )
        self._key, self._clock_s = key, clock_s
        self._client = AsyncOpenAI(
            base_url=url,
            api_key=key,
            timeout=httpx2.Timeout(timeout_s, connect=CONNECT_S),
            max_retries=0,
            http_client=http,
            # Else the environment's own OPENAI_ORG_ID and OPENAI_PROJECT_ID would be told to this server.
            default_headers=cast(dict[str, str], {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}),
        )
        self._habits: dict[str, Habits] = {}

    async def close(self) -> None:
        await self._client.close()

    async def warm_up(self, deadline_s: float = 8.0) -> Reply:
        """Make the first call, which is slow on our side; it asks for the list of models, and costs nothing."""
        return await self._bounded(self._list_models(), deadline_s)

    def request(self, model: str, words: str, asked: str, schema: dict[str, Any], max_tokens: int) -> dict[str, Any]:
        """Return the body of the request: what a call's reservation is made from."""
        habits = self._habits.get(model, Habits())
        body: dict[str, Any] = {"model": model, habits.limit: max_tokens}
        if habits.temperature:
            body["temperature"] = 0
        if habits.format == "json_schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        elif habits.format == "json_object":
            body["response_format"] = {"type": "json_object"}
        if habits.format != "json_schema":
            words = f"{words} The schema: {json.dumps(schema, separators=(',', ':'))}"
        body["messages"] = [{"role": "system", "content": words}, {"role": "user", "content": asked}]
        return body

    async def ask(
        self,
        model: str,
        words: str,
        asked: str,
        schema: dict[str, Any],
        *,
        max_tokens: int,
        retries: int,
        within_s: float,
    ) -> Reply:
        """Ask `model` once, with at most `retries` more attempts, all within `within_s`."""

        async def call() -> Reply:
            while True:
                habits = self._habits.get(model, Habits())
                body = self.request(model, words, asked, schema, max_tokens)
                billed = sum(attempt.may_be_billed for attempt in _attempts.get().seen)
                client = self._client.with_options(max_retries=max(0, retries - billed))
                try:
                    raw = await client.chat.completions.with_raw_response.create(**body)
                    return judged(raw.parse())
                except openai.BadRequestError as error:
                    if self._habits.get(model, Habits()) != habits:
                        continue  # another call has learned meanwhile
                    if (others := habits.without(_complaint(error))) is None:
                        raise
                    self._habits[model] = others

        return await self._bounded(call(), within_s)

    async def _list_models(self) -> Reply:
        await self._client.models.list()
        return Reply("ok")

    async def _bounded(self, call: Awaitable[Reply], within_s: float) -> Reply:
        """Await `call`; whatever becomes of it is a reply."""
        attempts, start = _Attempts(self._key, self._clock_s), time.monotonic()
        token = _attempts.set(attempts)
        try:
            came = await attempt(call, within_s)
            reply = _failed(came, attempts) if isinstance(came, Exception) else came
        finally:
            _attempts.reset(token)
        reply_ms = (time.monotonic() - start) * 1e3
        wait_s = attempts.wait_s if reply.outcome != "ok" else 0.0
        return Reply(
            reply.outcome, reply.text, reply.usage, tuple(attempts.seen), reply_ms, wait_s, reply.detail,
            reply.gateway_micro_usd,
        )  # fmt: skip


async def _on_attempt(_request: httpx2.Request) -> None:
    _attempts.get().began()


async def _on_response(response: httpx2.Response) -> None:
    _attempts.get().answered(response)


def _failed(error: Exception, attempts: _Attempts) -> Reply:
    match error:
        case openai.APITimeoutError():
            if isinstance(error.__cause__, httpx2.ConnectTimeout | httpx2.PoolTimeout):
                attempts.never_left()
            return Reply("timeout")
        case openai.APIConnectionError():
            if isinstance(error.__cause__, httpx2.ConnectError):
                for at, attempt in enumerate(attempts.seen):
                    attempts.seen[at] = Attempt(attempt.status, sent=attempt.status != 0)
            return Reply("unreachable", detail=attempts.told(str(error.__cause__ or error)))
        case openai.APIStatusError():
            return Reply(_of_status(error), detail=_complaint(error))
        case TimeoutError():
            return Reply("deadline")
        case json.JSONDecodeError():
            return Reply("broken_json")
        case _:
            return Reply("not_json", detail=attempts.told(f"{type(error).__name__}: {error}"))


def _of_status(error: openai.APIStatusError) -> Outcome:
    if error.status_code == 429 and "insufficient_quota" in (error.code, error.type):
        return "quota"
    if error.status_code >= 500:
        return "server_error"
    return STATUS.get(error.status_code, "other_status")


def _complaint(error: openai.APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return _attempts.get().told(f"{error.status_code} {body.get('message') or error.message}")


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float:
    """Return how long the server wants to be left alone; 0 where it does not say.

    Source: RFC 9110, 10.2.3: a number of seconds, or a date; and milliseconds in a header that the SDK knows.
    """
    for header, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        said = headers.get(header, "")
        try:
            wait_s = float(said) * unit
        except ValueError:
            wait_s = _date_s(said) - now_s
        if not math.isnan(wait_s):
            return min(max(wait_s, 0.0), MOST_RETRY_AFTER_S)
    return 0.0


def _date_s(text: str) -> float:
    """Return an HTTP date in seconds since the Unix epoch; nan if it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return math.nan
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
