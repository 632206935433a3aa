"""Output formats of networks: recognised, and appended to the graph."""
