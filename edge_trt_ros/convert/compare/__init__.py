"""Results of an engine compared with those of its ONNX: limits, boxes, values."""
