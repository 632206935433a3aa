# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The demo's synthetic camera."""

from edge_trt_ros.demo.nodes.synthetic_camera import SyntheticCamera
from edge_trt_ros.ros.node.spin import spin_node


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    spin_node(SyntheticCamera)


if __name__ == '__main__':
    main()
