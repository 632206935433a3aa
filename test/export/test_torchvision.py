# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""torchvision detectors: the exported ONNX detects what PyTorch detects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.frames import noise_frame

torch = pytest.importorskip('torch', reason='exporting PyTorch networks needs torch')
pytest.importorskip('onnxscript', reason="PyTorch's exporter needs onnxscript")
pytest.importorskip('torchvision', reason='its detectors need torchvision')

from torchvision.models import get_model  # noqa: E402

from edge_trt_ros.convert.build import build_engine  # noqa: E402
from edge_trt_ros.convert.graph.session import open_session, run_session  # noqa: E402
from edge_trt_ros.convert.options import BuildOptions  # noqa: E402
from edge_trt_ros.errors import ModelError  # noqa: E402
from edge_trt_ros.export.detection_parity import aligned  # noqa: E402
from edge_trt_ros.export.export import export_onnx  # noqa: E402
from edge_trt_ros.export.options import ExportOptions, inputs_from_text  # noqa: E402
from edge_trt_ros.network_input import ImageInput  # noqa: E402
from edge_trt_ros.opening import open_network  # noqa: E402
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess  # noqa: E402
from edge_trt_ros.runtime.pipeline import detect  # noqa: E402
from edge_trt_ros.runtime.samples import Frame  # noqa: E402
from edge_trt_ros.vision.thresholds import Thresholds  # noqa: E402

SIZE = 320
ROLES = ('boxes', 'scores', 'labels')
LABELS = ('__background__', 'car', 'person', 'dog')
NAMES = ('ssdlite320_mobilenet_v3_large', 'ssd300_vgg16', 'retinanet_resnet50_fpn',
         'fasterrcnn_mobilenet_v3_large_320_fpn')


def lasts(network: Any) -> list[Any]:
    """Return the layers that compute the class logits."""
    return [module for key, module in network.named_modules()
            if key.endswith(('cls_logits', 'cls_score')) or (
                'classification_head.module_list' in key and not list(module.children())
                and getattr(module, 'out_channels', 1) % len(LABELS) == 0
                and getattr(module, 'groups', 1) == 1 and hasattr(module, 'weight'))]


def make(name: str) -> Any:
    """Return a detector with random weights whose scores differ by more than rounding."""
    torch.manual_seed(3)
    network = get_model(name, weights=None, weights_backbone=None, num_classes=len(LABELS)).eval()
    done = set()

    def normalise(module: Any, inputs: Any) -> None:
        module.running_mean.copy_(inputs[0].mean((0, 2, 3)))
        module.running_var.copy_(inputs[0].var((0, 2, 3), unbiased=False) + 1e-3)

    def spread(module: Any, inputs: Any, logits: Any) -> Any:
        if module in done:
            return logits
        done.add(module)
        scale = 1.5 / logits.std()
        module.weight.mul_(scale)
        module.bias.zero_()
        return logits * scale
    hooks = [module.register_forward_hook(spread) for module in lasts(network)]
    hooks += [module.register_forward_pre_hook(normalise) for module in network.modules()
              if hasattr(module, 'running_mean')]
    with torch.no_grad():
        network([torch.rand(3, SIZE, SIZE)])
    for hook in hooks:
        hook.remove()
    return network


@pytest.mark.timeout(300)
@pytest.mark.parametrize('name', NAMES)
def test_boxes_match_torchvision(name: str, tmp_path: Path) -> None:
    options = ExportOptions(inputs_from_text([f'1x3x{SIZE}x{SIZE}'], []), labels=LABELS,
                            image_input=ImageInput((SIZE, SIZE)))
    # Noise, as in `make`: on other images all scores are 1.
    pixels = np.random.default_rng(4).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    frame = Frame(pixels, 'bgr8', (SIZE, SIZE))
    export_onnx('export.test_torchvision:make', tmp_path / 'm.onnx', options, arguments=[name],
                frames=[frame])
    build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine',
                 BuildOptions(backend='onnxruntime'))
    with open_network(tmp_path / 'm.engine').runtime as runtime:
        assert runtime.manifest.labels == LABELS
        found, _ = detect(runtime, frame, Thresholds(confidence=0.2))
        preprocess = ImagePreprocess(runtime.manifest.image_input)
    tensor = np.empty((1, 3, SIZE, SIZE), np.float32)
    preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
    with torch.no_grad():
        expected, = make(name)([torch.from_numpy(tensor[0])])
    session = open_session(onnx.load(str(tmp_path / 'm.onnx')))
    alone = run_session(session, list(ROLES), {'images': tensor})
    # Equal scores have no defined order; rounding in PyTorch may keep or drop a box.
    for reference, box_px, score in (([expected[role].numpy() for role in ROLES], 0.02, 1e-3),
                                     (alone, 1e-3, 1e-4)):
        confident = [array[reference[1] >= 0.2] for array in reference]
        assert len(confident[0]) > 10
        wants, haves = aligned(confident, [found.boxes_xyxy, found.scores, found.class_ids])
        for want, have, allowed in zip(wants, haves, (box_px, score, 0)):
            np.testing.assert_allclose(have, want, atol=allowed, rtol=0)


def blind(name: str) -> Any:
    """Return a detector that classifies everything as background."""
    network = get_model(name, weights=None, weights_backbone=None, num_classes=len(LABELS)).eval()
    with torch.no_grad():
        for layer in lasts(network):
            layer.weight.zero_()
            layer.bias.fill_(-20)
            if 'retinanet' not in name:
                layer.bias[::len(LABELS)] = 20
    return network


@pytest.mark.timeout(300)
@pytest.mark.parametrize('name', NAMES)
def test_an_image_without_objects(name: str, tmp_path: Path) -> None:
    options = ExportOptions(inputs_from_text([f'1x3x{SIZE}x{SIZE}'], []), labels=LABELS,
                            image_input=ImageInput((SIZE, SIZE)))
    export_onnx('export.test_torchvision:blind', tmp_path / 'm.onnx', options, arguments=[name])
    build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine',
                 BuildOptions(backend='onnxruntime', precision='fp16'))
    with open_network(tmp_path / 'm.engine').runtime as runtime:
        found, _ = detect(runtime, noise_frame((SIZE, SIZE)), Thresholds(confidence=0.0))
    assert not len(found) or not found.scores.any()


def test_masks_are_refused(tmp_path: Path) -> None:
    options = ExportOptions(inputs_from_text([f'1x3x{SIZE}x{SIZE}'], []), labels=LABELS,
                            image_input=ImageInput((SIZE, SIZE)))
    with pytest.raises(ModelError, match='masks, scores, expected boxes, scores, labels'):
        export_onnx('export.test_torchvision:make', tmp_path / 'm.onnx', options,
                    arguments=['maskrcnn_resnet50_fpn'])
