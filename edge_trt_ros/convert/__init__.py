"""Convert an ONNX file into a verified engine with its manifest."""
