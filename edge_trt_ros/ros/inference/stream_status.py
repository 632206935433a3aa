# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inference node's entry in `/diagnostics`."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticStatus
import psutil

from edge_trt_ros.ros.inference.stream import InferenceStream
from edge_trt_ros.ros.node.status_messages import ERROR, OK, status_message, WARN

_ERROR_COUNTS = ('bad_images', 'bad_results', 'failures')


def stream_status(name: str, stream: InferenceStream, enabled: bool, now_ns: int,
                  before: Mapping[str, int]) -> DiagnosticStatus:
    """
    Return the diagnostics of an active stream.

    :param name: the node's name.
    :param stream: the stream.
    :param enabled: whether it is enabled by `~/enable`.
    :param now_ns: time on the node's clock.
    :param before: the counts at the last report; errors since then set the level.
    """
    figures, settings = stream.figures, stream.settings
    manifest, runtime = settings.runtime.manifest, settings.runtime
    counts = dict(figures.counts)
    since = {key: count - before.get(key, 0) for key, count in counts.items()}
    values: dict[str, object] = {
        'backend': manifest.backend,
        'backend_reason': settings.opened.reason,
        'backend_version': manifest.backend_version,
        'engine_sha256': manifest.engine_sha256,
        'engine_built_at': manifest.built_at,
        'source_onnx_sha256': manifest.onnx_sha256,
        'precision': manifest.options.get('precision', ''),
        'topic': stream.topic,
    }
    values |= {key: counts.get(key, 0) for key in (
        'received', 'published', 'dropped_for_newer', 'dropped_for_age', 'lost_in_transport',
        *_ERROR_COUNTS)}
    rates_hz = figures.rates_hz(now_ns)
    values |= rates_hz
    for stage, (p50, p95, p99) in figures.percentiles_ms().items():
        values |= {f'{stage}_ms_p50': p50, f'{stage}_ms_p95': p95, f'{stage}_ms_p99': p99}
    values |= runtime.memory_mb()
    values['process_rss_mb'] = psutil.Process().memory_info().rss / 1e6
    level, message = OK, f"{rates_hz['detection_rate_hz']:.1f} results per second"
    if any(since.get(key) for key in _ERROR_COUNTS):
        level, message = ERROR, stream.last_problem or 'frames were skipped'
    elif since.get('lost_in_transport'):
        level, message = WARN, (f"{since['lost_in_transport']} images were lost in transport: "
                                'use the Fast DDS profile in the camera driver (see README)')
    elif not enabled:
        message = 'disabled by ~/enable'
    elif not since.get('received') and settings.input.is_continuous:
        level, message = WARN, f'no images on {stream.topic}'
    elif since.get('dropped_for_newer', 0) + since.get('dropped_for_age', 0) > 0:
        message += ', slower than the camera: older images are dropped'
    return status_message(level, f'{name}: inference', message.splitlines()[0],
                          runtime.device_name, values)


def idle_status(name: str, configured: bool, problem: str) -> DiagnosticStatus:
    """Return the diagnostics of a node that is not active."""
    if problem:
        return status_message(ERROR, f'{name}: inference', problem.splitlines()[0])
    return status_message(OK, f'{name}: inference', 'configured, but not active'
                          if configured else 'not configured')
