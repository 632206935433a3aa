"""What a frame needs on an NVIDIA GPU: session, slots, preprocess kernel, graph."""
