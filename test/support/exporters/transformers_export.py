# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Hugging Face Transformers: networks with random weights, and their own post-processing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from support.exporters.cases import Case
from support.exporters.weights import settle, spread
from support.exporters.written import picture, write
import torch
import transformers

_CLASSES = 6
# More than there are queries would be cut off by the post-processing.
_CONFIDENT = 20
_SIDE = 256
_LABELS = {index: f'c{index}' for index in range(_CLASSES)}
_SMALL = {'num_labels': _CLASSES, 'id2label': _LABELS}
_DETR = {'d_model': 64, 'encoder_layers': 2, 'decoder_layers': 2, 'encoder_ffn_dim': 64,
         'decoder_ffn_dim': 64, 'num_queries': 60, 'use_timm_backbone': False,
         'use_pretrained_backbone': False}
_HYBRID = {'d_model': 64, 'encoder_hidden_dim': 64, 'encoder_ffn_dim': 64, 'decoder_ffn_dim': 64,
           'decoder_in_channels': [64, 64, 64], 'decoder_layers': 2, 'num_queries': 60,
           'anchor_image_size': [_SIDE, _SIDE]}
_NETWORKS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    'detr': ('DetrConfig', 'DetrForObjectDetection', _DETR, 'DetrImageProcessor'),
    'conditional_detr': ('ConditionalDetrConfig', 'ConditionalDetrForObjectDetection', _DETR,
                         'ConditionalDetrImageProcessor'),
    'yolos': ('YolosConfig', 'YolosForObjectDetection',
              {'hidden_size': 64, 'num_hidden_layers': 2, 'num_attention_heads': 2,
               'intermediate_size': 64, 'image_size': [_SIDE, _SIDE],
               'num_detection_tokens': 60}, 'YolosImageProcessor'),
    'rt_detr': ('RTDetrConfig', 'RTDetrForObjectDetection', _HYBRID, 'RTDetrImageProcessor'),
    'rt_detr_v2': ('RTDetrV2Config', 'RTDetrV2ForObjectDetection', _HYBRID,
                   'RTDetrImageProcessor'),
    'd_fine': ('DFineConfig', 'DFineForObjectDetection', _HYBRID, 'RTDetrImageProcessor'),
    'segformer': ('SegformerConfig', 'SegformerForSemanticSegmentation', {},
                  'SegformerImageProcessor'),
}
# RT-DETR and its successors read values of 0 to 1.
_PLAIN = ('rt_detr', 'rt_detr_v2', 'd_fine')
# Nothing in the file states what SegFormer reads.
_CONTRACT = ('{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], '
             '"fit": "squash"}')


class _Named(torch.nn.Module):
    """Returns only the outputs that an export keeps."""

    def __init__(self, network: Any, names: tuple[str, ...]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs with the names."""
        found = self.network(images)
        return tuple(getattr(found, name) for name in self.names)


def _classifiers(network: Any) -> list[Any]:
    """Return the linear layers that compute classes."""
    return [module for name, module in network.named_modules()
            if isinstance(module, torch.nn.Linear) and 'class' in name
            and module.out_features in (_CLASSES, _CLASSES + 1)]


def export(case: Case, folder: Path) -> None:
    """Export a case, and write what the post-processing of the exporter finds."""
    torch.manual_seed(0)
    config, kind, options, processor = _NETWORKS[case.network]
    network = getattr(transformers, kind)(
        getattr(transformers, config)(**{**_SMALL, **options})).eval()
    image = picture(0, (_SIDE, _SIDE))
    pixels = torch.from_numpy(np.ascontiguousarray(
        image[..., ::-1].astype(np.float32).transpose(2, 0, 1) / 255))[None]
    if case.network not in _PLAIN:
        mean, std = (torch.tensor(values)[:, None, None] for values in (
            (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        pixels = (pixels - mean) / std
    settle(network, lambda: network(pixels.repeat(2, 1, 1, 1)))
    names: tuple[str, ...] = ('logits', 'pred_boxes')
    if case.task == 'semantic':
        names = ('logits',)
    else:
        for layer in _classifiers(network):
            spread([layer], lambda: network(pixels), 2.0, _CONFIDENT)
            # Queries of random weights are alike, and would all have a score of 0.25.
            with torch.no_grad():
                layer.bias.add_(0.3)
    with torch.no_grad():
        found = network(pixels)
    torch.onnx.export(_Named(network, names), (pixels,), str(folder / 'model.onnx'), dynamo=False,
                      opset_version=18, input_names=['pixel_values'], output_names=list(names))
    if case.network == 'segformer':
        expected: dict[str, Any] = {'class_map': found.logits[0].argmax(0)}
    else:
        result = getattr(transformers, processor)().post_process_object_detection(
            found, threshold=0.25, target_sizes=torch.tensor([[_SIDE, _SIDE]]))[0]
        expected = {'boxes': result['boxes'], 'scores': result['scores'],
                    'class_ids': result['labels']}
    arrays = {name: values.detach().numpy() for name, values in expected.items()}
    write(folder, transformers.__version__, case.options, list(_LABELS.values()),
          _CONTRACT if case.network == 'segformer' else '', pictures=image[None], **arrays)
