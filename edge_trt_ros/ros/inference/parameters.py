# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Parameters that an operator tunes; the properties of the network are in the manifest."""

from __future__ import annotations

from dataclasses import dataclass

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.node.qos import AUTO
from edge_trt_ros.runtime.kserve.options import KSERVE
from edge_trt_ros.runtime.select import BACKEND_CHOICES, PRIORITIES
from edge_trt_ros.settings import check_settings, setting, settings_of
from edge_trt_ros.sources.frames import MAX_PIXELS
from edge_trt_ros.vision.trackers import TRACKERS

QOS_PROFILES = ('SENSOR_DATA', 'DEFAULT', 'SYSTEM_DEFAULT')


@dataclass(frozen=True)
class InferenceParameters:
    """Parameters of `inference_node`; each field describes itself."""

    engine_file_path: str = setting(
        '', 'Engine file to run, with its manifest in the same folder; or an ONNX file.',
        is_path=True)
    backend: str = setting(
        'auto', 'Library that runs the engine; auto selects the library it was built for; kserve '
        'sends the images to server_url.', choices=(*BACKEND_CHOICES, KSERVE))
    server_url: str = setting(
        '', 'With kserve: address of the server, as grpc://HOST:PORT, or grpcs:// for an '
        'encrypted connection.')
    server_model: str = setting(
        '', 'With kserve: name of the model on the server, or name and version, as road/3; if '
        'engine_file_path is set too, the model must be this engine.')
    server_token_file_path: str = setting(
        '', 'With kserve and grpcs: file with the token that is sent with each request.',
        is_path=True)
    server_certificate_file_path: str = setting(
        '', "With kserve and grpcs: file with the certificates that sign the server's, PEM; empty "
        'uses those of the system.', is_path=True)
    fallback_engine_file_path: str = setting(
        '', 'With kserve: engine that runs here while the server cannot be used; empty skips '
        'these images.', is_path=True)
    verify_on_configure: bool = setting(
        False, 'Verify an engine that has not run where it was built, once on this machine; needs '
        'the ONNX file next to it, as my_model.onnx for my_model.engine, and onnxruntime.')
    allowed_folders: tuple[str, ...] = setting(
        (), 'Folders that must contain all files that the other parameters name, symbolic links '
        'resolved; an empty list allows any folder.', is_fixed=True)
    public_key_file_path: str = setting(
        '', 'File with one or more Ed25519 public keys, PEM; an engine that none of them has '
        'signed is refused; empty accepts any engine.', is_fixed=True)
    device_id: int = setting(
        0, 'Index of the GPU, as nvidia-smi lists it.', limits=(0, 63))
    dla_core: int = setting(
        -1, 'DLA core for an engine that was built with dla; -1 selects the first core.',
        limits=(-1, 7))
    gpu_priority: str = setting(
        'high', 'Whose work the GPU runs first, among the networks of one process; needs '
        'cuda-bindings.', choices=PRIORITIES)
    autostart: bool = setting(
        False, 'Configure and activate without a lifecycle manager; after a failure, retry when '
        'the engine file or a parameter changes, and with kserve every 5 seconds.')
    cameras: tuple[str, ...] = setting(
        (), 'Names of cameras that share the engine: <name>/image to <name>/detections, and so '
        'on; an empty list reads image.', live=True)
    confidence_threshold: float = setting(
        0.25, 'Minimum score of a detection.', live=True, limits=(0.0, 1.0))
    nms_threshold: float = setting(
        0.45, 'IoU above which the lower-scoring of two boxes of a class is suppressed.',
        live=True, limits=(0.0, 1.0))
    max_detections: int = setting(
        300, 'Maximum number of detections per image.', live=True, limits=(1, 10000))
    class_names: tuple[str, ...] = setting(
        (), 'Labels to keep; an empty list keeps all.', live=True)
    class_confidence: tuple[str, ...] = setting(
        (), 'Minimum scores of single classes, as person:0.5; the other classes keep '
        'confidence_threshold.', live=True)
    class_id_format: str = setting(
        'name', 'Content of class_id of a detection: the label, or the class index as text.',
        choices=('name', 'index'))
    image_transport: str = setting(
        'raw', 'raw subscribes to image, compressed to image/compressed.',
        choices=('raw', 'compressed'))
    max_image_megapixels: float = setting(
        MAX_PIXELS / 1e6, 'Maximum size of a compressed image, in millions of pixels; its header '
        'is read before it is decoded.', limits=(0.1, 268.0))
    input_qos: str = setting(
        'SENSOR_DATA', 'QoS profile of the image subscription; AUTO takes reliability and '
        'durability of the publishers.', choices=(*QOS_PROFILES, AUTO))
    output_qos: str = setting(
        'DEFAULT', 'QoS profile of the detections.', choices=QOS_PROFILES)
    max_frame_age_ms: float = setting(
        0.0, 'Drop images older than this when they are dequeued; drops are counted; 0 keeps all.',
        live=True, limits=(0.0, 60000.0))
    max_rate_hz: float = setting(
        0.0, 'Process at most this many images per second; the others are dropped when they '
        'arrive, and counted; 0 sets no limit.', live=True, limits=(0.0, 1000.0))
    track: bool = setting(
        False, 'Publish persistent track IDs; needs edgefirst-tracker.')
    tracker: str = setting(
        'bytetrack', 'With track: bytetrack for a camera that stands or moves slowly, botsort for '
        'one that turns; botsort needs trackers.', choices=tuple(TRACKERS))
    top_k: int = setting(
        5, 'Maximum number of classes in a classification.', live=True, limits=(1, 1000))
    mask_resolution: str = setting(
        'source', "Resolution of semantic masks and depth: the image's, or that of the output.",
        choices=('source', 'network'))
    health_min_rate_hz: float = setting(
        0.0, '/diagnostics warns below this rate of results, and reports an error below half of '
        'it; 0 checks nothing.', live=True, limits=(0.0, 1000.0))
    health_max_age_ms: float = setting(
        0.0, '/diagnostics warns if the results of the latest images are older, and reports an '
        'error at twice the age; 0 checks nothing.', live=True, limits=(0.0, 60000.0))
    health_max_gpu_memory_percent: float = setting(
        0.0, '/diagnostics warns if more of the GPU memory is used; 0 checks nothing.',
        live=True, limits=(0.0, 100.0))
    health_max_gpu_temperature_c: float = setting(
        0.0, '/diagnostics warns if the GPU is hotter, and reports an error 10 degrees above it; '
        '0 checks nothing.', live=True, limits=(0.0, 150.0))
    health_onnx_file_path: str = setting(
        '', '/diagnostics warns if the engine is not built from this ONNX file as it is now; '
        'empty checks nothing.', is_path=True)
    health_check_engine: bool = setting(
        False, '/diagnostics warns if the engine file was replaced and not reloaded, or if the '
        'engine was built with another version of the library that runs it.', live=True)
    metrics_port: int = setting(
        0, 'Port on which the values of /diagnostics are served for Prometheus, at /metrics; 0 '
        'serves nothing; needs prometheus_client.', limits=(0, 65535))
    metrics_address: str = setting(
        '127.0.0.1', 'With metrics_port: address on which they are served; 0.0.0.0 serves them '
        'to all who reach this machine.')
    health_stale_after_s: float = setting(
        5.0, '/diagnostics has the level STALE after this time without images; 0 keeps the level '
        'WARN.', live=True, limits=(0.0, 3600.0))

    def __post_init__(self) -> None:
        check_settings(self)
        self.confidence_by_label()
        for name in self.cameras:
            if not (name.isascii() and name.isidentifier()):
                raise ConfigurationError(f"cameras contains '{name}', expected names of letters, "
                                         'digits and underscores that begin with a letter')
        if len(set(self.cameras)) != len(self.cameras):
            raise ConfigurationError(f"cameras contains a name twice: {', '.join(self.cameras)}")

    def paths(self) -> dict[str, str]:
        """Return the paths that `allowed_folders` confines, by parameter; '' for none."""
        return {declared.name: getattr(self, declared.name) for declared in settings_of(self)
                if declared.is_path}

    def confidence_by_label(self) -> dict[str, float]:
        """
        Return `class_confidence` by label.

        :raises ConfigurationError: for an entry that is not a label and a score.
        """
        by_label: dict[str, float] = {}
        for entry in self.class_confidence:
            label, _, text = entry.rpartition(':')
            try:
                score = float(text)
            except ValueError:
                score = -1.0
            if not label or not 0.0 <= score <= 1.0:
                raise ConfigurationError(f"class_confidence contains '{entry}', expected a label "
                                         'and a score from 0 to 1, as person:0.5')
            by_label[label] = score
        return by_label
