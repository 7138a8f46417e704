"""Adapter and merged model as files, and how far the one differs from the other."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.decide.compare import Bench
from workbench.files import read_json, write_json
from workbench.models import merge_adapter
from workbench.result import Result
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import Scorecard
from workbench.train.plan import FULL
from workbench.train.run import Run, adapter_folder, weights_folder

if TYPE_CHECKING:
    import pandas

SPANS = ("adapter", "merged", "difference")


@dataclass(frozen=True, repr=False)
class Parity(Result):
    """The same questions to the adapter on its 4-bit base and to the merged 16-bit model.

    Attributes:
        same: answers that are equal, character for character.
        difference: merged less adapter, paired over the rows.
    """

    rows: int
    same: int
    adapter: Interval
    merged: Interval
    difference: Interval

    def to_dict(self) -> dict:
        """A JSON-like copy; a score of rows that could not be judged is null, for JSON has no NaN."""
        spans = {name: getattr(self, name) for name in SPANS}
        blank = {name: [None if math.isnan(number) else number for number in span] for name, span in spans.items()}
        return {"rows": self.rows, "same": self.same, **blank}

    @classmethod
    def from_dict(cls, fields: dict) -> Parity:
        """Read the intervals back."""
        spans = {name: Interval(*(math.nan if n is None else n for n in fields[name])) for name in SPANS}
        return cls(fields["rows"], fields["same"], **spans)

    def __repr__(self) -> str:
        return f"Merged against adapter: {self.same} of {self.rows} answers equal, score differs by {self.difference.value:+.3f}"

    def table(self) -> pandas.DataFrame:
        """Both scores and their difference."""
        import pandas

        return pandas.DataFrame(
            [
                ("adapter on the 4-bit base", str(self.adapter)),
                ("merged, 16 bits", str(self.merged)),
                ("merged less adapter, paired", str(self.difference)),
                ("answers equal to the letter", f"{self.same} of {self.rows}"),
            ],
            columns=["what", "found"],
        )


def export(bench: Bench, run: Run) -> tuple[Path, Path]:
    """Copy the adapter and write the merged model, once per run.

    Returns:
        The folders of adapter and merged model; after full fine-tuning the model's for both, as there is no adapter.
    """
    adapter, merged = bench.project.path("ship/adapter"), bench.project.path("ship/merged")
    stamp, plan = bench.project.path("ship/exported.json"), run.fingerprint
    full = run.plan.get("flavour") == FULL
    adapter = merged if full else adapter
    if stamp.exists() and read_json(stamp)["plan"] == plan and adapter.is_dir() and merged.is_dir():
        return adapter, merged
    # The stamp goes first: a kill while the folders are remade must not leave it behind.
    stamp.unlink(missing_ok=True)
    for folder in (adapter, merged):
        if folder.exists():
            shutil.rmtree(folder)
    if full:
        shutil.copytree(weights_folder(bench.project.path("train"), run.plan), merged)
        write_json(stamp, {"plan": plan})
        return merged, merged
    shutil.copytree(adapter_folder(bench.project.path("train")), adapter)
    # PEFT's own card template and the base model's path on this disk are no use to anybody else.
    (adapter / "README.md").unlink(missing_ok=True)
    settings = read_json(adapter / "adapter_config.json")
    write_json(adapter / "adapter_config.json", settings | {"base_model_name_or_path": bench.choice.name})
    merge_adapter(bench.choice, adapter, merged, bench.project.log)
    write_json(stamp, {"plan": plan})
    return adapter, merged


def check_parity(bench: Bench, run: Run, progress: Callable[[str, int, int], None] | None = None) -> Parity:
    """Ask the adapter and the reloaded merged model the test rows, in the form that was trained for, and compare."""
    path, arm = bench.project.path, bench.to_train()
    adapter = bench.score(
        replace(arm, key="tuned-nf4", title="Tuned, as trained"), bench.test, path("ship/adapter_score.json"),
        bench.tuned(run, "train"), progress,
    )
    merged = bench.score(
        replace(arm, key="tuned-merged", title="Tuned, merged in 16 bits"), bench.test, path("ship/merged_score.json"),
        bench.merged(run, path("ship/merged")), progress,
    )
    found = parity(adapter, merged)
    found.save(path("ship/parity.json"))
    return found


def parity(adapter: Scorecard, merged: Scorecard) -> Parity:
    """How far the merged model's answers and score differ from the adapter's."""
    same = sum(a.answer == m.answer for a, m in zip(adapter.rows, merged.rows, strict=True))
    return Parity(len(adapter.rows), same, adapter.interval(), merged.interval(), merged.minus(adapter))
