"""TensorRT: the library, a loaded network, an engine that runs frames."""
