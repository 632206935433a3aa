# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that builds engines from ONNX files."""

from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.ros.node.spin import spin_node


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    spin_node(EngineBuilderNode)


if __name__ == '__main__':
    main()
