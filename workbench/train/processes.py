"""This process among those that train together, as torchrun or accelerate launch started them."""

from __future__ import annotations

import os
from datetime import timedelta

from workbench.errors import BadInput

# The others wait this long for the first one, which may be scoring answers or writing a large checkpoint.
PATIENCE = timedelta(hours=2)


def world_size() -> int:
    """How many processes train together, on all machines; 1 where nobody started several."""
    return int(os.environ.get("WORLD_SIZE") or 1)


def is_first() -> bool:
    """Whether this process is the one that writes files and shows things."""
    return world_size() == 1 or os.environ.get("RANK", "0") == "0"


def share_of(batch_size: int, processes: int | None = None) -> int:
    """The rows of a batch that go to each process, so that a step sees the same rows as on one process.

    Args:
        processes: how many there will be; those that train together now, if nothing is said.

    Raises:
        BadInput: the batch can't be dealt out evenly.
    """
    processes = processes or world_size()
    if batch_size % processes:
        down, up = batch_size // processes * processes, -(-batch_size // processes) * processes
        raise BadInput(
            f"A batch of {batch_size} rows can't be dealt out evenly to {processes} processes, so a step would not see the rows "
            f"that it sees on one. Set batch_size in the plan to {f'{down} or {up}' if down else up}, or start a number of "
            f"processes that divides {batch_size}."
        )
    return batch_size // processes


def join() -> None:
    """Meet the other processes, once; alone, nothing happens. Waits until all are there.

    Over gloo, and on GPUs over nccl as well.
    """
    if world_size() == 1:
        return
    import torch

    if torch.distributed.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        backend = "cpu:gloo,cuda:nccl"
    else:
        # accelerate would call it cpu:0, and torch then can't read a checkpoint's optimiser back.
        os.environ.setdefault("ACCELERATE_TORCH_DEVICE", "cpu")
        backend = "gloo"
    torch.distributed.init_process_group(backend, timeout=PATIENCE)


def agreed(number: int) -> int:
    """The first process's number, on all of them; each must call this at the same point. Alone, the number itself."""
    if world_size() == 1:
        return number
    import torch

    told = torch.tensor([number], dtype=torch.int64)
    torch.distributed.broadcast(told, 0)
    return int(told)


def wait_for_all() -> None:
    """Go on when every process has come here; alone, at once."""
    if world_size() > 1:
        import torch

        # Not barrier(): on GPUs that one runs on the card, and says nothing about files.
        torch.distributed.all_reduce(torch.zeros(1))


def leave() -> None:
    """Part from the other processes at the end, when all have come here; alone, nothing happens."""
    if world_size() > 1:
        import torch

        wait_for_all()
        # Left to the interpreter's end, a thread of gloo may abort the process, and a job that is done counts as failed.
        torch.distributed.destroy_process_group()
