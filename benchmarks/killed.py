"""Does a training that was killed, that filled the disk, or that ran out of memory end as one that nothing came between?

    python benchmarks/killed.py [--kills 10] [--steps 24] [--seed 0] [--folder FOLDER] [--only kills,disk,memory]

One QLoRA plan on rows of the sample of support tickets trains undisturbed, twice: what these two differ by is what "within
rounding" means below. Then the same plan is trained
* killed (kill -9) at random moments: each attempt is a process, which is killed after a random time of up to what a whole run
  takes, and started again until it ends; as many runs as it takes for all the kills. One more kill is aimed at the moment in
  which a checkpoint is half written;
* on a disk that is full from its second checkpoint on: a real one where this is root on Linux (a tmpfs that is filled up with
  a second file), else a limit on the size of files (RLIMIT_FSIZE), whose error is another one than a full disk's;
* with less memory than the planned batch takes (RLIMIT_AS, a limit on the process's address space). Where between too little
  for anything and enough for everything that limit must lie is found by halving, with short runs.

Each adapter is compared with the first undisturbed one's, weight by weight; both answer the same rows that nothing was trained
on; and the log on the disk must have each step once. The runs stay in FOLDER. For Linux and macOS.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workbench.curate.start import SAMPLES
from workbench.dataset import Dataset, Example
from workbench.errors import WorkbenchError
from workbench.files import read_json, write_json
from workbench.models import EMBEDDED, ModelChoice, dequantised, load_for_training
from workbench.runtime import noise_to, this_machine, versions
from workbench.scoring.answers import generate_answers
from workbench.scoring.intervals import paired_interval
from workbench.scoring.scorers import scorer
from workbench.train.encode import bare_prompt
from workbench.train.plan import LONGEST_ROW, Plan, plan
from workbench.train.recorder import COMPLETE, attempts, read_steps
from workbench.train.run import Run, adapter_folder, prepare, train

CHOICE = ModelChoice(EMBEDDED, "for the benchmark")
ROWS, WATCHED, ANSWER_TOKENS = 120, 24, 64
MIB = 2**20
DISK = 2048 * MIB
# Steps of the short runs that look for the limit on memory, and how near the bounds must come.
PROBE_STEPS, NEAR, PATIENCE = 4, 32 * MIB, 300


@dataclass
class Told:
    """What became of one run.

    Attributes:
        events: what was done to it, as phrases.
        said: what it answered to that, as sentences.
    """

    title: str
    folder: Path
    events: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


# In the process that trains.


def train_here(folder: Path, limit: int, largest_file: int) -> None:
    """Train what the folder says, perhaps under a limit in bytes; print the memory that it took, and how it ended."""
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if largest_file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    rows = [Dataset.load(folder / "rows" / f"{part}.jsonl") for part in ("train", "validation")]
    try:
        train(Plan.load(folder / "plan.json"), CHOICE, *rows, folder, folder / "libraries.log")
    except WorkbenchError as error:
        print(f"SAID {error}")
    if (status := Path("/proc/self/status")).exists():
        print("ADDRESSES", int(status.read_text(encoding="ascii").split("VmPeak:")[1].split()[0]) * 1024)


def answer_here(folder: Path) -> None:
    """Score the run's adapter on the validation rows."""
    rows, log = Dataset.load(folder / "rows" / "validation.jsonl"), folder / "libraries.log"
    loaded = dequantised(load_for_training(CHOICE, log, LONGEST_ROW, adapter_folder(folder)))
    with noise_to(log):
        answers = generate_answers(loaded, [bare_prompt(row) for row in rows], ANSWER_TOKENS)
    judged = scorer("json").judge(list(rows), [answer.text for answer in answers])
    write_json(
        folder / "answers.json", {"scores": [found.score for found in judged], "texts": [answer.text for answer in answers]}
    )


# In the process that watches.


def the_rows() -> tuple[Dataset, Dataset]:
    """Rows of the sample as they come, but for those without an answer in JSON."""
    with (SAMPLES / "support_tickets" / "tickets.csv").open(encoding="utf-8", newline="") as stream:
        read = [row for row in csv.DictReader(stream) if row["ticket"] and (row["answer"] or "").startswith("{")]
    rows = [Example(f"row-{i}", (("user", row["ticket"]),), row["answer"]) for i, row in enumerate(read[: ROWS + WATCHED])]
    return Dataset("train", tuple(rows[:ROWS])), Dataset("validation", tuple(rows[ROWS:]))


def fresh(folder: Path, steps: int) -> Path:
    """A run's folder with all that it starts from; what lay there of an unfinished one is thrown away."""
    train_rows, validation_rows = the_rows()
    made = plan(CHOICE, train_rows, validation_rows, steps, 4).change(steps=steps, save_every=4, warmup_steps=2)
    shutil.rmtree(folder, ignore_errors=True)
    prepare(made, CHOICE, train_rows, validation_rows, folder)
    return folder


def begin(folder: Path, *more: str) -> subprocess.Popen:
    """Start an attempt; what it prints goes to a file beside the folder, since its own disk may be full."""
    stream = folder.with_name(f"{folder.name}.printed").open("w", encoding="utf-8")
    command = [sys.executable, __file__, "--train", str(folder), *more]
    return subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)


def printed(folder: Path) -> str:
    """What the last attempt printed."""
    return folder.with_name(f"{folder.name}.printed").read_text(encoding="utf-8", errors="replace")


def sentence(folder: Path) -> str:
    """What the last attempt said when it stopped; its last line of any kind if it said nothing."""
    lines = printed(folder).strip().splitlines() or ["nothing"]
    said = [line.removeprefix("SAID ") for line in lines if line.startswith("SAID ")]
    return said[-1] if said else f"no sentence, but: {lines[-1][:200]}"


def ended(folder: Path) -> bool:
    """Whether the run has come to its end."""
    return (folder / "run.json").exists()


def to_its_end(told: Told, *more: str) -> Told:
    """One attempt that nothing comes between."""
    code = begin(told.folder, *more).wait()
    if not ended(told.folder):
        raise SystemExit(
            f"{told.title}: a run that nothing came between stopped (exit code {code}).\n{printed(told.folder)[-3000:]}"
        )
    return told


def at_step(folder: Path) -> int:
    """The last step in the log."""
    return max((entry["step"] for entry in read_steps(folder)), default=0)


def half_written(folder: Path) -> bool:
    """Whether a checkpoint is there that isn't whole."""
    return any(not (checkpoint / COMPLETE).exists() for checkpoint in folder.glob("checkpoints/checkpoint-*"))


def kill(told: Told, process: subprocess.Popen, when: str) -> None:
    """Kill -9, and note what it hit."""
    process.kill()
    process.wait()
    half = ", a checkpoint half written" if half_written(told.folder) else ""
    told.events.append(f"{when}, step {at_step(told.folder)}{half}")


def killed(place: Path, steps: int, kills: int, start: float, pace: float, draw: random.Random) -> Iterator[Told]:
    """Runs that are killed until they end, for as many kills as asked.

    Args:
        start, pace: seconds until the first step, and of a step; from them follows what an attempt takes.
    """
    left, number = kills, 0
    while left:
        number += 1
        told = Told(f"killed, run {number}", fresh(place / f"killed-{number}", steps))
        while not ended(told.folder):
            after = draw.uniform(0, start + pace * (steps - at_step(told.folder)))
            process = begin(told.folder)
            try:
                process.wait(after if left else None)
            except subprocess.TimeoutExpired:
                kill(told, process, f"killed after {after:.0f} s")
                left -= 1
                continue
            if not ended(told.folder):
                raise SystemExit(f"{told.title} stopped by itself.\n{printed(told.folder)[-3000:]}")
        # One that ended before its moment came was not disturbed.
        if told.events:
            yield told


def killed_while_saving(place: Path, steps: int) -> Told:
    """A run that is killed when its second checkpoint is half written."""
    told = Told("killed while saving", fresh(place / "killed-saving", steps))
    process = begin(told.folder)
    while process.poll() is None and not (
        (told.folder / "checkpoints/checkpoint-4" / COMPLETE).exists() and half_written(told.folder)
    ):
        time.sleep(0.0005)
    if process.poll() is None:
        kill(told, process, "aimed kill")
    return to_its_end(told)


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A disk of its own for one run, where that is allowed."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(place)], check=True, capture_output=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=False)


def fill(disk: Path, keep: int) -> Path:
    """A file that takes all of the disk's room but `keep` bytes."""
    path, room = disk / "taken", shutil.disk_usage(disk).free - keep
    with path.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, room))
    return path


def full_disk(place: Path, steps: int) -> Told:
    """A run whose disk is full after its first checkpoint, and empty again when it has said so."""
    target = place / "full-disk"
    if os.geteuid() or not sys.platform.startswith("linux") or not shutil.which("mount"):
        return limited_files(target, steps)
    with small_disk(place / "disk") as disk:
        told = Told("full disk (tmpfs)", fresh(disk / "full-disk", steps))
        process, first = begin(told.folder), told.folder / "checkpoints/checkpoint-4"
        while process.poll() is None and not (first / COMPLETE).exists():
            time.sleep(0.005)
        size = sum(path.stat().st_size for path in first.rglob("*"))
        taken = fill(disk, keep=size // 2)
        process.wait()
        told.events.append(
            f"full from step {at_step(told.folder)} on, with room for half of the next checkpoint ({size / MIB:.0f} MiB)"
        )
        told.said.append(sentence(told.folder))
        # Whoever tries again too early must be told the same.
        begin(told.folder).wait()
        told.said.append("Tried again on the full disk: " + sentence(told.folder))
        taken.unlink()
        to_its_end(told)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(told.folder, target)
        told.folder = target
    return told


def limited_files(target: Path, steps: int) -> Told:
    """The same without a disk of one's own: no file may grow larger than 1 MiB until the first attempt has stopped."""
    told = Told("no large file (RLIMIT_FSIZE)", fresh(target, steps))
    begin(told.folder, "--largest-file", str(MIB)).wait()
    told.events.append("no full disk could be made without root: files could not grow over 1 MiB, which is another error (EFBIG)")
    told.said.append(sentence(told.folder))
    return to_its_end(told)


def halves(place: Path, limit: int) -> int:
    """What a limit on the address space does to a short run: -1 too little, 0 halved once and ended, 1 nothing halved."""
    folder = fresh(place / "probe", PROBE_STEPS)
    process = begin(folder, "--limit", str(limit))
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        # Libraries that can't get memory for a thread may wait for it for ever.
        process.kill()
        process.wait()
    if not ended(folder):
        return -1
    sizes = [entry["batch_size"] for entry in attempts(folder)]
    return {1: 1, 2: 0}.get(len(sizes), -1) if sizes[-1] in (4, 2) else -1


def out_of_memory(place: Path, steps: int, say: Callable[[str], None]) -> Told | None:
    """A run under a limit on memory that half of its batch fits in; None if no such limit was found."""
    to_its_end(Told("probe", fresh(place / "probe", PROBE_STEPS)))
    whole = int(printed(place / "probe").split("ADDRESSES")[1].split()[0])
    low, high = whole // 2, whole
    while high - low > NEAR:
        limit = (low + high) // 2
        found = halves(place, limit)
        say(f"limit of {limit / MIB:,.0f} MiB: {('too little', 'halved once, and ended', 'all fits')[found + 1]}")
        if not found:
            told = Told("out of memory (RLIMIT_AS)", fresh(place / "memory", steps))
            told.events.append(f"{limit / MIB:,.0f} MiB of address space, of {whole / MIB:,.0f} that it takes without a limit")
            return to_its_end(told, "--limit", str(limit))
        low, high = (low, limit) if found > 0 else (limit, high)
    return None


# What came of it.


def apart(folder: Path, other: Path) -> tuple[float, float]:
    """The largest difference of a weight, and the norm of all differences as a share of the other's norm."""
    from safetensors.torch import load_file

    one, two = (load_file(adapter_folder(run) / "adapter_model.safetensors") for run in (folder, other))
    if one.keys() != two.keys():
        raise SystemExit(f"{folder.name} and {other.name} learnt different matrices.")
    differences = {name: one[name].double() - two[name].double() for name in two}
    largest = max(float(difference.abs().max()) for difference in differences.values())
    squares = (sum(float(part.double().square().sum()) for part in parts.values()) for parts in (differences, two))
    return largest, (next(squares) / next(squares)) ** 0.5


def steps_once(folder: Path, steps: int) -> bool:
    """Whether the log on the disk has each step once and in order."""
    lines = (folder / "steps.jsonl").read_text(encoding="utf-8").splitlines()
    return [entry["step"] for entry in map(json.loads, lines) if "loss" in entry] == list(range(1, steps + 1))


def answered(folder: Path) -> dict:
    """The scores and texts of the run's answers, made if they aren't there."""
    if not (folder / "answers.json").exists():
        subprocess.run([sys.executable, __file__, "--answer", str(folder)], check=True, capture_output=True)
    return read_json(folder / "answers.json")


def compare(told: Told, first: Path, rounding: tuple[float, float] | None, steps: int) -> tuple[str, bool]:
    """A table row, and whether the adapter is the undisturbed one's within rounding."""
    run, other = Run.load(told.folder / "run.json"), Run.load(first / "run.json")
    far, mine, theirs = apart(told.folder, first), answered(told.folder), answered(first)
    within = rounding is not None and all(one <= most for one, most in zip(far, rounding, strict=True))
    # A row whose own answer is no JSON has no score.
    scored = [pair for pair in zip(mine["scores"], theirs["scores"], strict=True) if None not in pair]
    score = paired_interval(*zip(*scored, strict=True)).signed()
    same = sum(one == two for one, two in zip(mine["texts"], theirs["texts"], strict=True))
    row = (
        f"| {told.title} | {len(attempts(told.folder))} | {', '.join(map(str, run.resumed_at)) or 'no'} | "
        f"{far[0]:.2g} | {far[1]:.2g} | "
        f"{run.loss_last - other.loss_last:+.2g} | {(run.validation_loss or 0) - (other.validation_loss or 0):+.2g} | {score} | "
        f"{same} of {len(mine['texts'])} | {'yes' if steps_once(told.folder, steps) else 'NO'} | "
        f"{'the yardstick' if rounding is None else 'yes' if within else 'NO'} |"
    )
    return row, within


def main() -> None:
    """Do all of it and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--folder", type=Path, help="where the runs lie; else a temporary folder")
    parser.add_argument("--only", default="kills,disk,memory")
    for hidden, kind, without in (
        ("--train", Path, None),
        ("--answer", Path, None),
        ("--limit", int, 0),
        ("--largest-file", int, 0),
    ):
        parser.add_argument(hidden, type=kind, default=without, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train_here(options.train, options.limit, options.largest_file)
    elif options.answer:
        answer_here(options.answer)
    elif options.folder:
        measure(options.folder.resolve(), options)
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), options)


def measure(place: Path, options: argparse.Namespace) -> None:
    """The undisturbed runs, then the others, each row printed as it comes."""
    place.mkdir(parents=True, exist_ok=True)
    steps, said = options.steps, []
    print(f"{time.strftime('%Y-%m-%d')}, {this_machine()!r}; " + ", ".join(f"{k} {v}" for k, v in versions().items()))
    started = time.perf_counter()
    first = to_its_end(Told("undisturbed", fresh(place / "undisturbed-1", steps)))
    whole = time.perf_counter() - started
    second = to_its_end(Told("undisturbed, again", fresh(place / "undisturbed-2", steps)))
    rounding = apart(second.folder, first.folder)
    print(
        f"{Plan.load(first.folder / 'plan.json')!r}; an undisturbed run takes {whole:.0f} s; "
        f"kills at random moments of seed {options.seed}\n"
    )
    print("| run | attempts | taken up at step | largest difference of a weight | norm of differences, share | last loss | "
          "validation loss | score, 95 % interval | same answers | each step once | within rounding |\n|" + "---|" * 11)  # fmt: skip
    print(compare(second, first.folder, None, steps)[0], flush=True)

    def row(told: Told) -> bool:
        said.extend([*(f"* {told.title}: {event}" for event in told.events), *(f"* {told.title} said: {s}" for s in told.said)])
        said.extend(f"* {told.title} noted: {note}" for note in Run.load(told.folder / "run.json").notes)
        line, within = compare(told, first.folder, rounding, steps)
        print(line, flush=True)
        return within

    wanted, held = options.only.split(","), []
    if "kills" in wanted:
        draw = random.Random(options.seed)
        pace = Run.load(first.folder / "run.json").seconds / steps
        held = [row(told) for told in killed(place, steps, options.kills, whole - pace * steps, pace, draw)] + [
            row(killed_while_saving(place, steps))
        ]
    if "disk" in wanted:
        held.append(row(full_disk(place, steps)))
    if "memory" in wanted and not sys.platform.startswith("linux"):
        said.append("* memory: only Linux keeps a process to a limit on its address space")
    elif "memory" in wanted:
        told = out_of_memory(place, steps, lambda text: said.append(f"* looking for a limit on memory: {text}"))
        if told:
            row(told)
        else:
            said.append("* no limit on the address space was found that half of the batch fits in and the whole of it doesn't")
    print("\n" + "\n".join(said))
    print(
        f"\nRounding, as two undisturbed runs differ: {rounding[0]:.2g} in a weight, {rounding[1]:.2g} of the norm. Within it: "
        f"{sum(held)} of {len(held)} runs that were killed or had a full disk. A run with half batches sums in another order "
        "and is judged by its score."
    )


if __name__ == "__main__":
    main()
