"""Measuring: CPU of whole process trees, and what this machine's CPU is worth at the moment."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from benchmarks.processes import cpu_seconds

_CALIBRATE_EVERY_SECONDS: Final = 0.4
_ROUNDS: Final = 20
_SUMMANDS: Final = 10_000


def calibration_us() -> float:
    """CPU time of a fixed piece of Python, in microseconds: shared machines vary by a factor."""
    began = time.thread_time()
    for _ in range(_ROUNDS):
        sum(range(_SUMMANDS))
    return (time.thread_time() - began) / _ROUNDS * 1e6


@dataclass(slots=True)
class Measured:
    """What a block cost, by process group; complete once the block was left."""

    cpu_seconds: dict[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    # Of the calibration loop while the block ran.
    calibration_us: float = 0.0
    # What others on this machine used, as a share of all its cores.
    foreign_share: float = 0.0


@asynccontextmanager
async def measured(pids: Mapping[str, int]) -> AsyncIterator[Measured]:
    """Account for processes, by group name, for the length of a block."""
    result = Measured()
    samples: list[float] = [calibration_us()]

    async def calibrate() -> None:
        while True:
            await asyncio.sleep(_CALIBRATE_EVERY_SECONDS)
            samples.append(calibration_us())

    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    busy, own, began = _busy_seconds(), time.process_time(), time.monotonic()
    calibrating = asyncio.create_task(calibrate())
    try:
        yield result
    finally:
        calibrating.cancel()
    result.wall_seconds = time.monotonic() - began
    result.cpu_seconds = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    result.calibration_us = statistics.median(samples)
    ours = sum(result.cpu_seconds.values()) + time.process_time() - own
    capacity = result.wall_seconds * (psutil.cpu_count() or 1)
    result.foreign_share = max(0.0, (_busy_seconds() - busy - ours) / capacity)


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    used: float = times.user + times.system + times.nice
    return used + sum(getattr(times, name, 0.0) for name in ("irq", "softirq", "steal"))
