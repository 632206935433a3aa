"""The demo's detector: network, training and evaluation."""
