# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Heads: the output formats of networks, one file per family.

This layer is below the runtime, because the runtime decodes engines of other builders on the
host; the converter recognises heads and appends their nodes.
"""

from edge_trt_ros.heads.head import Given, Head, Network, Reading, RecognisedHead, Tail
from edge_trt_ros.heads.recognise import recognise
from edge_trt_ros.heads.registry import add_head, HEADS, rows_of_table

__all__ = ['add_head', 'Given', 'Head', 'HEADS', 'Network', 'Reading', 'recognise',
           'RecognisedHead', 'rows_of_table', 'Tail']
