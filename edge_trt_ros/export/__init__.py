"""Export PyTorch and TensorFlow networks to ONNX, compared with the original."""
