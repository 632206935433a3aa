# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics: networks with random weights, exported, and run by its own predictor."""

from __future__ import annotations

from pathlib import Path
import shutil
from typing import Any

import numpy as np
from support.exporters.cases import Case
from support.exporters.weights import settle, spread
from support.exporters.written import picture, SOURCE_WH, write
import torch
import ultralytics
from ultralytics import RTDETR, YOLO
from ultralytics.data.augment import LetterBox

SIDE = 320
_PICTURES_OF_CLASSIFIERS = 20


def _last_layers(head: Any, name: str, one_to_one: bool) -> list[Any]:
    """Return the last layer of each branch of a head with this name; empty if it has none."""
    branches = getattr(head, f'one2one_{name}' if one_to_one else name, None) or []
    last = [branch[-1] if isinstance(branch, torch.nn.Sequential) else branch
            for branch in branches]
    return [layer for layer in last if hasattr(layer, 'weight')]  # not features before the last


def _random_network(case: Case, side: int) -> Any:
    torch.manual_seed(0)
    model = (RTDETR if 'rtdetr' in case.network else YOLO)(f'{case.network}.yaml')
    network = model.model.eval()
    network.end2end = case.options.get('nms') is False
    # The predictor's own input for the first picture, and three others for the statistics.
    images = [LetterBox((side, side))(image=picture(seed)) for seed in range(4)]
    batch = np.stack(images)[..., ::-1].transpose(0, 3, 1, 2) / 255
    samples = torch.from_numpy(np.ascontiguousarray(batch, np.float32))

    def run() -> Any:
        return network(samples[:1])
    settle(network, lambda: network(samples))
    head = network.model[-1]
    if 'rtdetr' in case.network:
        spread([head.dec_score_head[-1]], run, 1.5, 40)
        spread([head.dec_bbox_head[-1].layers[-1]], run, 0.5)
        return model
    if hasattr(head, 'cv3'):
        # Without a distribution (26), a box has an area if its distances are above 0.
        for name, std, confident, bias in (
                ('cv2', 1.5, 0, 6.0), ('cv3', 2.0, 60, 0.0), ('cv4', 1.0, 0, 0.0)):
            layers = _last_layers(head, name, head.end2end)
            if layers:
                spread(layers, run, std, confident, bias)
    elif hasattr(head, 'linear'):
        spread([head.linear], run, 2.0)
    elif hasattr(head, 'classifier'):
        spread([head.classifier[-1]], run, 2.0)
    return model


def _expected(results: Any, task: str) -> dict[str, Any]:
    result = results[0].cpu().numpy()
    if task == 'classify':
        return {'scores': np.stack([one.cpu().numpy().probs.data for one in results])}
    if task == 'semantic':
        return {'class_map': result.semantic_mask.data}
    if task == 'obb':
        return {'oriented': result.obb.xywhr, 'scores': result.obb.conf,
                'class_ids': result.obb.cls}
    found = {'boxes': result.boxes.xyxy, 'scores': result.boxes.conf,
             'class_ids': result.boxes.cls}
    if task == 'pose':
        found['keypoints'] = result.keypoints.data
    if task == 'segment':
        shape = (0, *result.orig_shape)
        found['masks'] = np.zeros(shape) if result.masks is None else result.masks.data
    return found


def export(case: Case, folder: Path) -> None:
    """Export a case, and write what the predictor of the exporter finds with the same file."""
    side = 224 if case.network.endswith('-cls') else SIDE
    model = _random_network(case, side)
    file = model.export(format='onnx', imgsz=side, opset=18, verbose=False, **case.options)
    shutil.move(file, folder / 'model.onnx')
    # The predictor rounds the padding of masks to whole cells, and enlarges a map of classes by
    # the corners of pixels instead of their centres: these sizes have nothing to round.
    size_wh = {'segment': (480, 360), 'semantic': (320, 240)}.get(model.task, SOURCE_WH)
    pictures = [picture(seed, size_wh) for seed in range(
        _PICTURES_OF_CLASSIFIERS if model.task == 'classify' else 1)]
    # The predictor runs a batch of one, so an export of four is compared with the network.
    task = {} if isinstance(model, RTDETR) else {'task': model.task}
    predictor = model if 'batch' in case.options else type(model)(
        str(folder / 'model.onnx'), **task)
    results = [predictor.predict(image, imgsz=side, rect=False, conf=0.25, iou=0.7,
                                 retina_masks=True, verbose=False)[0] for image in pictures]
    write(folder, ultralytics.__version__, case.options, pictures=np.stack(pictures),
          **_expected(results, model.task))
