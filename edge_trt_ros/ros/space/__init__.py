"""The node that places detections in space."""
