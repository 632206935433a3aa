"""The demo's nodes and the processes that run them."""
