# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Facts about an ONNX graph that a user wants to know before it is built."""

from __future__ import annotations

from collections import Counter

import onnx

from edge_trt_ros.convert.graph.adapt_image import SENTENCES
from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.single_image import BATCH, SENTENCE


def graph_facts(checked: CheckedOnnx) -> list[str]:
    """
    Return what an ONNX graph contains, a sentence each.

    :param checked: the network.
    """
    model = checked.model
    opsets = {entry.domain or 'ai.onnx': entry.version for entry in model.opset_import}
    weights = Counter(tensor.data_type for tensor in model.graph.initializer)
    facts = [f"input {checked.input_text}; outputs {'; '.join(map(str, checked.outputs))}",
             f'{len(model.graph.node)} nodes, {model.ByteSize() / 1e6:.1f} MB, opset '
             + ', '.join(f'{version} of {domain}' for domain, version in opsets.items())]
    facts += [sentence for name, sentence in {**SENTENCES, BATCH: SENTENCE}.items()
              if name in checked.adapted]
    if weights[onnx.TensorProto.DOUBLE]:
        facts.append(f'{weights[onnx.TensorProto.DOUBLE]} constants are double: TensorRT rounds '
                     'them to float32')
    if weights[onnx.TensorProto.INT64]:
        facts.append(f'{weights[onnx.TensorProto.INT64]} constants are int64, which TensorRT '
                     'before 10 narrows to int32')
    foreign = Counter(node.op_type for node in model.graph.node
                      if node.domain not in ('', 'ai.onnx'))
    if foreign:
        facts.append('operators outside of ONNX: ' + ', '.join(
            f'{name} ({count})' for name, count in sorted(foreign.items())))
    return facts
