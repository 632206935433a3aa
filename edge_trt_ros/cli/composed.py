# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run several nodes of this package in one process, on one single-threaded executor."""

import argparse
from collections.abc import Callable
from importlib import import_module
import sys
from typing import Any

from edge_trt_ros.cli._node import run_node, Spinning
from edge_trt_ros.optional_libraries import require_ros

# Module and class by executable.
_NODES = {'detections_3d_node': ('edge_trt_ros.ros.space.node', 'Detections3DNode'),
          'engine_builder_node': ('edge_trt_ros.ros.builder.node', 'EngineBuilderNode'),
          'inference_node': ('edge_trt_ros.ros.inference.node', 'InferenceNode')}


def main() -> None:
    """Run the nodes until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog='composed', description=__doc__,
        epilog='Arguments after --ros-args apply to all nodes; a YAML file can set parameters of '
        'each node by its name: inference, engine_builder, detections_3d.')
    parser.add_argument('nodes', nargs='+', choices=_NODES, help='nodes to run')
    own = sys.argv[1:sys.argv.index('--ros-args')] if '--ros-args' in sys.argv else None
    names: list[str] = parser.parse_args(own).nodes
    if len(set(names)) != len(names):
        parser.error(f"each node can run once, not {', '.join(names)}")

    def work(spinning: Spinning) -> None:
        require_ros('this node')
        from edge_trt_ros.ros.node.spin import spin_nodes
        spin_nodes([_class_of(name) for name in names], spinning)
    run_node(work)


def _class_of(name: str) -> Callable[[], Any]:
    module, kind = _NODES[name]
    maker: Callable[[], Any] = getattr(import_module(module), kind)
    return maker


if __name__ == '__main__':
    main()
