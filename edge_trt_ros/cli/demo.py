# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run the demo on this machine: camera, engine builder, detector and scoreboard nodes."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
import shutil
import subprocess
import sys

from edge_trt_ros.cli._command import REFUSED, run_command
from edge_trt_ros.demo.nodes.processes import DemoNodes, RESULT_NAME
from edge_trt_ros.optional_libraries import require_converter, require_ros


def main() -> None:
    """Start the nodes, wait for the scoreboard, stop the nodes and print the result."""
    parser = argparse.ArgumentParser(prog='demo', description=__doc__)
    parser.add_argument('--seconds', type=float, default=20.0, help='duration of the scoring')
    parser.add_argument('--output', type=Path, default=Path('demo_output'), metavar='DIR',
                        help='folder for the engine, the pictures and the result')
    arguments = parser.parse_args()

    def work() -> int:
        require_ros('this command')
        require_converter('this command')
        arguments.output.mkdir(parents=True, exist_ok=True)
        result = arguments.output / RESULT_NAME
        result.unlink(missing_ok=True)
        started = _through_launch if _launch_is_installed() else _as_processes
        status = started(arguments.seconds, arguments.output)
        if not result.exists():
            return status or REFUSED
        sys.stdout.write(result.read_text(encoding='utf-8'))
        return status
    run_command(work)


def _launch_is_installed() -> bool:
    if not shutil.which('ros2') or importlib.util.find_spec('launch_ros') is None:
        return False
    from ament_index_python.packages import get_packages_with_prefixes
    return 'edge_trt_ros' in get_packages_with_prefixes()


def _through_launch(seconds: float, output: Path) -> int:
    return subprocess.run(
        ['ros2', 'launch', 'edge_trt_ros', 'demo.launch.py', f'seconds:={seconds}',
         f'output_directory:={output}'], check=False).returncode


def _as_processes(seconds: float, output: Path) -> int:
    with DemoNodes(output, seconds) as nodes:
        return nodes.scoreboard.wait()


if __name__ == '__main__':
    main()
