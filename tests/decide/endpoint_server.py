"""A server on this machine that speaks OpenAI's chat-completions format, and every way it can fail."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = tuple[int, str, bytes | str | dict]


def completion(text, finish="stop", usage=(7, 3)):
    """A reply as the format has it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    counts = {"usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}} if usage else {}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], **counts}


@dataclass
class Served:
    """A running server: its address and what it was asked.

    Attributes:
        reply: from the request's body to (status, content type, body), or None to break the line.
        slow: seconds to wait before answering.
    """

    reply: Callable[[dict], Reply | dict | str | None]
    slow: float = 0.0
    address: str = ""
    bodies: list[dict] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    extra: dict[str, str] = field(default_factory=dict)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def questions(self) -> list[str]:
        """The last turn of each request."""
        return [body["messages"][-1]["content"] for body in self.bodies]


@contextlib.contextmanager
def serving(reply, slow: float = 0.0, extra: dict[str, str] | None = None) -> Iterator[Served]:
    """Serve until the block ends. A dict is sent as JSON; text is sent as a completion that says it."""
    state = Served(reply, slow, extra=extra or {})
    lock = threading.Lock()
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                state.bodies.append(body)
                state.headers.append({name.lower(): value for name, value in self.headers.items()})
                state.at_once += 1
                state.most_at_once = max(state.most_at_once, state.at_once)
            try:
                stop.wait(state.slow)
                self.answer(state.reply(body))
            finally:
                with lock:
                    state.at_once -= 1

        def answer(self, made):
            if made is None:
                self.close_connection = True
                return
            if isinstance(made, str):
                made = completion(made)
            if isinstance(made, dict):
                made = (200, "application/json", made)
            status, kind, content = made
            content = json.dumps(content) if isinstance(content, dict) else content
            data = content.encode() if isinstance(content, str) else content
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                for name, value in state.extra.items():
                    self.send_header(name, value)
                self.end_headers()
                if state.extra.get("X-Trickle"):
                    for byte in data:
                        if stop.is_set():
                            return
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(float(state.extra["X-Trickle"]))
                else:
                    self.wfile.write(data)

        def log_message(self, *ignored):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
