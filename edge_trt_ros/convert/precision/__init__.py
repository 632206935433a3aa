"""Convert a graph to fp16, bf16 or int8."""
