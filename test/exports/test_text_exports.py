# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""BERT and DistilBERT with open axes, exported by PyTorch, give the scores of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='exports of transformers need PyTorch')
transformers = pytest.importorskip('transformers', reason='transformers is not installed')
pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')

from support.building import build_in_memory  # noqa: E402
from support.text_models import save_tokenizer  # noqa: E402

from edge_trt_ros.convert.options import BuildOptions  # noqa: E402
from edge_trt_ros.runtime.pipeline import infer  # noqa: E402
from edge_trt_ros.runtime.select import open_engine  # noqa: E402
from edge_trt_ros.runtime.text_preprocess import TextTokens  # noqa: E402
from edge_trt_ros.vision.thresholds import Thresholds  # noqa: E402

INPUTS = ('input_ids', 'attention_mask')


def network(name: str) -> Any:
    """Return a small network with random weights."""
    torch.manual_seed(0)
    if name == 'bert':
        return transformers.BertForSequenceClassification(transformers.BertConfig(
            vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
            intermediate_size=64, num_labels=3, max_position_embeddings=64)).eval()
    return transformers.DistilBertForSequenceClassification(transformers.DistilBertConfig(
        vocab_size=40, dim=32, n_layers=2, n_heads=2, hidden_dim=64, num_labels=3,
        max_position_embeddings=64)).eval()


class Logits(torch.nn.Module):  # type: ignore[misc]
    """Returns the logits as the only output."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, input_ids: Any, attention_mask: Any) -> Any:
        return self.inner(input_ids=input_ids, attention_mask=attention_mask).logits


def export(model: Any, path: Path, dynamo: bool) -> None:
    """Export a network with an open batch and an open length."""
    example = (torch.randint(4, 40, (1, 12)), torch.ones(1, 12, dtype=torch.long))
    axes: dict[str, Any] = {'dynamic_shapes': {
        name: {0: torch.export.Dim('batch'), 1: torch.export.Dim('length')} for name in INPUTS}}
    if not dynamo:
        axes = {'dynamic_axes': {**{name: {0: 'batch', 1: 'length'} for name in INPUTS},
                                 'logits': {0: 'batch'}}}
    torch.onnx.export(model, example, str(path), input_names=list(INPUTS),
                      output_names=['logits'], dynamo=dynamo, opset_version=18, **axes)


@pytest.mark.parametrize('dynamo', [False, True], ids=['torchscript', 'dynamo'])
@pytest.mark.parametrize('name', ['bert', 'distilbert'])
def test_texts_get_the_scores_of_transformers(name: str, dynamo: bool, tmp_path: Path) -> None:
    model = Logits(network(name)).eval()
    export(model, tmp_path / 'm.onnx', dynamo)
    save_tokenizer(tmp_path)
    built = build_in_memory(tmp_path / 'm.onnx', BuildOptions(
        backend='onnxruntime', input_shape=(1, 32)))
    assert built.manifest.task == 'text' and built.manifest.labels == ('0', '1', '2')
    tokens = TextTokens(built.manifest.text_input)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        for text in ('stop now please', 'go left', '', 'what'):
            sample = tokens.sample(text)
            result, _ = infer(runtime, sample, Thresholds(top_k=3))
            with torch.no_grad():
                logits = model(torch.from_numpy(sample.ids.astype(np.int64))[None],
                               torch.from_numpy(sample.attention_mask.astype(np.int64))[None])
            expected = torch.softmax(logits, 1)[0].numpy()
            np.testing.assert_allclose(result.scores, expected[result.class_ids], atol=1e-5)
