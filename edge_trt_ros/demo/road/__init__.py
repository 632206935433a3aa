"""The synthetic road."""
