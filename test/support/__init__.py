"""Helpers that several tests share: models built in code, frames, a fake runtime."""
