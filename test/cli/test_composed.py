# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Several nodes run in one process, and end together at a signal."""

from __future__ import annotations

import signal
import subprocess
import sys

from support.graph import graph


def composed(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, '-m', 'edge_trt_ros', 'composed', *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_nodes_of_one_process() -> None:
    with graph() as ros:
        started = composed('inference_node', 'engine_builder_node', '--ros-args', '-r',
                           '__ns:=/robot')
        try:
            ros.until(lambda: {('inference', '/robot'), ('engine_builder', '/robot')} <= set(
                ros.peer.get_node_names_and_namespaces()))
            started.send_signal(signal.SIGTERM)
            _, errors = started.communicate(timeout=30)
        finally:
            started.kill()
    assert started.returncode == 0 and 'Traceback' not in errors


def test_unknown_and_repeated_nodes_are_wrong_usage() -> None:
    for arguments, sentence in (([], 'required'), (['toaster'], "'toaster'"),
                                (['inference_node', 'inference_node'], 'can run once')):
        started = composed(*arguments)
        _, errors = started.communicate(timeout=30)
        assert started.returncode == 2 and sentence in errors
