"""A run's folder written out as a job for Slurm: a bash script, which runs by hand as well.

Slurm and not another engine, because universities and companies with more than one machine have it, because its job file
is a plain script that a person can read and try without it, and because it needs no package.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from workbench.errors import BadInput
from workbench.files import write_text
from workbench.project import projects_folder
from workbench.runtime import ROOT
from workbench.train.job import need_whole
from workbench.train.plan import Plan
from workbench.train.processes import share_of

JOB_FILE = "train.sbatch"

# Slurm reads the lines with #SBATCH up to the first command. `srun` starts one torchrun on each machine.
SCRIPT = """\
#!/bin/bash
#SBATCH --job-name=workbench-train
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={cores}
{gpu_line}#SBATCH --time={minutes}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=train-%j.log

# {shape}
#   with Slurm:                    sbatch {job_file}
#   on one machine, without it:    bash {job_file}
# Started again after an interruption, training goes on from the last whole checkpoint;
# started again when it is done, it says so and trains nothing.

# Change these four if they lie elsewhere where the job runs; every machine of the job must see them.
python={python}
code={code}
folder={folder}
export WORKBENCH_PROJECTS={projects}

set -euo pipefail
export PYTHONUTF8=1 OMP_NUM_THREADS="${{OMP_NUM_THREADS:-{threads}}}"
cd "$code"
if [ -n "${{SLURM_JOB_ID:-}}" ]; then
    nodes="$SLURM_JOB_NUM_NODES"
    machines=($(scontrol show hostnames "$SLURM_JOB_NODELIST"))
    meet="${{machines[0]}}:$((20000 + SLURM_JOB_ID % 20000))"
    # srun doesn't take the number of cores over from the job by itself.
    start=(srun --kill-on-bad-exit=1 --cpus-per-task={cores})
else
    nodes=1
    # Port 0: any that is free.
    meet=localhost:0
    start=(env)
fi
exec "${{start[@]}}" "$python" -m torch.distributed.run --nnodes="$nodes" --nproc-per-node={processes} \\
    --rdzv-backend=c10d --rdzv-endpoint="$meet" --rdzv-id="${{SLURM_JOB_ID:-$$}}" \\
    -m workbench.train.job "$folder"
"""


def write_job(
    folder: Path,
    target: Path,
    processes_per_node: int = 1,
    nodes: int = 1,
    gpus_per_node: int = 0,
    minutes: int = 240,
    threads_per_process: int = 1,
    python: str = "",
) -> Path:
    """Write `train.sbatch` into `target`: the run in `folder` as a Slurm job, on `nodes` machines with a shared disk.

    Args:
        folder: a run's folder; it is trained in place.
        minutes: after which Slurm ends the job. It can be put in the queue again and then goes on.
        threads_per_process: cores for each process.
        python: the interpreter of the environment on the machines of the job; this one's, if nothing is said.

    Raises:
        Prerequisite: the folder doesn't hold all that training starts from.
        BadInput: a number can't be, or the plan's batch can't be dealt out evenly to that many processes.
    """
    folder = need_whole(Path(folder).resolve())
    counts = {
        "processes_per_node": processes_per_node, "nodes": nodes, "minutes": minutes, "threads_per_process": threads_per_process,
    }
    for name, value in {**counts, "gpus_per_node": gpus_per_node}.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < (name in counts):
            raise BadInput(f"{name} = {value!r} can't be; give a whole number{' above 0' if name in counts else ', 0 for none'}.")
    if gpus_per_node and processes_per_node != gpus_per_node:
        raise BadInput(
            f"processes_per_node is {processes_per_node} and gpus_per_node is {gpus_per_node}; each process trains on one GPU of "
            "its own, so some would stand idle or be shared. Set both to the same number."
        )
    processes = nodes * processes_per_node
    rows = share_of(Plan.load(folder / "plan.json").batch_size, processes)
    text = SCRIPT.format(
        nodes=nodes,
        cores=processes_per_node * threads_per_process,
        gpu_line=f"#SBATCH --gpus-per-node={gpus_per_node}\n" if gpus_per_node else "",
        minutes=minutes,
        shape=f"{processes} process{'es' if processes > 1 else ''} with {rows} row{'s' if rows > 1 else ''} each at a time",
        job_file=JOB_FILE,
        python=shlex.quote(python or sys.executable),
        code=shlex.quote(str(ROOT)),
        folder=shlex.quote(str(folder)),
        projects=shlex.quote(str(projects_folder().resolve())),
        threads=threads_per_process,
        processes=processes_per_node,
    )
    return write_text(Path(target) / JOB_FILE, text)
