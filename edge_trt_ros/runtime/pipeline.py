# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The complete path from a sample to its result, without ROS."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from edge_trt_ros.errors import EngineError, NetworkOutputError
from edge_trt_ros.runtime.contract import Runtime, Ticket
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.tasks import Result, TASKS
from edge_trt_ros.vision.thresholds import Thresholds


def infer(runtime: Runtime, sample: Sample, thresholds: Thresholds, *, slot: int = 0
          ) -> tuple[Result, dict[str, float]]:
    """
    Run one sample through a network of any task and wait for the result.

    :param runtime: an open runtime.
    :param sample: the sample; not modified.
    :param thresholds: what to keep.
    :param slot: slot of the runtime to use.
    :returns: the result of the network's task, and the milliseconds of each stage.
    :raises ImageError: for a sample of the wrong kind.
    :raises NetworkOutputError: for outputs that are not finite.
    """
    return collect_result(runtime, runtime.submit(sample, thresholds, slot=slot))


def detect(runtime: Runtime, sample: Sample, thresholds: Thresholds, *, slot: int = 0
           ) -> tuple[Detections, dict[str, float]]:
    """
    Run one image through a detector and wait for the result (see `infer`).

    :returns: the detections in source pixels, and the milliseconds of each stage.
    :raises EngineError: if the results of the engine's task are not detections.
    """
    return collect_detections(runtime, runtime.submit(sample, thresholds, slot=slot))


def collect_detections(runtime: Runtime, ticket: Ticket) -> tuple[Detections, dict[str, float]]:
    """Wait for a submitted image and decode it (see `detect`)."""
    result, stage_times_ms = collect_result(runtime, ticket)
    if not isinstance(result, Detections):
        raise EngineError(f"the engine's task is '{runtime.manifest.task}', which has no boxes: "
                          'use an engine of a detector')
    return result, stage_times_ms


def collect_result(runtime: Runtime, ticket: Ticket) -> tuple[Result, dict[str, float]]:
    """Wait for a submitted sample and decode it (see `infer`)."""
    outputs = runtime.collect(ticket)
    started = perf_counter()
    manifest = runtime.manifest
    result = runtime.decode(outputs, ticket.letterbox, ticket.thresholds)
    check_classes(TASKS[manifest.task].detections(result), manifest.labels)
    stage_times_ms = dict(runtime.stage_times_ms(ticket))
    stage_times_ms['postprocess'] = (perf_counter() - started) * 1e3
    return result, stage_times_ms


def warm_up(runtime: Runtime, samples: int = 3) -> None:
    """
    Run blank samples, so that the first real sample is not delayed.

    :param runtime: an open runtime.
    :param samples: number of blank samples.
    :raises NetworkOutputError: if the network fails on blank samples.
    """
    blank = host_preprocess(runtime.manifest.input_kinds).blank()
    for index in range(samples):
        infer(runtime, blank, Thresholds(), slot=index % runtime.slots)
    runtime.reset_state()


def check_classes(found: Detections | None, labels: Sequence[str]) -> None:
    """
    Reject detections of classes without a label.

    :param found: detections; None for a task without boxes.
    :param labels: the labels of the network.
    :raises NetworkOutputError: names the classes and the labels.
    """
    if found is not None and len(found) \
            and not 0 <= found.class_ids.min() <= found.class_ids.max() < len(labels):
        raise NetworkOutputError(
            f'the network returns the classes {sorted(set(found.class_ids.tolist()))}, but has '
            f'labels for 0 to {len(labels) - 1} only: rebuild the engine with all labels')
