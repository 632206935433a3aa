# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The table of exports that are compared with the predictors of their exporters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """
    An export.

    :param exporter: name of the module that exports it.
    :param network: the network, as its exporter names it.
    :param task: the task that the test states; '' if the file states it.
    :param head: the head that is recognised.
    :param options: options of the export.
    :param missing: operator that TensorRT for RTX lacks; '' if it builds the network.
    """

    exporter: str
    network: str
    task: str
    head: str
    options: Mapping[str, Any] = field(default_factory=dict)
    missing: str = ''

    @property
    def name(self) -> str:
        """A name that is unique, and fit for a folder."""
        more = '-'.join(f'{key}_{value}' for key, value in self.options.items())
        return f'{self.network}-{more}'.strip('-').replace('/', '_')


def _ultralytics() -> list[Case]:
    found = []
    for family in ('yolov8n', 'yolo11n', 'yolo12n', 'yolo26n'):
        heads = {'': ('yolo_dense', 'yolo_end_to_end'), '-seg': (
            'yolo_segment', 'yolo_final_segment'), '-pose': ('yolo_pose', 'yolo_final_pose'),
            '-obb': ('yolo_oriented', 'yolo_final_oriented')}
        for suffix, (raw, final) in heads.items():
            network = f'{family}{suffix}'
            found += [Case('ultralytics', network, '', raw),
                      Case('ultralytics', network, '', final, {'nms': True}, 'NonMaxSuppression')]
            if family == 'yolo26n':
                found.append(Case('ultralytics', network, '', final, {'nms': False}))
            if family in ('yolov8n', 'yolo26n'):
                found += [Case('ultralytics', network, '', raw, options) for options in (
                    {'dynamic': True}, {'half': True}, {'batch': 4})]
        found.append(Case('ultralytics', f'{family}-cls', '', 'classify_scores'))
    found += [Case('ultralytics', 'yolov8n-cls', '', 'classify_scores', options)
              for options in ({'dynamic': True}, {'half': True}, {'batch': 4})]
    found += [Case('ultralytics', 'yolo26n-sem', '', 'semantic_map', options)
              for options in ({}, {'dynamic': True}, {'half': True}, {'batch': 4})]
    found += [Case('ultralytics', 'yolov5nu', '', 'yolo_dense'),
              Case('ultralytics', 'yolov10n', '', 'yolo_dense'),
              Case('ultralytics', 'yolov10n', '', 'yolo_end_to_end', {'nms': False}),
              Case('ultralytics', 'rtdetr-l', '', 'normalized_final')]
    return found


def _others() -> list[Case]:
    nms = 'NonMaxSuppression'
    return [
        Case('rfdetr', 'RFDETRNano', '', 'rf_detr'),
        Case('rfdetr', 'RFDETRSegNano', 'segment', 'rf_detr_masks'),
        *(Case('torchvision', network, task, head, missing=missing)
          for network, task, head, missing in (
              ('fcos_resnet50_fpn', '', 'final_boxes', nms),
              ('maskrcnn_resnet50_fpn', 'segment', 'objects_with_masks', nms),
              ('keypointrcnn_resnet50_fpn', 'pose', 'objects_with_keypoints', nms),
              ('deeplabv3_mobilenet_v3_large', 'semantic', 'semantic_logits', ''),
              ('lraspp_mobilenet_v3_large', 'semantic', 'semantic_logits', ''),
              ('fcn_resnet50', 'semantic', 'semantic_logits', ''))),
        *(Case('transformers', network, task, head) for network, task, head in (
            ('detr', '', 'detr_softmax'), ('yolos', '', 'detr_softmax'),
            ('conditional_detr', '', 'detr_sigmoid'), ('rt_detr', '', 'detr_sigmoid'),
            ('rt_detr_v2', '', 'detr_sigmoid'), ('d_fine', '', 'detr_sigmoid'),
            ('segformer', 'semantic', 'semantic_logits')))]


CASES: dict[str, Case] = {case.name: case for case in (*_ultralytics(), *_others())}
