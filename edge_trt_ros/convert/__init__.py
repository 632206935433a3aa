"""Turns an ONNX file into a checked, fused and verified engine with its manifest."""
