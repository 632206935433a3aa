# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inference node's entry in `/diagnostics`."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus
import psutil

from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.health import ERROR_COUNTS, health, Surroundings
from edge_trt_ros.ros.inference.newest_inputs import MISSING, TOO_OLD
from edge_trt_ros.ros.inference.settings import StreamSettings
from edge_trt_ros.ros.node.status_messages import ERROR, OK, status_message
from edge_trt_ros.runtime.jetson_board import board_state
from edge_trt_ros.verification import sentence

# Each received image is in one of these counts, or waits, or is in work.
ENDINGS = ('published', 'dropped_for_newer', 'dropped_for_age', 'dropped_for_rate',
           MISSING, TOO_OLD, 'dropped_at_stop', 'bad_images', 'bad_results', 'failures')
COUNTS = tuple(dict.fromkeys(('received', *ENDINGS, 'lost_in_transport', *ERROR_COUNTS)))


def stream_status(name: str, camera: Camera, settings: StreamSettings, enabled: bool,
                  outdated: str = '') -> DiagnosticStatus:
    """
    Return the diagnostics of an input of an active stream since the last call.

    :param name: the node's name.
    :param camera: the input.
    :param settings: its settings.
    :param enabled: whether the stream is enabled by `~/enable`.
    :param outdated: why the engine is outdated; '' if it is not (see `EngineAge`).
    """
    figures = camera.figures
    manifest, runtime = settings.runtime.manifest, settings.runtime
    since = figures.since_last_report()
    values: dict[str, object] = {
        'backend': manifest.backend,
        'backend_reason': settings.opened.reason,
        'backend_version': manifest.backend_version,
        'engine_sha256': manifest.engine_sha256,
        'engine_built_at': manifest.built_at,
        'source_onnx_sha256': manifest.onnx_sha256,
        'precision': manifest.options.get('precision', ''),
        'verification': sentence(manifest.verification),
        'topic': camera.topic,
    }
    values |= {key: figures.counts[key] for key in COUNTS}
    values |= figures.rates_hz()
    for stage, (p50, p95, p99) in figures.percentiles_ms().items():
        values |= {f'{stage}_ms_p50': p50, f'{stage}_ms_p95': p95, f'{stage}_ms_p99': p99}
    values |= runtime.memory_mb()
    values['process_rss_mb'] = psutil.Process().memory_info().rss / 1e6
    watch = settings.opened.watch
    values |= watch.figures() if watch else {}
    sensors = settings.opened.sensors
    sensed = sensors.read() if sensors else {}
    values |= sensed
    values |= board_state()
    level, message = health(camera, settings, enabled, since, Surroundings(
        outdated, sensed.get('gpu_temperature_c', 0.0)))
    return status_message(level, _title(name, camera), message.splitlines()[0],
                          runtime.device_name, values)


def ended_status(name: str, camera: Camera) -> DiagnosticStatus:
    """
    Return the last diagnostics of an input, when no image of it waits any more.

    :param name: the node's name.
    :param camera: the input.
    """
    camera.figures.since_last_report()
    counts = camera.figures.counts
    return status_message(
        OK, _title(name, camera), f"stopped: {counts['published']} of {counts['received']} images "
        'had results', values={'stream': 'ended', **{key: counts[key] for key in COUNTS}})


def _title(name: str, camera: Camera) -> str:
    return f"{name}: {camera.name or 'inference'}"


def idle_status(name: str, configured: bool, problem: str) -> DiagnosticStatus:
    """Return the diagnostics of a node that is not active."""
    if problem:
        return status_message(ERROR, f'{name}: inference', problem.splitlines()[0])
    return status_message(OK, f'{name}: inference', 'configured, but not active'
                          if configured else 'not configured')
