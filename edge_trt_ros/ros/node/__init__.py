"""Shared by all nodes: parameters, QoS, transport, logging, service responses."""
