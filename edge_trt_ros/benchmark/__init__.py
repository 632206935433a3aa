"""Figures of this package on this machine: engines, nodes, transport, memory."""
