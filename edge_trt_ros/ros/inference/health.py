# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Decides the level of an input in `/diagnostics`, and tells the operator what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.newest_inputs import MISSING, TOO_OLD
from edge_trt_ros.ros.inference.settings import StreamSettings
from edge_trt_ros.ros.node.status_messages import ERROR, OK, STALE, WARN
from edge_trt_ros.verification import ENGINE_RAN, NOTHING_SEEN, warning

ERROR_COUNTS = ('bad_images', 'bad_results', 'failures', 'overlay_failures')
_MUCH_HOTTER_C = 10.0
_GRAVEST_FIRST = (ERROR, STALE, WARN)

Finding = tuple[bytes, str]


@dataclass(frozen=True)
class Surroundings:
    """
    What is not of the stream itself.

    :param outdated: why the engine is outdated; '' if it is not.
    :param gpu_temperature_c: temperature of the GPU; 0 if it is unknown.
    """

    outdated: str = ''
    gpu_temperature_c: float = 0.0


def health(camera: Camera, settings: StreamSettings, enabled: bool, since: Counter[str],
           surroundings: Surroundings = Surroundings()) -> Finding:
    """
    Return the level of an input and a sentence: the gravest problem first, then the others.

    :param camera: the input.
    :param settings: its settings, with the limits.
    :param enabled: whether the stream is enabled by `~/enable`.
    :param since: the counts since the last report.
    :param surroundings: what is not of the stream itself.
    """
    rate = f"{camera.figures.rates_hz()['detection_rate_hz']:.1f} results per second"
    findings = [*_of_the_images(camera, settings, since),
                *_of_the_surroundings(settings, surroundings)]
    if enabled:
        findings += _of_the_stream(camera, settings, since)
    if findings:
        findings.sort(key=lambda finding: _GRAVEST_FIRST.index(finding[0]))
        return findings[0][0], '; '.join(sentence.splitlines()[0] for _, sentence in findings)
    if not enabled:
        return OK, 'disabled by ~/enable'
    if since['dropped_for_newer']:
        return OK, f'{rate}, slower than the camera: older images are dropped'
    return OK, rate


def _of_the_images(camera: Camera, settings: StreamSettings, since: Counter[str]
                   ) -> Iterator[Finding]:
    if any(since[key] for key in ERROR_COUNTS):
        yield ERROR, camera.last_problem or 'frames were skipped'
    problem = settings.opened.watch.problem() if settings.opened.watch else ''
    if problem:
        yield WARN, problem
    if since['dropped_for_age']:
        limit_ms = settings.parameters.max_frame_age_ms
        some = since['published'] > 0
        yield WARN if some else ERROR, (
            f"{'' if some else 'no results: '}{since['dropped_for_age']} images were older than "
            f'max_frame_age_ms ({limit_ms:g} ms), the last one '
            f'{camera.figures.last_age_ms:.0f} ms: synchronise the clocks of camera and robot, or '
            'raise max_frame_age_ms')
    dropped = since[MISSING] + since[TOO_OLD]
    if dropped:
        some = since['published'] > 0
        yield WARN if some else ERROR, (f"{'' if some else 'no results: '}{dropped} runs were "
                                        f'dropped, since {camera.beside.problem}')
    if since['lost_in_transport']:
        sent = since['received'] + since['lost_in_transport']
        yield WARN, (f"{since['lost_in_transport']} of {sent} images were lost in transport: "
                     'start the camera driver with the Fast DDS profile of this package, or '
                     'lower its rate')


def _of_the_surroundings(settings: StreamSettings, surroundings: Surroundings
                         ) -> Iterator[Finding]:
    if surroundings.outdated:
        yield WARN, surroundings.outdated
    hot_c = surroundings.gpu_temperature_c
    limit_c = settings.parameters.health_max_gpu_temperature_c
    if 0 < limit_c < hot_c:
        yield ERROR if hot_c >= limit_c + _MUCH_HOTTER_C else WARN, (
            f'the GPU has {hot_c:.0f} degrees Celsius, health_max_gpu_temperature_c is '
            f'{limit_c:g}: clean its fan, lower max_rate_hz, or choose a lower power mode')


def _of_the_stream(camera: Camera, settings: StreamSettings, since: Counter[str]
                   ) -> Iterator[Finding]:
    limits, figures = settings.parameters, camera.figures
    if camera.info_topic and camera.camera_info is None and since['published']:
        yield WARN, (f'no camera_info on {camera.info_topic}, so depth/camera_info is not '
                     'published: calibrate the camera, or correct the remapping')
    silent_s = figures.silent_s()
    noun, sender = settings.input.noun
    if settings.input.is_continuous and not since['received']:
        is_stale = 0 < limits.health_stale_after_s < silent_s
        yield STALE if is_stale else WARN, (
            f'no {noun} on {camera.topic}' + (f' for {silent_s:.0f} s' if is_stale else '')
            + f': start {sender}, or correct the remapping')
    elif settings.input.is_continuous and limits.health_min_rate_hz:
        results_hz = figures.rates_hz()['detection_rate_hz']
        if results_hz < limits.health_min_rate_hz:
            grave = results_hz < limits.health_min_rate_hz / 2
            yield ERROR if grave else WARN, (
                f'{results_hz:.1f} results per second, health_min_rate_hz is '
                f'{limits.health_min_rate_hz:g}: compare image_rate_hz (the camera) with '
                'network_ms_p50 (this machine)')
    age_ms = figures.recent_ms('stamp_to_detections')
    if since['published'] and 0 < limits.health_max_age_ms < age_ms:
        grave = age_ms > 2 * limits.health_max_age_ms
        yield ERROR if grave else WARN, (
            f'results are {age_ms:.0f} ms old, health_max_age_ms is '
            f'{limits.health_max_age_ms:g}: compare arrival_to_detections_ms_p50 (this node) with '
            'stamp_to_detections_ms_p50 (camera, transport and clocks as well)')
    memory_mb = settings.runtime.memory_mb()
    total_mb = memory_mb.get('gpu_memory_total_mb', 0.0)
    percent = 100 * memory_mb.get('gpu_memory_used_mb', 0.0) / total_mb if total_mb else 0.0
    if 0 < limits.health_max_gpu_memory_percent < percent:
        yield WARN, (f'{percent:.0f} % of the GPU memory is used, health_max_gpu_memory_percent '
                     f'is {limits.health_max_gpu_memory_percent:g}: stop other processes on it')
    verification = settings.runtime.manifest.verification
    if verification.get('status') == NOTHING_SEEN or not verification.get(ENGINE_RAN, True):
        yield WARN, warning(verification)
