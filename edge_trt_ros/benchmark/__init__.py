"""Benchmarks of engines, nodes, transport and memory on this machine."""
