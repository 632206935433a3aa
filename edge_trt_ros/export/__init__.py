"""From PyTorch and TensorFlow to an ONNX that was compared with its network."""
