# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that builds engines from ONNX files."""

from edge_trt_ros.cli._node import run_node, Spinning
from edge_trt_ros.optional_libraries import require_ros


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    def work(spinning: Spinning) -> None:
        require_ros('this node')
        from edge_trt_ros.ros.builder.node import EngineBuilderNode
        from edge_trt_ros.ros.node.spin import spin_nodes
        spin_nodes([EngineBuilderNode], spinning)
    run_node(work)


if __name__ == '__main__':
    main()
