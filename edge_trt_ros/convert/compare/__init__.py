"""Compare the results of an engine with those of its ONNX model: limits, boxes, values."""
