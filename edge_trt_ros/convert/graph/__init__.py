"""ONNX graphs: checked, adapted, rewritten, run."""
