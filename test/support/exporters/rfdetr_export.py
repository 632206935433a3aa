# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""RF-DETR: networks with random weights, exported, and run by its own predictor."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
import shutil
from typing import Any

import numpy as np
from support.exporters.cases import Case
from support.exporters.weights import spread
from support.exporters.written import picture, write
import torch

_CONFIDENT = 12


def export(case: Case, folder: Path) -> None:
    """Export a case, and write what the predictor of the exporter finds with the same weights."""
    import rfdetr
    torch.manual_seed(0)
    model = getattr(rfdetr, case.network)(pretrain_weights=None)
    network, side = model.model.model.eval().cpu(), model.model.resolution
    # A picture of the network's size, so that no way of resizing matters.
    image = picture(0, (side, side))
    mean, std = (np.array(values, np.float32)
                 for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    pixels = (image[..., ::-1].astype(np.float32) / 255 - mean) / std
    sample = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))

    def run() -> Any:
        return network(sample)
    spread([network.class_embed], run, 1.5, _CONFIDENT)
    with torch.no_grad():
        scores = run()['pred_logits'].flatten().sort(descending=True).values
        network.class_embed.bias.sub_(scores[_CONFIDENT] + 1.1)
        last = network.bbox_embed.layers[-1]
        last.weight.normal_(0, 0.05)
    file = model.export(output_dir=str(folder / 'made'), format='onnx', **case.options)
    shutil.move(str(file), folder / 'model.onnx')
    found = model.predict(np.ascontiguousarray(image[..., ::-1]), threshold=0.25)
    more = {} if found.mask is None else {'masks': found.mask}
    labels = [f'c{index}' for index in range(network.class_embed.out_features)]
    write(folder, version('rfdetr'), case.options, labels, pictures=image[None],
          boxes=found.xyxy, scores=found.confidence, class_ids=found.class_id, **more)
