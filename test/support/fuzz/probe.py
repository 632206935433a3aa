# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reads inputs one after the other, and notes what each costs and which are not rejected well."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
import json
from pathlib import Path
from time import process_time
import traceback

from support.fuzz.readers import Reader

from edge_trt_ros.errors import EdgeTrtError

MAX_S, MAX_MB = 1.0, 300.0
_MOST_FINDINGS = 20


@dataclass
class Outcome:
    """What a run found."""

    inputs: int = 0
    read: int = 0
    rejected: int = 0
    slowest_s: float = 0.0
    most_mb: float = 0.0
    findings: list[str] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self)))


class Probe:
    """
    Calls a reader, and keeps the inputs that are findings.

    The time is that of the processor in this process: the machine may be busy with other work.

    :param reader: the reader.
    :param folder: folder for the input in work, `current`, the inputs of findings, and
        `outcome.json`.
    :param count: number of inputs, after which the outcome is saved.
    """

    def __init__(self, reader: Reader, folder: Path, count: int) -> None:
        self._reader, self._folder, self._count = reader, folder, count
        self.outcome = Outcome()

    def __call__(self, data: bytes) -> None:
        if self.outcome.inputs >= self._count:
            return
        (self._folder / 'current').write_bytes(data)
        before_mb = _restart_peak()
        started = process_time()
        self.outcome.inputs += 1
        try:
            self._reader.read(data)
            self.outcome.read += 1
        except EdgeTrtError:
            self.outcome.rejected += 1
        except BaseException:  # PyO3's PanicException is no Exception
            self._find(data, traceback.format_exc())
        seconds, used_mb = process_time() - started, _memory_mb('VmHWM') - before_mb
        self.outcome.slowest_s = max(self.outcome.slowest_s, seconds)
        self.outcome.most_mb = max(self.outcome.most_mb, used_mb)
        if seconds > MAX_S:
            self._find(data, f'{seconds:.2f} s')
        if used_mb > MAX_MB:
            self._find(data, f'{used_mb:.0f} MB')
        if self.outcome.inputs % 100 == 0 or self.outcome.inputs == self._count:
            self.outcome.save(self._folder / 'outcome.json')

    def _find(self, data: bytes, problem: str) -> None:
        number = len(self.outcome.findings)
        if number < _MOST_FINDINGS:
            (self._folder / f'finding_{number}').write_bytes(data)
        self.outcome.findings.append(problem)


def _restart_peak() -> float:
    """Forget the highest resident memory so far; return the memory now in megabytes."""
    with open('/proc/self/clear_refs', 'w') as file:
        file.write('5')
    return _memory_mb('VmRSS')


def _memory_mb(key: str) -> float:
    with open('/proc/self/status') as file:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in file if line.startswith(key))
