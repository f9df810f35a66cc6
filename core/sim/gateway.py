"""A simulated gateway: chat completions over HTTP on loopback, with usage, schemas, and every way to fail.

Source: OpenAI API reference, "Create chat completion", and what was seen of servers' odd answers; November 2026.
"""

import asyncio
import contextlib
import json
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from core.draws import seeded
from core.sim.http import HOST, Dropped, Reply, Request, json_reply, serving
from core.sim.judges import judge
from core.sim.odd_answers import Trouble, bent, disguised, failure, refused

REMEMBERED = 1_000  # request bodies
FOR_A_DEMO: tuple[Trouble, ...] = ("rate_limited", "server_error", "hang", "html", "prose", "quota", "unauthorised")


class SimulatedGateway:
    """The server. `next` and `always` make it fail; `requests` are the bodies it has got, `spent` what it counted."""

    def __init__(
        self,
        *,
        latency_s: tuple[float, float] = (0.15, 0.7),
        seed: int = 1,
        clock_s: Callable[[], float] = time.time,
    ) -> None:
        self.requests: deque[bytes] = deque(maxlen=REMEMBERED)
        self.headers: deque[dict[str, str]] = deque(maxlen=REMEMBERED)
        self.spent: dict[str, list[int]] = {}  # model -> input, cached, output tokens that were charged
        self.calls = 0
        self.text: str | None = None  # to say instead of an answer
        self._latency_s, self._draw = latency_s, seeded(f"{seed} gateway")
        self._clock_s = clock_s
        self._next: deque[Trouble] = deque()
        self._always: Trouble | None = None
        self._until_s: float | None = None
        self._seen_prompts: set[str] = set()
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}/v1"

    def next(self, *troubles: Trouble) -> None:
        """Fail in these ways, one for each of the next requests."""
        self._next.extend(troubles)

    def always(self, trouble: Trouble | None, for_s: float | None = None) -> None:
        """Fail in this way from here on, or for a while; None: work again."""
        self._always = trouble
        self._until_s = asyncio.get_running_loop().time() + for_s if for_s is not None else None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve as long as the context lasts."""
        async with serving(self._answer) as self._port:
            yield

    async def _answer(self, request: Request) -> Reply:
        if (request.method, request.path) == ("GET", "/v1/models"):
            return self._models()
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            return failure(404, "no such path")
        self.calls += 1
        self.requests.append(request.body)
        self.headers.append(dict(request.headers))
        match trouble := self._trouble():
            case "hang":
                await asyncio.sleep(3_600)
            case "hang_up":
                raise Dropped
            case "drip":
                return Reply(200, b" " * 1_000, pause_s=0.05)
        await asyncio.sleep(self._draw.uniform(*self._latency_s))
        return self._complete(request.body, trouble)

    def _trouble(self) -> Trouble | None:
        if self._next:
            return self._next.popleft()
        if self._until_s is not None and asyncio.get_running_loop().time() >= self._until_s:
            self._always = self._until_s = None
        return self._always

    def _models(self) -> Reply:
        if self._always == "unauthorised":
            return failure(401, "Incorrect API key provided", "invalid_api_key")
        return json_reply({"object": "list", "data": []})

    def _complete(self, raw: bytes, trouble: Trouble | None) -> Reply:
        body = json.loads(raw)
        if response := refused(body, trouble, self._clock_s()):
            return response
        words, asked = (str(message["content"]) for message in body["messages"])
        model = str(body["model"])
        text = self.text
        if text is None:
            schema = json.dumps(body.get("response_format", "")) + words  # in the one, or told in the other
            text = json.dumps(judge(model, json.loads(asked), classify='"kind"' in schema))
        text = disguised(text, trouble)
        usage = self._usage(model, words, asked, text)
        answer: dict[str, Any] = {
            "id": f"chatcmpl-sim{self.calls}",
            "object": "chat.completion",
            "created": 0,
            "model": f"{model} (SIMULATED)",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "length" if trouble == "length" else "stop",
                    "message": {"role": "assistant", "content": text},
                }
            ],
            "usage": usage,
        }
        return bent(answer, trouble)

    def _usage(self, model: str, words: str, asked: str, text: str) -> dict[str, Any]:
        cached = math.ceil(len(words) / 4) if words in self._seen_prompts else 0
        self._seen_prompts.add(words)
        used = (math.ceil(len(words) / 4) + math.ceil(len(asked) / 2.2), cached, math.ceil(len(text) / 3))
        totals = self.spent.setdefault(model, [0, 0, 0])
        for at, tokens in enumerate(used):
            totals[at] += tokens
        return {
            "prompt_tokens": used[0],
            "completion_tokens": used[2],
            "total_tokens": used[0] + used[2],
            "prompt_tokens_details": {"cached_tokens": cached},
        }
