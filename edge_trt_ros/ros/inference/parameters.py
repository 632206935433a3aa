"""What an operator tunes on the inference node. What the model is, its manifest says."""

from __future__ import annotations

from dataclasses import dataclass

from edge_trt_ros.runtime.select import BACKEND_CHOICES
from edge_trt_ros.settings import check_settings, setting

QOS_PROFILES = ('SENSOR_DATA', 'DEFAULT', 'SYSTEM_DEFAULT')


@dataclass(frozen=True)
class InferenceParameters:
    """Parameters of `inference_node`; each field describes itself."""

    engine_file_path: str = setting(
        '', 'Engine to run; its manifest lies beside it.')
    backend: str = setting(
        'auto', 'Library that runs the engine; auto takes the one it was built for.',
        choices=BACKEND_CHOICES)
    device_id: int = setting(
        0, 'Which GPU runs the engine, as nvidia-smi counts.', limits=(0, 63))
    dla_core: int = setting(
        -1, 'Which DLA core runs an engine that is built for one; -1 takes the first.',
        limits=(-1, 7))
    autostart: bool = setting(
        False, 'Configure and activate without a lifecycle manager, and try again when the '
        'engine file changes after a failure.')
    confidence_threshold: float = setting(
        0.25, 'Smallest score of a detection.', live=True, limits=(0.0, 1.0))
    nms_threshold: float = setting(
        0.45, 'Overlap (IoU) above which the weaker of two boxes of a class is dropped.',
        live=True, limits=(0.0, 1.0))
    max_detections: int = setting(
        300, 'Most detections of one image.', live=True, limits=(1, 10000))
    class_names: tuple[str, ...] = setting(
        (), 'Labels to keep; an empty list keeps all.', live=True)
    class_id_format: str = setting(
        'name', 'What class_id of a detection holds: the label, or its index as text.',
        choices=('name', 'index'))
    image_transport: str = setting(
        'raw', 'raw takes the topic image, compressed takes image/compressed.',
        choices=('raw', 'compressed'))
    input_qos: str = setting(
        'SENSOR_DATA', 'QoS profile of the image subscription.', choices=QOS_PROFILES)
    output_qos: str = setting(
        'DEFAULT', 'QoS profile of the detections.', choices=QOS_PROFILES)
    max_frame_age_ms: float = setting(
        0.0, 'Images older than this when their turn comes are dropped and counted; 0 keeps all.',
        live=True, limits=(0.0, 60000.0))
    track: bool = setting(
        False, 'Give an object the same id from image to image; needs edgefirst-tracker.')
    top_k: int = setting(
        5, 'Most classes of a classification.', live=True, limits=(1, 1000))
    mask_resolution: str = setting(
        'source', 'Size of a semantic mask: of the image, or of what the network gives.',
        choices=('source', 'network'))

    def __post_init__(self) -> None:
        check_settings(self)
