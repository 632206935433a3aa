"""Bags: read, and written with detections."""
