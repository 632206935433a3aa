# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a plan says of the head: what leaves the device, and for how many images together."""

from __future__ import annotations

import onnx

from edge_trt_ros.convert.graph.batch import check_batch
from edge_trt_ros.convert.tasks.fuse import decodes_on_device
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.runtime.tensorrt.library import TensorRt
from edge_trt_ros.vision.tasks import TASKS


def cut_facts(found: RecognisedHead, max_candidates: int) -> list[str]:
    """Return what to say of boxes that stay on the device."""
    if not TASKS[found.task].has_boxes or found.rows <= max_candidates:
        return []
    return [f'the best {max_candidates} of {found.rows} boxes leave the device: raise '
            'max_candidates for low confidences']


def batch_facts(batch: int, graph: onnx.ModelProto, found: RecognisedHead,
                library: TensorRt | None) -> list[str]:
    """
    Check that a network can run several images together; return what to say of it.

    :param batch: the option `max_batch`.
    :param graph: the network for one image, in float32.
    :param found: its head.
    :param library: the library that builds; None for ONNX Runtime.
    :raises ConfigurationError: if the head computes single images only.
    :raises ModelError: if the network does.
    """
    if batch == 1:
        return []
    if library is None:
        return ['ONNX Runtime runs one image after the other: max_batch has no effect']
    if not decodes_on_device(found, library):
        raise ConfigurationError(
            f'max_batch is {batch}, but the head {found.name} is part of the engine and computes '
            'single images: set max_batch to 1', code='batch_fixed')
    check_batch(graph)
    return [f'runs up to {batch} images together']
