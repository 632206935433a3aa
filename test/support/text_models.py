# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A network that classifies texts, and its tokenizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto

WORDS = ('[PAD]', '[UNK]', '[CLS]', '[SEP]', 'stop', 'go', 'left', 'right', 'now', 'please')
LABELS = ('halt', 'drive', 'turn')


def embeddings() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the embeddings of the words and the weights of the classes."""
    random = np.random.default_rng(7)
    return (random.normal(0, 1, (len(WORDS), 8)).astype(np.float32),
            random.normal(0, 1, (8, len(LABELS))).astype(np.float32))


def expected_scores(ids: list[int]) -> NDArray[np.float64]:
    """Return the scores of the network for token IDs, computed with NumPy."""
    words, classes = embeddings()
    logits = words[ids].astype(np.float64).mean(0) @ classes
    powers: NDArray[np.float64] = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def save_tokenizer(folder: Path) -> None:
    """Write `tokenizer.json`, which knows `WORDS`."""
    from tokenizers import models, pre_tokenizers, processors, Tokenizer
    tokenizer = Tokenizer(models.WordLevel(
        {word: index for index, word in enumerate(WORDS)}, unk_token='[UNK]'))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single='[CLS] $A [SEP]', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
    (folder / 'tokenizer.json').write_text(tokenizer.to_str())


def save_text_model(folder: Path, length: int | str = 'sequence', kind: int = TensorProto.INT64,
                    types: bool = False) -> Path:
    """Write `m.onnx` and `tokenizer.json` of a text classifier; return the path of the ONNX."""
    save_tokenizer(folder)
    words, classes = embeddings()
    weights = {'words': words, 'classes': classes, 'last': np.array([2], np.int64),
               'second': np.array([1], np.int64)}
    nodes = [
        helper.make_node('Gather', ['words', 'input_ids'], ['vectors']),
        helper.make_node('Cast', ['attention_mask'], ['mask'], to=TensorProto.FLOAT),
        helper.make_node('Unsqueeze', ['mask', 'last'], ['wide_mask']),
        helper.make_node('Mul', ['vectors', 'wide_mask'], ['seen']),
        helper.make_node('ReduceSum', ['seen', 'second'], ['sum'], keepdims=0),
        helper.make_node('ReduceSum', ['mask', 'second'], ['count'], keepdims=1),
        helper.make_node('Div', ['sum', 'count'], ['mean']),
        helper.make_node('MatMul', ['mean', 'classes'], ['logits'])]
    names = ['input_ids', 'attention_mask'] + ['token_type_ids'] * types
    graph = helper.make_graph(
        nodes, 'text', [helper.make_tensor_value_info(name, kind, ['batch', length])
                        for name in names],
        [helper.make_tensor_value_info('logits', TensorProto.FLOAT, ['batch', len(LABELS)])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    helper.set_model_props(model, {'names': str(dict(enumerate(LABELS)))})
    onnx.save(model, folder / 'm.onnx')
    return folder / 'm.onnx'
