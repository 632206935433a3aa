"""The ROS side: nodes, parameters, messages. Lower layers do not import rclpy."""
