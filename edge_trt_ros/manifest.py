"""
The manifest: what an engine file is, as JSON beside it (`<engine>.json`).

An engine is code to the library that loads it, so the manifest is checked before a byte of
the engine is deserialised. What the model is (size, colours, head, labels) stands here and
nowhere else; the parameters of a node hold only what an operator tunes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
import hashlib
import json
from pathlib import Path
from typing import Any

from edge_trt_ros.errors import ManifestError, ModelError
from edge_trt_ros.tensor_spec import TensorSpec

SCHEMA_VERSION = 1
# A layout: ids, attention mask and types of a text's tokens, int32 [1, 3, 1, length].
TOKENS = 'tokens'


@dataclass(frozen=True)
class InputContract:
    """
    How pixels become the input tensor: `(value * scale - mean) / std`, channel by channel.

    Of a network that reads texts only the layout and the width count.

    :param size_wh: width and height of the network's input in pixels, or tokens of a text and 1.
    :param color_order: 'rgb' or 'bgr', the order of the channels in the tensor.
    :param layout: 'nchw', or 'tokens' of a text.
    :param scale: factor applied to the 0..255 value first.
    :param mean: subtracted after scaling, in the tensor's channel order.
    :param std: divided by last, in the tensor's channel order.
    :param pad_value: 0..255, fills what the letterboxed image does not cover.
    """

    size_wh: tuple[int, int]
    color_order: str = 'rgb'
    layout: str = 'nchw'
    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad_value: int = 114

    def __post_init__(self) -> None:
        if len(self.size_wh) != 2 or min(self.size_wh) < 1:
            raise ManifestError(f'input_contract.size_wh is {self.size_wh}, expected two '
                                'positive numbers: rebuild the engine')
        for name, value, known in (('color_order', self.color_order, ('rgb', 'bgr')),
                                   ('layout', self.layout, ('nchw', TOKENS))):
            if value not in known:
                raise ManifestError(f"input_contract.{name} is '{value}', known are "
                                    f"{', '.join(known)}: rebuild the engine")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(self.std):
            raise ManifestError('input_contract.mean and .std need three numbers each, std none '
                                f'of them 0, not {self.mean} and {self.std}: rebuild the engine')


@dataclass(frozen=True)
class EngineManifest:
    """
    Identity and contract of one engine file.

    :param engine_sha256: hash of the engine file's bytes, hexadecimal.
    :param engine_size_bytes: its size.
    :param source_onnx_sha256: hash of the ONNX it was built from.
    :param recipe: everything that decided what was built (`convert.recipe`).
    :param backend: the library that runs it: 'onnxruntime', 'tensorrt', 'tensorrt_rtx'.
    :param backend_version: version of that library at build time.
    :param platform: operating system and processor, as 'linux-x86_64'.
    :param target: what it runs on: 'compute_capabilities' (none names all that the library
        knows), 'gpu' and 'driver' that it was built with.
    :param layers: what was really built: 'precisions' (name to number of layers), 'layers' (how
        many in all) and 'source' (who counted them).
    :param cache_key: hash of all that decided what was built.
    :param inputs: the network's inputs.
    :param outputs: the network's outputs.
    :param input_contract: how a frame becomes the input.
    :param head: how the outputs become detections (a key of `vision.postprocess.HEADS`).
    :param source_head: the head that was found in the ONNX.
    :param task: 'detect'.
    :param labels: class names; the index is the class.
    :param verification: what was compared at build time, and how far it was off.
    :param build_seconds: duration of the build.
    :param built_at: UTC time of the build, ISO 8601.
    :param tokenizer: of a network that reads texts: its `tokenizer.json`.
    """

    engine_sha256: str
    engine_size_bytes: int
    source_onnx_sha256: str
    recipe: Mapping[str, Any]
    backend: str
    backend_version: str
    platform: str
    target: Mapping[str, Any]
    layers: Mapping[str, Any]
    cache_key: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    input_contract: InputContract
    head: str
    source_head: str
    task: str
    labels: tuple[str, ...]
    verification: Mapping[str, Any]
    build_seconds: float
    built_at: str
    tokenizer: str = ''
    schema_version: int = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as plain values."""
        return asdict(self)

    def to_json(self) -> str:
        """Return the manifest as indented JSON text with a closing newline."""
        return json.dumps(self.to_dict(), indent=2) + '\n'

    def check_engine(self, engine: bytes, engine_path: Path) -> None:
        """
        Refuse an engine that is not the one described.

        :param engine: the whole content of the file.
        :param engine_path: its path, for the message.
        :raises ManifestError: if size or hash differ.
        """
        if len(engine) != self.engine_size_bytes:
            raise ManifestError(
                f'{engine_path} has {len(engine)} bytes, but its manifest describes '
                f'{self.engine_size_bytes}: the file is truncated or of another build; {REBUILD}')
        found = sha256_hex(engine)
        if found != self.engine_sha256:
            raise ManifestError(
                f'{engine_path} has sha256 {found[:12]}..., but its manifest describes '
                f'{self.engine_sha256[:12]}...: the file is damaged or of another build; '
                f'{REBUILD}')


REBUILD = 'rebuild it with `ros2 run edge_trt_ros build_engine MODEL.onnx -o ENGINE`'


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def manifest_path(engine_path: Path) -> Path:
    """Return where the manifest of an engine file lies: beside it, `.json` appended."""
    return engine_path.with_name(engine_path.name + '.json')


def manifest_from_json(text: str, origin: str) -> EngineManifest:
    """
    Read a manifest.

    :param text: the JSON text.
    :param origin: where it came from, for the message.
    :raises ManifestError: naming the field, what was found and what was expected.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f'{origin} is not JSON ({error}); {REBUILD}') from error
    version = raw.get('schema_version') if isinstance(raw, dict) else None
    if not isinstance(version, int) or version < 1:
        raise ManifestError(f'{origin} is no manifest: schema_version is {version!r}, '
                            f'expected {SCHEMA_VERSION}; {REBUILD}')
    if version > SCHEMA_VERSION:
        raise ManifestError(
            f'{origin} has schema_version {version}, this installation reads up to '
            f'{SCHEMA_VERSION}: update edge_trt_ros, or {REBUILD}')
    missing = [field.name for field in fields(EngineManifest)
               if field.name not in raw and field.name != 'tokenizer']
    if missing:
        raise ManifestError(f"{origin} lacks {', '.join(missing)}; {REBUILD}")
    try:
        return _manifest_from_fields(raw)
    except (TypeError, ValueError, KeyError, AttributeError, ModelError) as error:
        raise ManifestError(f'{origin} is malformed ({error}); {REBUILD}') from error


def _manifest_from_fields(raw: dict[str, Any]) -> EngineManifest:
    known = {field.name for field in fields(EngineManifest)}
    values = {name: value for name, value in raw.items() if name in known}
    for name in ('engine_sha256', 'source_onnx_sha256', 'backend', 'backend_version', 'platform',
                 'cache_key', 'head', 'source_head', 'task', 'built_at', 'tokenizer'):
        if not isinstance(values.get(name, ''), str):
            raise TypeError(f'{name} is {values[name]!r}, expected text')
    if not isinstance(values['engine_size_bytes'], int):
        raise TypeError(f"engine_size_bytes is {values['engine_size_bytes']!r}, expected a number")
    for name in ('recipe', 'target', 'layers', 'verification'):
        values[name] = dict(values[name])
    for name in ('inputs', 'outputs'):
        values[name] = tuple(
            TensorSpec(str(one['name']), str(one['dtype']), tuple(map(int, one['shape'])))
            for one in values[name])
    contract = dict(values['input_contract'])
    for name, convert in (('size_wh', int), ('mean', float), ('std', float)):
        contract[name] = tuple(map(convert, contract[name]))
    values['input_contract'] = InputContract(**contract)
    values['labels'] = tuple(map(str, values['labels']))
    return EngineManifest(**values)
