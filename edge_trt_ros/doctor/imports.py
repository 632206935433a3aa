# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Imports libraries in child processes, and says which are here, broken or missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
import json
from pathlib import Path
import signal
import subprocess
import sys
from typing import Any

_CHILD = Path(__file__).with_name('import_child.py')
TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Imported:
    """
    The outcome of importing a module.

    :param installed: whether it is installed.
    :param version: its version, if known.
    :param error: why it cannot be imported; '' if it can.
    :param facts: further facts, by name.
    """

    installed: bool
    version: str = ''
    error: str = ''
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def works(self) -> bool:
        """Whether it was imported."""
        return self.installed and not self.error


def import_all(groups: Sequence[Sequence[str]], timeout_s: float = TIMEOUT_S
               ) -> dict[str, Imported]:
    """
    Import modules; the groups are imported at the same time.

    :param groups: names of modules; 'gpu' asks the driver for the GPUs.
    :param timeout_s: time after which the module that is being imported counts as hanging.
    """
    outcomes: dict[str, Imported] = {}
    with ThreadPoolExecutor(len(groups)) as pool:
        for found in pool.map(lambda names: _import_group(names, timeout_s), groups):
            outcomes.update(found)
    return outcomes


def _import_group(names: Sequence[str], timeout_s: float) -> dict[str, Imported]:
    outcomes: dict[str, Imported] = {}
    while rest := [name for name in names if name not in outcomes]:
        lines, ended = _run_child(rest, timeout_s)
        for line in lines:
            found = json.loads(line)
            name = found.pop('module')
            outcomes[name] = Imported(**found)
        # The child ends early only because of the module that it was importing.
        for culprit in [name for name in rest if name not in outcomes][:1]:
            outcomes[culprit] = Imported(True, error=ended)
    return outcomes


def _run_child(names: Sequence[str], timeout_s: float) -> tuple[list[str], str]:
    """Return the lines of the child, and how it ended."""
    command = [sys.executable, str(_CHILD), json.dumps([sys.path, names])]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as error:
        return _whole_lines(error.stdout), f'the import did not end in {timeout_s:g} s'
    said = done.stderr.decode(errors='replace').strip().splitlines()
    how = f'the import was killed by {signal.Signals(-done.returncode).name}' \
        if done.returncode < 0 else f'the import ended the process with {done.returncode}'
    return _whole_lines(done.stdout), f'{how}: {said[-1]}' if said else how


def _whole_lines(output: bytes | None) -> list[str]:
    return (output or b'').decode(errors='replace').rpartition('\n')[0].splitlines()
