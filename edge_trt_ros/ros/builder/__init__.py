"""The node that builds engines."""
