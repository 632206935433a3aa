"""Every YAML file that we ship sets parameters that exist, to values that they take."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_trt_ros.ros.builder_parameters import BuilderParameters, ModelParameters
from edge_trt_ros.ros.inference_parameters import InferenceParameters

CONFIG = Path(__file__).resolve().parent.parent / 'config'
KINDS = {'inference.yaml': InferenceParameters, 'builder.yaml': BuilderParameters}


def values_of(path: Path) -> dict[str, Any]:
    """Return the parameters of a file, lists as rclpy hands them to the dataclass."""
    (node,) = yaml.safe_load(path.read_text(encoding='utf-8')).values()
    return {name: tuple(text for text in value if text) if isinstance(value, list) else value
            for name, value in node['ros__parameters'].items()}


def test_every_file_has_a_kind() -> None:
    assert {path.name for path in CONFIG.glob('*.yaml')} == set(KINDS)


@pytest.mark.parametrize('name, kind', KINDS.items())
def test_files_are_read_into_the_dataclasses(name: str, kind: type) -> None:
    kind(**values_of(CONFIG / name))


def test_the_files_show_defaults() -> None:
    shown = values_of(CONFIG / 'inference.yaml')
    defaults = {field.name: field.default for field in fields(InferenceParameters)}
    assert {name: defaults[name] for name in shown} == shown


def test_a_group_in_a_comment_is_right() -> None:
    lines = (CONFIG / 'builder.yaml').read_text(encoding='utf-8').splitlines()
    shown = {line.split(':')[0].split('.')[1] for line in lines if line.startswith('#   road.')}
    assert shown and shown <= {field.name for field in fields(ModelParameters)}


@pytest.mark.parametrize('kind, values', [
    (InferenceParameters, {'confidence_threshold': 1.1}), (InferenceParameters, {'backend': 'x'}),
    (InferenceParameters, {'max_detections': 0}), (BuilderParameters, {'models': ('a b',)}),
    (ModelParameters, {'precision': 'fp1'})])
def test_values_that_cannot_be(kind: type, values: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=next(iter(values))):
        kind(**values)
