"""An OpenAI-compatible server that has nothing in common with our simulated gateway, as many on the market have little.

It knows no json_schema, refuses in the words of another framework, sends its answers in chunks, in fences and with a
preamble, names its cache's tokens in its own way, and lists no models. What it answers fits the schema in the prompt.
"""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

KEY = "sk-of-another-server"


class Used(NamedTuple):
    """What one answer used, in the server's own counts."""

    model: str
    fresh: int
    cached: int
    said: int


class OtherServer:
    """What the server was asked and what it counted."""

    def __init__(self, says: Mapping[str, Any]) -> None:
        """`says`: what to answer in fields of these names, where the schema allows more than one thing."""
        self.used: list[Used] = []
        self.kinds: set[str] = set()  # of questions that were answered
        self.refused = 0
        self.url = ""
        self._says, self._closed = says, False
        self._changed = threading.Condition()

    def wait_for_kinds(self, count: int, timeout_s: float = 60.0) -> bool:
        """Wait until questions of so many kinds were answered."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.kinds) >= count, timeout_s)

    def close_up(self) -> None:
        """Answer nothing any more: what was counted up to here is all."""
        with self._changed:
            self._closed = True

    def respond(self, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if key != f"Bearer {KEY}":
            return 401, {"detail": "who are you?"}
        if body.get("response_format", {}).get("type") == "json_schema":
            return 400, {
                "detail": [{"loc": ["body", "response_format"], "msg": "Input should be 'text', 'json_object'"}]
            }
        with self._changed:
            if self._closed:
                self.refused += 1
                return 429, {"detail": "closed"}
            words, asked = (message["content"] for message in body["messages"])
            answer = json.dumps(filled(schema_in(words), self._says))
            used = Used(body["model"], len(asked.split(",")), len(words.split()), len(answer.split()))
            self.used.append(used)
            self.kinds.add(re.findall(r'"(verdict|kind|allocations)"', words)[0] + json.loads(asked)["type"])
            self._changed.notify_all()
        return 200, _completion(used, f"Certainly.\n```json\n{answer}\n```")


def _completion(used: Used, text: str) -> dict[str, Any]:
    return {
        "id": 7,
        "object": "chat.completion",
        "created": 1.5,
        "model": "somebody-else/q4",
        "system_fingerprint": None,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": text, "reasoning_content": "hm", "tool_calls": None},
            }
        ],
        "usage": {
            "prompt_tokens": used.fresh + used.cached,
            "completion_tokens": used.said,
            "prompt_cache_hit_tokens": used.cached,
            "prompt_cache_miss_tokens": used.fresh,
            "cost": 0.00012,
        },
        "timings": {"predicted_per_second": 41.2},
    }


def schema_in(words: str) -> dict[str, Any]:
    """Return the schema that the prompt was told in words."""
    schema: dict[str, Any] = json.JSONDecoder().raw_decode(words, words.index("{"))[0]
    return schema


def filled(schema: Mapping[str, Any], says: Mapping[str, Any], name: str = "") -> Any:
    """Return something that fits `schema`."""
    if name in says:
        return says[name]
    match schema:
        case {"enum": [first, *_]}:
            return first
        case {"properties": fields}:
            return {field: filled(part, says, field) for field, part in fields.items()}
        case {"items": part}:
            return [filled(part, says)]
        case {"type": "string"}:
            return "all is told"
        case _:
            return schema.get("minimum", 0)


@contextmanager
def other_server(**says: Any) -> Iterator[OtherServer]:
    """Serve in threads as long as the context lasts."""
    server = OtherServer(says)

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._send(*server.respond(self.headers["authorization"], body))

        def do_GET(self) -> None:
            self._send(404, {"detail": "Not Found"})

        def _send(self, status: int, body: Mapping[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            raw = json.dumps(body, indent=1).encode()
            for part in (raw[:11], raw[11:], b""):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as http:
        http.daemon_threads = True
        server.url = f"http://127.0.0.1:{http.server_port}/v1"
        serving = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield server
        finally:
            http.shutdown()
            serving.join()
