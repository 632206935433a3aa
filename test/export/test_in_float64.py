# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Exports of PyTorch are compared with the same network in float64, where it runs so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.exports import CLASSIFIER, options

torch = pytest.importorskip('torch', reason='exporting PyTorch networks needs torch')
pytest.importorskip('onnxscript', reason="PyTorch's exporter needs onnxscript")

from edge_trt_ros.errors import ModelError  # noqa: E402
from edge_trt_ros.export.export import export_network, export_onnx  # noqa: E402


class Deep(torch.nn.Module):
    """Convolutions that amplify rounding to some thousandths of the spread."""

    def __init__(self, depth: int = 58) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(3, 24, 4, 4)
        self.body = torch.nn.ModuleList(
            torch.nn.Conv2d(24, 24, 3, padding=1) for _ in range(depth))
        for layer in self.body:
            torch.nn.init.normal_(layer.weight, 0, 2.0 / (24 * 9) ** 0.5)

    def forward(self, images: Any) -> Any:
        """Return a map."""
        values = self.first(images)
        for layer in self.body:
            values = torch.tanh(layer(values))
        return values


class Wrong(Deep):
    """Its ONNX has an error in one channel, of the size of the rounding."""

    def forward(self, images: Any) -> Any:
        """Return a map."""
        values = super().forward(images)
        if torch.compiler.is_exporting():
            shift = torch.zeros(24)
            shift[7] = 0.05
            return values + shift[None, :, None, None]
        return values


class Float32Inside(torch.nn.Module):
    """Its code states float32."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, 1)

    def forward(self, images: Any) -> Any:
        """Return a map."""
        return self.layer(images.to(torch.float32))


def test_a_deep_network_passes(tmp_path: Path) -> None:
    network = Deep().eval()
    parity = export_network(network, tmp_path / 'm.onnx', options())['parity']
    assert parity['max_error'] > 2e-3 and parity['rank_agreement'] == 1.0
    assert 0.25 < parity['float64_error'] / parity['framework_float64_error'] < 4
    assert next(network.parameters()).dtype is torch.float32


def test_an_error_of_the_same_size_in_one_channel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='values differ|in channel 7'):
        export_network(Wrong().eval(), tmp_path / 'm.onnx', options())


def test_a_network_that_states_float32_is_compared_with_itself(tmp_path: Path) -> None:
    parity = export_network(Float32Inside().eval(), tmp_path / 'm.onnx', options())['parity']
    assert parity['float64_error'] is parity['framework_float64_error'] is None
    assert parity['max_error'] < 1e-5


def test_every_kind_of_file_runs_in_float64(files: Path, tmp_path: Path) -> None:
    for source in (str(files / 'traced.ts'), str(files / 'program.pt2'), CLASSIFIER):
        parity = export_onnx(source, tmp_path / 'm.onnx', options(), trust_pickle=source.endswith(
            '.pt2'))['parity']
        assert parity['float64_error'] is not None and parity['float64_error'] < 1e-5, source
