"""Near duplicates and personal data on many machines: the two steps written out as a datatrove pipeline."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

from workbench.curate.near import SEED, bands_for
from workbench.errors import BadInput
from workbench.files import write_text

MOST_TASKS = 500
EXECUTORS = {
    "local": ("LocalPipelineExecutor", "workers=TASKS"),
    "slurm": ("SlurmPipelineExecutor", 'time="04:00:00", partition="CHANGE ME", mem_per_cpu_gb=4'),
    "ray": ("RayPipelineExecutor", "workers=TASKS"),
}
SCRIPT = '''\
"""Sets near duplicates aside and masks personal data: python pipeline.py

A value found in one text of a row is masked in all of them; what is only possibly personal (names, addresses) is not.
Reads input/, writes kept/ (masked rows), set_aside/ (near duplicates of a row that was kept, masked too), work/ and logs/.
Nothing is downloaded. Every machine needs this folder at the same path and the packages finetuning-workbench, datatrove
and orjson{extra}. Run again after an interruption, it goes on where it stopped.

Two things differ from what the notebook does. Signatures are not checked against the texts, so that a pair near the
threshold may be missed or set aside without cause; and no one looks at which words differ: "20 mg" and "200 mg" in
two long rows are near duplicates. Look through set_aside/ before you do without it.
"""

from pathlib import Path

from datatrove.executor import {executor}
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.text import TextNormConfig
from datatrove.utils.word_tokenizers import WordTokenizer

from workbench.curate.near import words
from workbench.curate.personal import Masking
from workbench.dataset import Example

HERE = Path(__file__).resolve().parent
TASKS = {tasks}
# Two rows that share {threshold:.0%} of their word pairs are more likely than not to meet in one of the buckets.
AS_IS = TextNormConfig(lowercase=False, norm_whitespace=False, remove_punctuation=False, norm_unicode_diacritics=False, norm_numbers=False)
# sha1, because newer releases of xxhash refuse the text that datatrove gives them.
SHA1 = HashConfig(hash_fc="sha1")
MASKING = Masking(regions={regions!r})
CONFIG = MinhashConfig(2, {buckets}, {hashes}, seed={seed}, norm_config=AS_IS, hash_config=SHA1)


class Words(WordTokenizer):  # cuts text as the workbench does, with a mark at either end
    def word_tokenize(self, text):
        return ["<start>", *words(text), "<end>"]

    sent_tokenize = span_tokenize = None  # nothing asks for these


class Mask(PipelineStep):  # masks what is surely personal data, in all texts of a row alike
    name = "Mask"

    def run(self, data, rank=0, world_size=1):
        for document in data:
            document.metadata["row"] = MASKING.row(Example.from_dict(document.metadata["row"])).to_dict()
            yield document


def read_row(self, data, path, id_in_file):
    return {{"id": data["row_id"], "text": "\\n".join(Example.from_dict(data).texts), "metadata": {{"row": data}}}}


def rows():
    return JsonlReader(str(HERE / "input"), glob_pattern="*.jsonl", adapter=read_row)


def writer(folder):
    return JsonlWriter(str(HERE / folder), compression=None, adapter=lambda self, document: document.metadata["row"])


def stage(name, pipeline, tasks, depends=None):
    logs = str(HERE / "logs" / name)
    return {executor}(pipeline=pipeline, tasks=tasks, depends=depends, logging_dir=logs, {settings})


def main():
    signatures, pairs, remove = (str(HERE / "work" / name) for name in ("signatures", "pairs", "remove"))
    sign = stage("1-signatures", [rows(), MinhashDedupSignature(signatures, config=CONFIG, language=Words())], TASKS)
    meet = stage("2-buckets", [MinhashDedupBuckets(signatures, pairs, config=CONFIG)], CONFIG.num_buckets, sign)
    join = stage("3-clusters", [MinhashDedupCluster(pairs, remove, config=CONFIG)], 1, meet)
    steps = [rows(), Mask(), MinhashDedupFilter(remove, exclusion_writer=writer("set_aside")), writer("kept")]
    stage("4-filter", steps, TASKS, join).run()


if __name__ == "__main__":
    main()
'''


def write_pipeline(
    folder: Path, input_jsonl: Path, executor: str = "local", tasks: int = 4, threshold: float = 0.8,
    regions: tuple[str, ...] = (),
) -> Path:
    """Write a folder that can be copied to a cluster and run there: the rows in parts, and a script of datatrove stages.

    Personal data of the tier "mask" is replaced row by row, as `Masking.row` does it: input and answer alike.

    Args:
        folder: where to write; made if it isn't there.
        input_jsonl: rows as `Dataset.save` writes them.
        executor: "local", "slurm" or "ray".
        tasks: into how many parts the rows are dealt; at most 500.
        threshold: the share of word pairs from which rows are set aside.
        regions: country codes such as "DE", in whose form phone numbers without a leading + are read.

    Returns:
        The script.

    Raises:
        BadInput: the executor is unknown, a number makes no sense, the rows are not there or the folder was run already.
    """
    if executor not in EXECUTORS:
        raise BadInput(f"Executor {executor!r} is unknown; choose one of {', '.join(EXECUTORS)}.")
    if tasks < 1 or not 0 < threshold <= 1:
        raise BadInput(f"{tasks} tasks at a threshold of {threshold} can't be run: take 1 task or more, and a threshold up to 1.")
    if tasks > MOST_TASKS:
        raise BadInput(f"{tasks:,} tasks need as many files open at once, more than most systems allow; take {MOST_TASKS} or fewer.")
    if not Path(input_jsonl).is_file():
        raise BadInput(f"{input_jsonl} is not there, so there are no rows to hand over. Save the data set first.")
    if (Path(folder) / "logs").exists():
        raise BadInput(f"{folder} has been run already, and what is done there would be taken as done. Choose another folder.")
    parts = _deal(Path(input_jsonl), Path(folder) / "input", tasks)
    buckets, hashes = bands_for(threshold)
    class_name, settings = EXECUTORS[executor]
    text = SCRIPT.format(
        extra=", and ray" if executor == "ray" else "", executor=class_name, settings=settings, tasks=parts,
        threshold=threshold, buckets=buckets, hashes=hashes, seed=SEED, regions=tuple(regions),
    )  # fmt: skip
    return write_text(Path(folder) / "pipeline.py", text)


def _deal(source: Path, folder: Path, tasks: int) -> int:
    """Deal the lines out to files, one a task, and return how many got any."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("part-*.jsonl"):
        old.unlink()
    parts: list[BinaryIO] = []
    with contextlib.ExitStack() as files, source.open("rb") as lines:
        for number, line in enumerate(line for line in lines if line.strip()):
            if number < tasks:
                parts.append(files.enter_context((folder / f"part-{number:05d}.jsonl").open("wb")))
            parts[number % tasks].write(line.rstrip(b"\r\n") + b"\n")
    return max(len(parts), 1)
