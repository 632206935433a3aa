# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""torchvision: networks with random weights, exported, and run by themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from support.exporters.cases import Case
from support.exporters.weights import settle
from support.exporters.written import picture, write
import torch
import torchvision

_CLASSES = 6
_SIZE_WH = (320, 256)


def _detector(case: Case) -> Any:
    detection = torchvision.models.detection
    sizes = {'min_size': _SIZE_WH[1], 'max_size': _SIZE_WH[0], 'box_score_thresh': 0.1,
             'box_detections_per_img': 50}
    if case.network == 'fcos_resnet50_fpn':
        sizes = {'min_size': _SIZE_WH[1], 'max_size': _SIZE_WH[0], 'score_thresh': 0.1}
    return getattr(detection, case.network)(weights=None, weights_backbone=None,
                                            num_classes=_CLASSES, **sizes)


def export(case: Case, folder: Path) -> None:
    """Export a case, and write what the network finds in a picture of its size."""
    torch.manual_seed(0)
    image = picture(0, _SIZE_WH)
    pixels = np.ascontiguousarray(image[..., ::-1].astype(np.float32).transpose(2, 0, 1) / 255)
    labels = [f'c{index}' for index in range(_CLASSES)]
    if case.task == 'semantic':
        network = getattr(torchvision.models.segmentation, case.network)(
            weights=None, weights_backbone=None, num_classes=_CLASSES).eval()
        mean, std = (torch.tensor(values)[:, None, None] for values in (
            (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        sample = ((torch.from_numpy(pixels) - mean) / std)[None]
        settle(network, lambda: network(sample.repeat(2, 1, 1, 1)))
        with torch.no_grad():
            expected = {'class_map': network(sample)['out'][0].argmax(0).numpy()}
        names = ['out', 'aux'][:len(network(sample))]
        torch.onnx.export(network, (sample,), str(folder / 'model.onnx'), dynamo=False,
                          opset_version=18, input_names=['images'], output_names=names)
    else:
        network = _detector(case).eval()
        settle(network.backbone, lambda: network([torch.from_numpy(pixels)]))
        head = getattr(network, 'roi_heads', None)
        with torch.no_grad():
            if head is not None:
                head.box_predictor.cls_score.weight.mul_(30)
            else:
                network.head.classification_head.cls_logits.weight.mul_(30)
                network.head.classification_head.cls_logits.bias.add_(4)
            found = network([torch.from_numpy(pixels)])[0]
        torch.onnx.export(network, ([torch.from_numpy(pixels)],), str(folder / 'model.onnx'),
                          dynamo=False, opset_version=18, input_names=['images'],
                          output_names=list(found))
        labels = labels[1:]
        confident = found['scores'] >= 0.25
        values = {name: array[confident].numpy() for name, array in found.items()}
        expected = {'boxes': values['boxes'], 'scores': values['scores'],
                    'class_ids': values['labels']}
        if 'masks' in values:
            expected['masks'] = values['masks'][:, 0] > 0.5
        if 'keypoints' in values:
            expected['keypoints'] = values['keypoints']
    write(folder, torchvision.__version__, case.options, labels, pictures=image[None], **expected)
