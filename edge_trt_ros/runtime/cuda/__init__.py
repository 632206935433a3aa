"""Runs samples on an NVIDIA GPU: session, slots, lanes, preprocess kernel, CUDA graph."""
