# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The kind of a source is recognised without loading it; missing libraries are named."""

from __future__ import annotations

from pathlib import Path
import sys
import zipfile

import pytest

from edge_trt_ros.errors import MissingLibraryError, ModelError
from edge_trt_ros.export.export import export_onnx
from edge_trt_ros.export.model_source import kind_of_source, SourceKind
from edge_trt_ros.export.options import ExportOptions, inputs_from_text

OPTIONS = ExportOptions(inputs_from_text(['1x3x8x8'], []))


@pytest.mark.parametrize('entries, kind', [
    (['net/data.pkl', 'net/data/0'], SourceKind.PICKLE),
    (['net/data.pkl', 'net/constants.pkl', 'net/code/x.py'], SourceKind.TORCHSCRIPT),
    (['net/archive_format', 'net/models/model.json'], SourceKind.TORCH_EXPORT)])
def test_archives(tmp_path: Path, entries: list[str], kind: SourceKind) -> None:
    with zipfile.ZipFile(tmp_path / 'net.pt', 'w') as archive:
        for entry in entries:
            archive.writestr(entry, b'x')
    assert kind_of_source(str(tmp_path / 'net.pt')) is kind


def test_other_sources(tmp_path: Path) -> None:
    (tmp_path / 'saved_model.pb').write_bytes(b'x')
    (tmp_path / 'm.keras').write_bytes(b'x')
    (tmp_path / 'old.pth').write_bytes(b'\x80\x02x')
    assert kind_of_source(str(tmp_path)) is SourceKind.TENSORFLOW
    assert kind_of_source(str(tmp_path / 'm.keras')) is SourceKind.TENSORFLOW
    assert kind_of_source(str(tmp_path / 'old.pth')) is SourceKind.PICKLE
    assert kind_of_source('my.package.net:make') is SourceKind.CALLABLE
    with zipfile.ZipFile(tmp_path / 'holiday.zip', 'w') as archive:
        archive.writestr('beach.jpg', b'x')
    for source in ('holiday.zip', 'none.pt'):
        with pytest.raises(ModelError, match='not a file that torch.save|neither a regular file'):
            kind_of_source(str(tmp_path / source))


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                    ) -> None:
    monkeypatch.setitem(sys.modules, 'torch', None)
    for name in ('onnx_from_torch', 'torch_network'):
        monkeypatch.delitem(sys.modules, f'edge_trt_ros.export.{name}', raising=False)
    with pytest.raises(MissingLibraryError, match='needs PyTorch, which is not installed: pip'):
        export_onnx('net:make', tmp_path / 'm.onnx', OPTIONS)


def test_torchvision_without_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: (
        None if name == 'torchvision' else find_spec(name)))
    with pytest.raises(ModelError, match="'resnet18', install torchvision"):
        kind_of_source('resnet18')
