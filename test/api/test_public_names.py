# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What `import edge_trt_ros` costs, and which names it exports."""

from __future__ import annotations

import ast
import json
from pathlib import Path
import subprocess
import sys

import pytest

import edge_trt_ros

IMPORTED = """
import json, sys, time
before = set(sys.modules)
started = time.perf_counter()
import edge_trt_ros
print(json.dumps([time.perf_counter() - started, sorted(set(sys.modules) - before)]))
"""
USED = """
from edge_trt_ros import build_engine, Frame, open_model, Thresholds

with open_model('m.onnx', thresholds=Thresholds(confidence=0.4)) as model:
    detections = model.detect(Frame.from_array(frame_bytes(), 'rgb8'))
    best: float = float(detections.scores.max())
    labels: tuple[str, ...] = model.labels
engine = build_engine('m.onnx', 'm.engine', precision='fp16', input_shape=(1, 3, 64, 64))
size: int = engine.engine_size_bytes
"""


def imported() -> tuple[float, set[str]]:
    """Return the seconds and the new modules of the import in a new process."""
    done = subprocess.run([sys.executable, '-c', IMPORTED], capture_output=True, text=True,
                          timeout=60, check=True)
    seconds, modules = json.loads(done.stdout)
    return seconds, set(modules)


def test_import_takes_less_than_50_ms_and_needs_neither_numpy_nor_ros() -> None:
    seconds, modules = min(imported() for _ in range(5))
    assert seconds < 0.05
    assert [name for name in modules if name.startswith('edge_trt_ros')] == ['edge_trt_ros']
    assert not {name.partition('.')[0] for name in modules} & {
        'numpy', 'rclpy', 'cv2', 'onnx', 'onnxruntime', 'yaml', 'psutil'}


def test_every_exported_name_is_found_and_listed() -> None:
    assert sorted(edge_trt_ros.__all__, key=str.lower) == sorted(
        set(edge_trt_ros.__all__), key=str.lower)
    for name in edge_trt_ros.__all__:
        assert getattr(edge_trt_ros, name) is not None and name in dir(edge_trt_ros)
    with pytest.raises(AttributeError, match="module 'edge_trt_ros' has no attribute 'fly'"):
        _ = edge_trt_ros.fly  # type: ignore[attr-defined]


def test_type_checkers_see_the_names_that_are_imported_when_used() -> None:
    tree = ast.parse(Path(edge_trt_ros.__file__).read_text(encoding='utf-8'))
    seen = {alias.name: node.module for block in tree.body if isinstance(block, ast.If)
            for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == {name: f'edge_trt_ros.{home}' for name, home in edge_trt_ros._HOMES.items()}
    assert set(seen) == set(edge_trt_ros.__all__)


@pytest.mark.parametrize('wrong, message', [
    ('', ''), ('model.labels + 1', 'No overload variant'),
    ('Thresholds(confidense=0.4)', 'Unexpected keyword argument "confidense"'),
    ("build_engine('m.onnx', 'm.engine', precision='fp12')", 'has incompatible type'),
    ("build_engine('m.onnx', 'm.engine', precison='fp16')", 'Unexpected keyword argument')])
def test_a_strict_type_checker_reads_the_interface(wrong: str, message: str, tmp_path: Path
                                                   ) -> None:
    pytest.importorskip('mypy', reason='mypy is not installed')
    source = ('from typing import Any\n\n\ndef frame_bytes() -> Any:\n    return None\n\n'
              f'{USED}{wrong}\n')
    (tmp_path / 'script.py').write_text(source)
    done = subprocess.run(
        [sys.executable, '-m', 'mypy', '--strict', '--ignore-missing-imports',
         '--follow-imports=silent', '--cache-dir', str(tmp_path.parent / 'mypy_cache'),
         'script.py'], capture_output=True, text=True, timeout=110, cwd=tmp_path)
    assert done.returncode == bool(wrong), done.stdout
    assert message in done.stdout
