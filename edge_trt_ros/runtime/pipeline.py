"""Bytes in, results out: the whole path of one frame, apart from ROS."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from edge_trt_ros.errors import EngineError, NetworkOutputError
from edge_trt_ros.manifest import TOKENS
from edge_trt_ros.runtime.contract import Frame, Runtime, Ticket
from edge_trt_ros.runtime.text_tokens import blank_frame
from edge_trt_ros.vision.decoders import Decoder, DECODERS, Result
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.instances import Instances
from edge_trt_ros.vision.postprocess import Thresholds


def infer(runtime: Runtime, frame: Frame, thresholds: Thresholds, *, slot: int = 0
          ) -> tuple[Result, dict[str, float]]:
    """
    Run one frame through a network of any task and wait for it (see `detect`).

    :returns: what the network's task gives, and the milliseconds of each stage.
    """
    return _collect(runtime, runtime.submit(frame, slot=slot), thresholds)


def detect(runtime: Runtime, frame: Frame, thresholds: Thresholds, *, slot: int = 0
           ) -> tuple[Detections, dict[str, float]]:
    """
    Run one frame through a detector and wait for it.

    :param runtime: an open runtime.
    :param frame: the image; not modified.
    :param thresholds: what to keep.
    :param slot: which of the runtime's buffers to use.
    :returns: the detections in source pixels, and the milliseconds of each stage.
    :raises ImageError: for an image that cannot be taken.
    :raises NetworkOutputError: for outputs that are not finite.
    :raises EngineError: if the engine's task gives no detections.
    """
    return collect_detections(runtime, runtime.submit(frame, slot=slot), thresholds)


def collect_detections(runtime: Runtime, ticket: Ticket, thresholds: Thresholds
                       ) -> tuple[Detections, dict[str, float]]:
    """Wait for a submitted frame and decode it (see `detect`)."""
    result, stage_times_ms = _collect(runtime, ticket, thresholds)
    if not isinstance(result, Detections):
        raise EngineError(f"the engine's task is '{runtime.manifest.task}', which gives no boxes: "
                          'give an engine of a detector')
    return result, stage_times_ms


def _collect(runtime: Runtime, ticket: Ticket, thresholds: Thresholds
             ) -> tuple[Result, dict[str, float]]:
    outputs = runtime.collect(ticket)
    started = perf_counter()
    result = _decoder(runtime)(outputs, ticket.letterbox, thresholds)
    found = result.detections if isinstance(result, Instances) else result
    if isinstance(found, Detections):
        _check_classes(found, runtime.manifest.labels)
    stage_times_ms = dict(runtime.stage_times_ms(ticket))
    stage_times_ms['postprocess'] = (perf_counter() - started) * 1e3
    return result, stage_times_ms


def warm_up(runtime: Runtime, frames: int = 3) -> None:
    """
    Run a runtime on gray images or blank texts, so that the first real one finds it ready.

    :param runtime: an open runtime.
    :param frames: how many.
    :raises NetworkOutputError: if the network cannot even bear those.
    """
    contract = runtime.manifest.input_contract
    width, height = contract.size_wh
    plain = blank_frame(contract) if contract.layout == TOKENS else Frame(
        np.full((height, width, 3), 114, np.uint8), 'bgr8', (width, height), source='warm-up')
    for index in range(frames):
        infer(runtime, plain, Thresholds(), slot=index % runtime.slots)


def _check_classes(found: Detections, labels: Sequence[str]) -> None:
    if len(found) and not 0 <= found.class_ids.min() <= found.class_ids.max() < len(labels):
        raise NetworkOutputError(
            f'the network sees the classes {sorted(set(found.class_ids.tolist()))}, but has '
            f'labels for 0 to {len(labels) - 1} only: rebuild the engine with all labels')


def _decoder(runtime: Runtime) -> Decoder:
    head = runtime.manifest.head
    if head not in DECODERS:
        raise EngineError(f"the engine's head is '{head}', known are {', '.join(DECODERS)}: "
                          'update edge_trt_ros, or rebuild the engine')
    return DECODERS[head]
