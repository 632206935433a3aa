# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sources that cannot be exported: one sentence, and no file is written."""

from __future__ import annotations

import copy
import os
from pathlib import Path
import sys
from typing import Any

import pytest
from support.exports import CLASSIFIER, options
from support.frames import noise_frame

from edge_trt_ros.errors import (ConfigurationError, EdgeTrtError, MissingLibraryError,
                                 ModelError)
from edge_trt_ros.export.export import export_network, export_onnx

torch = pytest.importorskip('torch', reason='exporting PyTorch networks needs torch')
pytest.importorskip('onnxscript', reason="PyTorch's exporter needs onnxscript")


def test_files_that_may_run_code_need_trust(tmp_path: Path, files: Path) -> None:
    marker = tmp_path / 'ran'

    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (marker,)
    torch.save(Evil(), tmp_path / 'evil.pt')
    with pytest.raises(ModelError, match='may run arbitrary code.*--trust-pickle'):
        export_onnx(str(tmp_path / 'evil.pt'), tmp_path / 'm.onnx', options())
    with pytest.raises(ModelError, match='may run arbitrary code'):
        export_onnx(CLASSIFIER, tmp_path / 'm.onnx', options(), weights=tmp_path / 'evil.pt')
    with pytest.raises(ModelError, match='may run arbitrary code'):
        export_onnx(str(files / 'pickled.pt'), tmp_path / 'm.onnx', options())
    with pytest.raises(ModelError, match='evaluates text in it as Python.*--trust-pickle'):
        export_onnx(str(files / 'program.pt2'), tmp_path / 'm.onnx', options())
    assert not marker.exists() and not (tmp_path / 'm.onnx').exists()


@pytest.mark.parametrize('source, fields, more, match', [
    ('support.networks:Nothing', {}, {}, 'cannot be imported.*Nothing'),
    ('no.such.module:f', {}, {}, 'cannot be imported.*no'),
    ('support.networks:no_network', {}, {}, 'returns a dict, expected a torch.nn.Module'),
    ('support.networks:nan_network', {}, {}, "'head.weight' of .* contain NaN"),
    (CLASSIFIER, {}, {'arguments': {'colour': 3}}, "cannot be called with .*'colour'"),
    ('support.networks:Broken', {}, {}, r'does not run on float32\[1, 3, 32, 64\].*must match'),
    ('support.networks:BrainFloat', {}, {}, 'returns torch.bfloat16.*return float32'),
    ('support.networks:Branching', {}, {}, 'branches on values of its input.*torch.where'),
    ('support.networks:FixedSize', {'dynamic': frozenset(('height',))}, {},
     'make height static|leave out the axes whose length'),
    (CLASSIFIER, {'opset': 3}, {}, 'opset is 3, PyTorch .* writes 18 to 23'),
    (CLASSIFIER, {'output_names': ('a', 'b')}, {}, r'2 output names .* 1 outputs .*\[1, 3\]'),
    ('elsewhere/net.pt', {}, {}, 'is neither a regular file, a folder, nor module:callable'),
])
def test_networks_that_cannot_be_exported(
        tmp_path: Path, source: str, fields: dict[str, Any], more: dict[str, Any], match: str
) -> None:
    with pytest.raises(EdgeTrtError, match=match) as caught:
        export_onnx(source, tmp_path / 'm.onnx', options(**fields), **more)
    assert len(str(caught.value).splitlines()) == 1 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('is_training, weight, opset, match', [
    (True, 0.0, 18, 'is in training mode.*call network.eval'),
    (False, float('nan'), 18, "'body.0.bias' of Classifier contain NaN"),
    (False, 0.0, 17, 'opset is 17, PyTorch .* writes 18 to 23')])
def test_networks_in_memory_that_cannot_be_exported(
        tmp_path: Path, network: Any, is_training: bool, weight: float, opset: int, match: str
) -> None:
    broken = copy.deepcopy(network).train(is_training)
    broken.body[0].bias.data[0] = weight
    with pytest.raises(EdgeTrtError, match=match):
        export_network(broken, tmp_path / 'm.onnx', options(opset=opset))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('data, match', [
    (b'', 'is empty'), (b'MZ and so on', 'not a file that torch.save'),
    (b'\x80\x02 broken', 'cannot be loaded'), ('cut', 'file is complete|cannot be')])
def test_files_without_a_network(tmp_path: Path, files: Path, data: bytes | str, match: str
                                 ) -> None:
    path = tmp_path / 'net.pt'
    path.write_bytes(data if isinstance(data, bytes) else
                     (files / 'traced.ts').read_bytes()[:-400])
    with pytest.raises(ModelError, match=match):
        export_onnx(str(path), tmp_path / 'm.onnx', options())


def test_a_missing_exporter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                     ) -> None:
    monkeypatch.setitem(sys.modules, 'onnxscript', None)
    with pytest.raises(MissingLibraryError, match='pip install onnxscript'):
        export_onnx(CLASSIFIER, tmp_path / 'm.onnx', options())


def test_files_that_are_used_wrongly(tmp_path: Path, files: Path) -> None:
    path = tmp_path / 'm.onnx'
    with pytest.raises(ModelError, match='weights without their network.*--weights'):
        export_onnx(str(files / 'weights.pt'), path, options())
    with pytest.raises(ModelError, match=r'do not fit .*size mismatch for head\.weight'):
        export_onnx(CLASSIFIER, path, options(), weights=files / 'weights.pt')
    with pytest.raises(ModelError, match='weights .*none.pt cannot be read: No such file'):
        export_onnx(CLASSIFIER, path, options(), weights=files / 'none.pt')
    os.mkfifo(tmp_path / 'weights.pt')
    with pytest.raises(ModelError, match='cannot be read: it is a FIFO, expected a regular file'):
        export_onnx(CLASSIFIER, path, options(), weights=tmp_path / 'weights.pt')
    with pytest.raises(ModelError, match='weights.pt .*is neither a regular file'):
        export_onnx(str(tmp_path / 'weights.pt'), path, options())
    with pytest.raises(ConfigurationError, match='give them with module:callable only'):
        export_onnx(str(files / 'traced.ts'), path, options(), arguments={'classes': 3})
    with pytest.raises(ModelError, match='folder without saved_model.pb'):
        export_onnx(str(files), path, options())
    with pytest.raises(ModelError, match='require a network with one image input'):
        export_onnx(CLASSIFIER, path, options(), frames=[noise_frame()])
