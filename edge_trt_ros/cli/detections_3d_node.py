# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that computes 3D positions of detections from depth images."""

from edge_trt_ros.cli._node import run_node, Spinning
from edge_trt_ros.optional_libraries import require_ros


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    def work(spinning: Spinning) -> None:
        require_ros('this node')
        from edge_trt_ros.ros.node.spin import spin_nodes
        from edge_trt_ros.ros.space.node import Detections3DNode
        spin_nodes([Detections3DNode], spinning)
    run_node(work)


if __name__ == '__main__':
    main()
