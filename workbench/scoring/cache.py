"""Answers kept as they come, so that a scoring that was broken off goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from workbench.files import fingerprint
from workbench.scoring.answers import Answer, Answerer, Prompt

# Part of every key: raise it when the decoding changes so that answers may come out otherwise.
ENGINE_VERSION = 2


def answer_key(identity: str, prompt: Prompt, limit: int, schema: dict | None) -> str:
    """A hash of everything that decides an answer."""
    # A schema is written out and not sorted: the order of its keys is the order of the answer's.
    return fingerprint([ENGINE_VERSION, identity, prompt, limit, json.dumps(schema)])


def answer_all(
    answerer_factory: Callable[[], Answerer],
    identity: str,
    prompts: Sequence[Prompt],
    limit: int,
    schema: dict | None,
    store: Path,
    progress: Callable[[int, int], None] | None = None,
) -> list[Answer]:
    """Answer every prompt, in the order given; those that lie in `store` aren't asked again.

    Args:
        answerer_factory: makes the answerer; called only if an answer is missing.
        identity: everything about the model that decides an answer.
        limit: the longest answer, in tokens.
        schema: a JSON schema that answers are held to.
        store: a JSONL file that finished batches are appended to; several arms may share it, one process at a time.
        progress: called with (prompts done, prompts in all) after each batch.
    """
    keys = [answer_key(identity, prompt, limit, schema) for prompt in prompts]
    kept = read_answers(store)
    known = {i: kept[key] for i, key in enumerate(keys) if key in kept}
    if len(known) == len(keys):
        return [known[i] for i in range(len(keys))]
    found = dict(known)
    with _appending(store) as stream:
        for batch in answerer_factory().answer(prompts, limit, schema, known):
            for i, answer in batch.items():
                # What failed is asked again next time; what is kept stays, though its batch was answered again.
                if not answer.error and keys[i] not in kept:
                    kept[keys[i]] = answer
                    stream.write(json.dumps({"key": keys[i], **asdict(answer)}, ensure_ascii=False) + "\n")
                found[i] = kept.get(keys[i], answer)
            stream.flush()
            os.fsync(stream.fileno())
            if progress:
                progress(len(found), len(prompts))
    return [found[i] for i in range(len(prompts))]


def read_answers(store: Path) -> dict[str, Answer]:
    """The answers of a file by their keys; a last line that was being written when the process ended is left out."""
    if not store.is_file():
        return {}
    kept: dict[str, Answer] = {}
    for line in store.read_text(encoding="utf-8", errors="replace").split("\n"):
        try:
            row = json.loads(line)
            kept.setdefault(row.pop("key"), Answer(**row))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return kept


def _appending(store: Path):
    store.parent.mkdir(parents=True, exist_ok=True)
    stream = store.open("a+", encoding="utf-8", newline="\n")
    # A torn last line is closed, or the next answer would be written onto its end and be lost with it.
    if stream.tell() and not store.read_bytes().endswith(b"\n"):
        stream.write("\n")
    return stream
