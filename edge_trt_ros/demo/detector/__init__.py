"""The demo's detector: network, training, evaluation."""
