"""TensorRT as a builder of engines."""
