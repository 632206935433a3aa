# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The lifecycle node that runs an engine on camera images or texts."""

from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.node.spin import spin_node


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    spin_node(InferenceNode)


if __name__ == '__main__':
    main()
