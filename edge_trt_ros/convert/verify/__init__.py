"""An engine compared with the ONNX that it was built from."""
