"""The lifecycle node that runs an engine."""
