# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Imports follow the order of layers, and only certain files import heavy libraries."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / 'edge_trt_ros'
# Each layer may import itself and the layers before it.
LAYERS = (
    ('errors', 'error_codes', 'files', 'percentiles', 'stamps', 'tensor_spec', 'settings',
     'tensor_input', 'network_input', 'tensor_contract', 'tensor_contract_text', 'manifest',
     'manifest_json', 'signature', 'engine_file', 'verification', 'optional_libraries',
     'html_page', 'what_ran'),
    ('vision',), ('heads',), ('runtime',), ('sources',), ('convert',), ('export',),
    ('evaluation',), ('opening',), ('api',), ('ros',), ('demo',), ('benchmark',),
    ('doctor',), ('cli', '__main__', '__init__'))
OWNERS = {
    'rclpy': ('optional_libraries.py', 'ros/', 'demo/', 'benchmark/', 'cli/'),
    'vision_msgs': ('optional_libraries.py', 'ros/', 'demo/', 'benchmark/'),
    'sensor_msgs': ('ros/', 'demo/', 'benchmark/'),
    'message_filters': ('ros/space/stamp_pairs.py',),
    'cv_bridge': ('ros/messages/image.py',),
    'onnx': ('optional_libraries.py', 'convert/', 'export/', 'benchmark/gate/'),
    'onnxruntime': ('optional_libraries.py', 'runtime/onnxruntime_cpu.py', 'runtime/select.py',
                    'convert/', 'benchmark/gate/'),
    'torch': ('export/export.py', 'export/float64.py', 'export/onnx_from_torch.py',
              'export/torch_network.py', 'export/torchvision_detector.py',
              'convert/precision/sparse_training.py', 'demo/'),
    'tensorflow': ('export/onnx_from_tensorflow.py',),
    'tf2onnx': ('export/onnx_from_tensorflow.py',),
    # Only runtime/tensorrt/library.py imports it, with importlib.
    'tensorrt': (), 'tensorrt_rtx': (),
    'pycuda': ('runtime/cuda/',),
    'cuda': ('runtime/cuda/',),
    'tokenizers': ('runtime/text_preprocess.py',),
    'ultralytics': ('benchmark/opponents.py', 'benchmark/gate/train.py'),
    'tritonclient': ('runtime/kserve/',),
    'grpc': ('runtime/kserve/',),
    'distributed': ('ros/bags/cluster.py',),
    'rosbags': ('sources/bags.py', 'ros/bags/bag_writer.py', 'cli/detect_bag.py'),
    'cryptography': ('signature.py',),
    'edgefirst': ('vision/tracking.py',),
    'cv2': ('vision/boxes.py', 'vision/letterbox.py', 'vision/pixel_encodings.py',
            'vision/resampling.py',
            'vision/drawing.py', 'vision/tasks/', 'runtime/image_preprocess.py',
            'runtime/cuda/upload.py',
            'sources/frames.py', 'demo/', 'evaluation/', 'benchmark/', 'cli/'),
}
FILES = sorted(ROOT.rglob('*.py'))


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of all modules that a file imports, in functions and by `require`."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node in types_of_tensorrt(tree):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            yield node.module or ''
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) \
                and node.func.id == 'require' and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def types_of_tensorrt(tree: ast.Module) -> list[ast.stmt]:
    """Return the imports that only mypy sees: the types of `test/tensorrt_api`."""
    return [node for block in tree.body if isinstance(block, ast.If)
            and ast.unparse(block.test) == 'TYPE_CHECKING' for node in block.body
            if isinstance(node, ast.ImportFrom) and node.module == 'tensorrt']


def layer_of(name: str) -> int:
    """Return the index of the layer of a file or folder of the package."""
    return next(index for index, names in enumerate(LAYERS) if name in names)


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_layers(path: Path) -> None:
    own = layer_of(path.relative_to(ROOT).parts[0].removesuffix('.py'))
    for name in imported(path):
        parts = name.split('.')
        if parts[0] == 'edge_trt_ros' and len(parts) > 1:
            assert layer_of(parts[1]) <= own, f'{path} imports {name}'


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_only_by_their_owners(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for name in imported(path):
        owners = OWNERS.get(name.split('.')[0])
        assert owners is None or place.startswith(owners), f'{place} imports {name}'


def test_layers_list_existing_files() -> None:
    assert {path.relative_to(ROOT).parts[0].removesuffix('.py') for path in FILES} == {
        name for names in LAYERS for name in names}
