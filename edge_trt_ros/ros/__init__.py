"""The ROS side: nodes, parameters, messages. Only here and in `demo`, `cli` rclpy is imported."""
