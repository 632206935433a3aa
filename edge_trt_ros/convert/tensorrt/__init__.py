"""Build engines with TensorRT."""
