"""Load, check, adapt, rewrite and run ONNX graphs."""
