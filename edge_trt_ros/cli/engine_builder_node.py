"""The node that turns ONNX files into engines."""

from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.ros.node.spin import spin_node


def main() -> None:
    """Run the node until it is told to stop."""
    spin_node(EngineBuilderNode)


if __name__ == '__main__':
    main()
