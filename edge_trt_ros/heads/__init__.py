"""
Heads: the output formats of networks, one file for each family.

A head lies below the runtime, since engines that were not built here are decoded by it on the
host; the converter recognises it and appends its nodes.
"""

from edge_trt_ros.heads.head import Given, Head, Network, Reading, RecognisedHead, Tail
from edge_trt_ros.heads.recognise import recognise
from edge_trt_ros.heads.registry import add_head, HEADS, rows_of_table

__all__ = ['add_head', 'Given', 'Head', 'HEADS', 'Network', 'Reading', 'recognise',
           'RecognisedHead', 'rows_of_table', 'Tail']
