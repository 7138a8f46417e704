"""A server that speaks OpenAI's chat-completions format, asked as one more way of answering; nothing leaves unagreed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.curate.personal import MASK, REVIEW, Masking, mask
from workbench.curate.start import project_terms
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Prerequisite
from workbench.project import Project
from workbench.result import Result
from workbench.scoring.answers import Answer

if TYPE_CHECKING:
    import pandas

Prompt = Sequence[tuple[str, str]]
BATCH, THREADS, RETRIES = 8, 4, 2
# A server that fails this often in a row is not asked again: a list of rows would else take hours to fail.
FAILURES_IN_A_ROW = 5
LARGEST_REPLY = 2_000_000
LONGEST_REMARK = 200
HEADERS = {"host", "accept", "connection", "content-type", "content-length", "idempotency-key"}
PREVIEWED = 3
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
# What leaves is masked more strictly than what is only looked at: also what is merely possibly personal.
TIERS = (MASK, REVIEW)
THIS_MACHINE, THIS_NETWORK = "this machine", "this network"
NO_COUNTS = "The server doesn't say how many tokens it used, so what its answers cost is not known."
NOT_ZERO = "The server takes no temperature, so its answers may differ the next time."


def where_to(address: str) -> tuple[str, str]:
    """The host of an address, and where that is: THIS_MACHINE, THIS_NETWORK, or "" for anywhere else.

    Only an address in figures, and localhost, count as near: any other name may lead anywhere.

    Raises:
        BadInput: it is no http or https address, or carries a password or a question mark.
    """
    try:
        parts = urlsplit(address.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host or re.search(r"\s", address.strip()):
        # An address may carry a password, so it is not repeated.
        raise BadInput(
            "The server's address is not one that can be asked. Give it with http:// or https:// and up to the version, "
            "such as http://localhost:8080/v1."
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise BadInput(
            "The server's address carries a name, a password or a query, which would be kept and shown with the scores. "
            "Give the address alone, and the name of the environment variable that holds the key."
        )
    return host, _nearness(host)


def _nearness(host: str) -> str:
    if host == "localhost":
        return THIS_MACHINE
    try:
        number = ip_address(host)
    except ValueError:
        return ""
    number = getattr(number, "ipv4_mapped", None) or number
    return THIS_MACHINE if number.is_loopback else THIS_NETWORK if number.is_private else ""


@dataclass(frozen=True, repr=False)
class Leaving(Result):
    """Which rows would be sent to a server, before any is.

    Attributes:
        host: whom they would go to; `nearness` says whether that is this machine or network.
        encrypted: whether they travel as https.
        rows: how many rows are asked about; `examples`: how many training rows, with their answers, go along.
        with_answers: whether the rows' answers go along too, as they do to a judge.
        changed: how many of them masking changes.
        preview: row id and text of a few, as they would be sent.
    """

    host: str
    nearness: str
    encrypted: bool
    rows: int
    examples: int
    with_answers: bool
    masked: bool
    changed: int
    preview: tuple[tuple[str, str], ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Leaving:
        """The preview comes back as pairs."""
        return cls(**{**fields, "preview": tuple(map(tuple, fields["preview"]))})

    def __repr__(self) -> str:
        what = f"{self.rows} rows" + (" with their answers" if self.with_answers else " without their answers")
        what += f", and {self.examples} training rows with theirs," if self.examples else ""
        where = f"{self.host}, which is {self.nearness}" if self.nearness else f"{self.host}, which is not this machine"
        plain = "" if self.encrypted or self.nearness == THIS_MACHINE else ", unencrypted on the way"
        how = f"masked ({self.changed} of them changed by it)" if self.masked else "NOT masked"
        return f"{what} would be sent to {where}{plain}; {how}"

    def table(self) -> pandas.DataFrame:
        """A few rows as they would be sent."""
        import pandas

        return pandas.DataFrame(list(self.preview), columns=["row", "would be sent, for example"])


def ask_consent(
    project: Project, address: str, rows: Dataset, examples: Dataset | None = None, masked: bool = True,
    with_answers: bool = False,
) -> Leaving:
    """Say what would leave, and send nothing.

    Args:
        rows: that would be asked about.
        examples: training rows that would stand in every prompt, with their answers.
        with_answers: the rows' answers would go along, as they do to a judge.

    Raises:
        BadInput: the address can't be used.
        Prerequisite: the project's data may not leave.
    """
    host, nearness = where_to(address)
    refuse_restricted(project, host)
    change = _masked if masked else tuple

    def sent(example: Example, whole: bool) -> tuple[str, bool]:
        turns = [*example.messages, *([("assistant", example.answer)] if whole else [])]
        after = change(turns)
        return "\n".join(text for _, text in after), list(after) != turns

    asked = [(e.row_id, *sent(e, with_answers)) for e in rows]
    along = [(e.row_id, *sent(e, True)) for e in examples or ()]
    preview = tuple((row_id, text) for row_id, text, _ in asked[:PREVIEWED])
    changed = sum(differs for *_, differs in asked + along)
    encrypted = address.strip().lower().startswith("https:")
    return Leaving(host, nearness, encrypted, len(asked), len(along), with_answers, masked, changed, preview)


def refuse_restricted(project: Project, host: str) -> None:
    """Stop where the project's data may not leave the building, whoever agreed.

    Raises:
        Prerequisite: it may not.
    """
    if project_terms(project).restricted:
        raise Prerequisite(
            f"The data of the project {project.name!r} is marked as not to leave the building, so no row is sent to {host}. "
            "That holds for a server on this machine too, since it may pass on what it is asked. "
            "The other ways of answering need no server; only a change of the terms in 01_curate_a_dataset.ipynb lifts this."
        )


def open_endpoint(
    project: Project, address: str, model: str, key_variable: str = "", agreed: bool = False, unmasked: bool = False,
    timeout: float = 60.0, with_answers: bool = False,
) -> Endpoint:
    """A server to be asked as one more way of answering.

    Args:
        address: up to the version, such as http://localhost:8080/v1.
        model: as the server calls it.
        key_variable: the environment variable that holds the key; the key itself is kept nowhere.
        agreed: that rows of this project may be sent there; said anew each time, never remembered.
        unmasked: send texts as they are, not masked.
        timeout: seconds that a reply may take.
        with_answers: that the rows' answers may be sent there too, as they are to a judge.

    Raises:
        BadInput: address, model or variable can't be used.
        Prerequisite: the data may not leave, nobody agreed, or the variable isn't set.
    """
    host, _ = where_to(address)
    refuse_restricted(project, host)
    if not model.strip():
        raise BadInput("No model is named. Give its name as the server lists it, such as under /v1/models.")
    _key(key_variable)
    endpoint = Endpoint(
        address.strip().rstrip("/"), model.strip(), key_variable, agreed, not unmasked, timeout, with_answers, project
    )
    endpoint.need_agreement()
    return endpoint


@dataclass
class Endpoint:
    """An Answerer over an OpenAI-compatible server. Answers are greedy (temperature 0), up to four asked at a time.

    Attributes:
        masked: whether texts are masked before they leave.
        with_answers: whether it was agreed that the rows' answers may leave too.
        project: whose rows may be sent, as far as its terms allow; without one nothing is.
        notes: what a reader of its scores should know; filled while it answers.
    """

    address: str
    model: str
    key_variable: str = ""
    agreed: bool = False
    masked: bool = True
    timeout: float = 60.0
    with_answers: bool = False
    project: Project | None = field(default=None, repr=False, compare=False)
    notes: list[str] = field(default_factory=list, compare=False)
    _changed: set[str] = field(default_factory=set, repr=False, compare=False)

    precision = "remote"

    @property
    def name(self) -> str:
        """The model, as the server calls it."""
        return self.model

    @property
    def identity(self) -> str:
        """What decides an answer, as far as is known: a server may change what stands behind a name."""
        return f"{self.address} {self.model} {'masked' if self.masked else 'unmasked'}"

    @property
    def host(self) -> str:
        """The server's host."""
        return where_to(self.address)[0]

    def need_agreement(self, with_answers: bool = False) -> None:
        """Stop where nobody agreed that rows may be sent, or where the project's terms forbid it.

        Args:
            with_answers: the rows' answers would go along.

        Raises:
            Prerequisite: nobody agreed, or not to that; or the project's data may not leave.
        """
        if self.project is not None:
            refuse_restricted(self.project, self.host)
        if not self.agreed:
            raise Prerequisite(
                f"Nobody agreed that rows may be sent to {self.host}, so none was. See which would be, and tick the box or say "
                "agreed=True; that counts for this time only."
            )
        if with_answers and not self.with_answers:
            raise Prerequisite(
                f"It was agreed that rows may be sent to {self.host} without their answers, and a judge is sent the expected "
                "answers and those of both arms too. Nothing was sent. If they may go, open the server with agreed=True and "
                "with_answers=True."
            )

    def _need_project(self) -> None:
        if self.project is None:
            raise Prerequisite(
                f"It isn't known of which project rows would be sent to {self.host}, nor whether they may leave the building, "
                "so none was. Open the server with workbench.open_endpoint(project, address, model, agreed=True)."
            )

    def answer(
        self, prompts: Sequence[Prompt], limit: int, schema: dict | None = None, known: Mapping[int, Answer] | None = None
    ) -> Iterator[dict[int, Answer]]:
        """Ask about every prompt and give the answers batch by batch, as index in `prompts` to Answer.

        A row that fails comes back with one sentence as its error. After five failures in a row the rest is not
        asked and gets the same sentence. An answer's seconds are its own wait, retries included.

        Args:
            limit: tokens that an answer may have.
            schema: a JSON schema that the server is to hold answers to.
            known: answers there are already; such a row is not sent again unless it failed.

        Raises:
            Prerequisite: nobody agreed that rows may be sent, the terms forbid it, there is no project whose terms
                could be looked at, or the key's variable isn't set.
        """
        self.need_agreement()
        # Needed by whoever sends alone: a server of which all answers are kept is made again without a project.
        self._need_project()
        known = {i: answer for i, answer in (known or {}).items() if not answer.error}
        failures, given_up = 0, ""
        with self._client() as client:
            for start in range(0, len(prompts), BATCH):
                batch = range(start, min(start + BATCH, len(prompts)))
                missing = [i for i in batch if i not in known]
                if not missing:
                    continue
                found = {i: known[i] for i in batch if i in known}
                if not given_up:
                    asked, failures, given_up = self._ask_batch(client, prompts, missing, limit, schema, failures)
                    found |= asked
                yield {i: found.get(i) or _failed(given_up, asked=False) for i in batch}

    def _ask_batch(
        self, client: Any, prompts: Sequence[Prompt], wanted: Sequence[int], limit: int, schema: dict | None, failures: int
    ) -> tuple[dict[int, Answer], int, str]:
        """The answers, how many have now failed in a row, and the sentence for the rest where it is given up."""
        found: dict[int, Answer] = {}
        pool = ThreadPoolExecutor(THREADS)
        try:
            running: dict[Future, int] = {pool.submit(self._ask, client, prompts[i], limit, schema): i for i in wanted}
            for done in as_completed(running):
                found[running[done]] = answer = done.result()
                failures = failures + 1 if answer.error else 0
                if failures >= FAILURES_IN_A_ROW:
                    return found, failures, f"{answer.error} After {failures} failures in a row the rest was not asked."
            return found, failures, ""
        finally:
            # Also on an interrupt: what is not yet sent stays here.
            pool.shutdown(wait=False, cancel_futures=True)

    def _client(self) -> Any:
        import httpx2
        import openai

        key, near = _key(self.key_variable) or "none", bool(where_to(self.address)[1])

        def only_what_is_meant(request: Any) -> None:
            # The package adds headers from the environment, meant for another server, and what it knows of this machine.
            for name in set(request.headers) - HEADERS:
                del request.headers[name]
            request.headers.update({"Accept-Encoding": "identity", "Authorization": f"Bearer {key}"})

        http = httpx2.Client(
            timeout=self.timeout, follow_redirects=False,
            event_hooks={"request": [only_what_is_meant], "response": [_bounded(self.timeout)]},
            # A proxy would carry elsewhere what is said to stay here.
            trust_env=not near,
        )
        return openai.OpenAI(
            api_key=key, base_url=self.address, timeout=self.timeout, max_retries=RETRIES, http_client=http
        )

    def _ask(self, client: Any, prompt: Prompt, limit: int, schema: dict | None) -> Answer:
        started = time.perf_counter()
        try:
            reply = self._reply(client, _masked(prompt) if self.masked else prompt, limit, schema)
            answer = self._read(reply, limit, time.perf_counter() - started)
        except Exception as error:  # One row's failure, of whatever kind, leaves the others' answers alone.
            return _failed(self._sentence(error), time.perf_counter() - started)
        return answer

    def _reply(self, client: Any, prompt: Prompt, limit: int, schema: dict | None) -> Any:
        import openai

        named = {"name": "answer", "schema": schema}
        held = {"response_format": {"type": "json_schema", "json_schema": named}} if schema else {}
        turns = [{"role": role, "content": text} for role, text in prompt]
        while True:
            before = set(self._changed)
            length = "max_completion_tokens" if "max_tokens" in before else "max_tokens"
            greedy = {} if "temperature" in before else {"temperature": 0}
            try:
                return client.chat.completions.create(model=self.model, messages=turns, **{length: limit}, **greedy, **held)
            except openai.BadRequestError as error:
                # Servers differ in what they call the limit, and some take no temperature.
                unknown = error.param if error.param in ("max_tokens", "temperature") else None
                if unknown is None or unknown in before:
                    raise
                self._changed.add(unknown)
                if unknown == "temperature":
                    self._note(NOT_ZERO)

    def _read(self, reply: Any, limit: int, seconds: float) -> Answer:
        choices = getattr(reply, "choices", None)
        if not isinstance(choices, list):
            raise _Unusable("answers with something else than the JSON of a chat completion, such as a web page")
        if not choices:
            raise _Unusable("gave back no answer at all")
        message, reason = getattr(choices[0], "message", None), getattr(choices[0], "finish_reason", None)
        text = getattr(message, "content", None)
        if reason == "length" and not text:
            raise _Unusable(f"used all {limit} tokens before it wrote an answer; a model that thinks first needs more")
        if reason == "content_filter":
            raise _Unusable("withheld its answer (its content filter)")
        if not isinstance(text, str):
            raise _Unusable("gave back an answer without text")
        usage = getattr(reply, "usage", None)
        counts = [getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
        # No prompt has 0 tokens: a server that says so hasn't counted.
        if not all(isinstance(count, int) and count >= 0 for count in counts) or not counts[0]:
            self._note(NO_COUNTS)
            counts = [0, 0]
        return Answer(text, *counts, reason == "length", seconds)

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _sentence(self, error: Exception) -> str:
        return f"{self.host} {self._what_happened(error)}."

    def _what_happened(self, error: Exception) -> str:
        import openai

        if isinstance(error, _Unusable):
            return str(error)
        if isinstance(error, openai.APITimeoutError):
            return f"didn't answer within {self.timeout:g} seconds, asked {RETRIES + 1} times"
        if isinstance(error, openai.APIConnectionError):
            return "can't be reached; check the address, and that the server runs"
        if isinstance(error, openai.APIStatusError):
            return self._refusal(error)
        if isinstance(error, ValueError):
            return "answers with something else than JSON, such as a web page; does the address end in /v1?"
        return f"could not be asked ({type(error).__name__})"

    def _refusal(self, error: Any) -> str:
        code = error.status_code
        known = {
            401: "refuses the key (401); check the environment variable that holds it",
            403: "doesn't allow it with this key (403)",
            404: f"knows no model {self.model!r} at this address (404); does the address end in /v1?",
            429: f"has had too many questions from you, or the account is used up (429), asked {RETRIES + 1} times",
        }
        if code in known:
            return known[code]
        if 300 <= code < 400:
            return f"sends the question on to another address ({code}), which is not followed; give that one if you trust it"
        if code >= 500:
            return f"is failing ({code}), asked {RETRIES + 1} times"
        body = error.body if isinstance(error.body, dict) else {}
        said = mask(re.sub(r"\s+", " ", str(body.get("message") or ""))).replace(_key(self.key_variable) or "\0", "[KEY]")
        return f"refuses the question ({code})" + (f": {said[:LONGEST_REMARK].rstrip(' .')}" if said.strip() else "")


class _Unusable(Exception):
    """A reply that holds no answer; says why."""


def _failed(sentence: str, seconds: float = 0.0, asked: bool = True) -> Answer:
    return Answer("", 0, 0, False, seconds, asked=asked, error=sentence)


def _masked(prompt: Prompt) -> list[tuple[str, str]]:
    """The turns, masked together: a name that one turn gives away is masked in the others too."""
    return list(Masking().row(Example("", tuple(prompt), ""), TIERS).messages)


def _key(variable: str) -> str:
    if not variable:
        return ""
    # What stands here may be the key itself, so it is not repeated.
    if not VARIABLE.fullmatch(variable):
        raise BadInput(
            "What was given for the key is not a variable's name. Put the key into an environment variable and name that one; "
            "the key itself belongs in no notebook."
        )
    key = os.environ.get(variable, "").strip()
    if not key:
        raise Prerequisite(
            "There is no environment variable of the name given for the key, or it is empty, and without a key the server "
            "would refuse. Set it before Jupyter starts, or leave the name empty for a server that needs none."
        )
    return key


def _bounded(timeout: float) -> Callable[[Any], None]:
    """A hook that stops reading a reply that is too large, or that trickles on for longer than the time-out."""
    import httpx2

    class Bounded(httpx2.SyncByteStream):
        def __init__(self, response: Any) -> None:
            self.inner, self.request = response.stream, response.request

        def __iter__(self) -> Iterator[bytes]:
            began, size = time.monotonic(), 0
            for piece in self.inner:
                size += len(piece)
                if size > LARGEST_REPLY:
                    raise _Unusable(f"sends more than {LARGEST_REPLY // 1_000_000} MB as one answer")
                if time.monotonic() - began > timeout:
                    raise httpx2.ReadTimeout("the reply trickles", request=self.request)
                yield piece

        def close(self) -> None:
            self.inner.close()

    def hook(response: Any) -> None:
        # Unasked compression is not undone: a few bytes could unfold into gigabytes.
        response.headers.pop("content-encoding", None)
        response.stream = Bounded(response)

    return hook
