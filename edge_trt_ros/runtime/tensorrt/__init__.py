"""TensorRT: the library, a loaded network, and the runtime of an engine."""
