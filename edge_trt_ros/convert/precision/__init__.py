"""Precision: fp16, bf16 and int8 written into the graph."""
