# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fuzz the readers of files and messages; print a row for each; exit with 1 after a finding."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
import json
from pathlib import Path
import subprocess
import sys
from time import monotonic, sleep
from typing import Any

from support.fuzz.readers import READERS

ENGINES = ('hypothesis', 'atheris')
# An input that takes longer than this is a hang, even on a busy machine.
HANG_S = 60.0
ROUND = 2500


def main() -> None:
    """Parse the command line and fuzz."""
    parser = argparse.ArgumentParser(prog='fuzz', description=__doc__)
    parser.add_argument('--readers', nargs='+', default=list(READERS), choices=list(READERS))
    parser.add_argument('--engines', nargs='+', choices=ENGINES, default=[
        engine for engine in ENGINES if find_spec(engine)])
    parser.add_argument('--inputs', type=int, default=10000, help='for each reader and engine')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--output', type=Path, default=Path('build/fuzz'),
                        help='folder for the inputs of findings')
    arguments = parser.parse_args()
    failed = False
    print('| reader | by | inputs | read | rejected | slowest s | most MB | findings |')
    for name in arguments.readers:
        for engine in arguments.engines:
            outcome = fuzz(name, engine, arguments.inputs, arguments.seed, arguments.output)
            findings = outcome['findings']
            print(f"| {name} | {engine} | {outcome['inputs']} | {outcome['read']} | "
                  f"{outcome['rejected']} | {outcome['slowest_s']:.2f} | "
                  f"{outcome['most_mb']:.0f} | {len(findings)} |", flush=True)
            for finding in findings[:5]:
                print(finding.strip()[-1500:], flush=True)
            failed = failed or bool(findings)
    raise SystemExit(failed)


def fuzz(name: str, engine: str, inputs: int, seed: int, output: Path) -> dict[str, Any]:
    """
    Fuzz a reader in child processes, each with up to `ROUND` inputs.

    :param name: the reader, a key of `READERS`.
    :param engine: 'hypothesis' or 'atheris'.
    :param inputs: number of inputs.
    :param seed: the same seed gives the same inputs, with hypothesis.
    :param output: folder for the inputs of findings.
    """
    total: dict[str, Any] = {'inputs': 0, 'read': 0, 'rejected': 0, 'slowest_s': 0.0,
                             'most_mb': 0.0, 'findings': []}
    for number, start in enumerate(range(0, inputs, ROUND)):
        folder = output / f'{name}_{engine}_{seed}_{number}'
        subprocess.run(['rm', '-rf', str(folder)], check=True)
        folder.mkdir(parents=True)
        outcome = _round(name, engine, min(ROUND, inputs - start), seed * 1000 + number, folder)
        for key, value in outcome.items():
            total[key] = max(total[key], value) if isinstance(value, float) \
                else total[key] + value
    return total


def _round(name: str, engine: str, count: int, seed: int, folder: Path) -> dict[str, Any]:
    with open(folder / 'log', 'w') as log:
        process = subprocess.Popen(
            [sys.executable, '-m', 'support.fuzz.child', name, engine, str(count), str(seed),
             str(folder)], stdout=log, stderr=log)
    current, problem = folder / 'current', ''
    started = monotonic()
    while process.poll() is None:
        sleep(0.2)
        since = started if not current.exists() else _last_change(current)
        if monotonic() - since > HANG_S:
            process.kill()
            process.wait()
            problem = f'hang: {current}'
    outcome_path = folder / 'outcome.json'
    outcome: dict[str, Any] = json.loads(outcome_path.read_text()) if outcome_path.exists() else {
        'inputs': 0, 'read': 0, 'rejected': 0, 'slowest_s': 0.0, 'most_mb': 0.0, 'findings': []}
    if process.returncode and not problem:
        text = (folder / 'log').read_text(errors='replace')[-1500:]
        problem = f'exit status {process.returncode}: {current}\n{text}'
    if problem:
        outcome['findings'].append(problem)
    return outcome


def _last_change(path: Path) -> float:
    """Return when a file changed, on the clock of `monotonic`."""
    from time import time
    return monotonic() - (time() - path.stat().st_mtime)


if __name__ == '__main__':
    main()
