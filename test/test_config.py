# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The YAML files of this package set existing parameters to valid values."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.builder.parameters import BuilderParameters, ModelFiles
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.space.parameters import Detections3DParameters
from edge_trt_ros.settings import settings_of

CONFIG = Path(__file__).resolve().parent.parent / 'config'
KINDS = {'inference.yaml': InferenceParameters, 'builder.yaml': BuilderParameters,
         'detections_3d.yaml': Detections3DParameters}
# Files for nodes of other packages.
FOREIGN = {'nav2_costmap.yaml', 'nav2_depth.yaml', 'nav2_segmentation.yaml', 'diagnostics.yaml',
           'nav2_lifecycle_manager.yaml'}
# Tensor contracts; test/ros/inference/test_tensor_node.py runs them.
CONTRACTS = {'voice_activity_contract.yaml', 'policy_contract.yaml'}


def values_of(path: Path) -> dict[str, Any]:
    """Return the parameters of a file; lists become tuples, as for ROS parameters."""
    (node,) = yaml.safe_load(path.read_text(encoding='utf-8')).values()
    return {name: tuple(text for text in value if text) if isinstance(value, list) else value
            for name, value in node['ros__parameters'].items()}


def test_every_file_has_a_dataclass() -> None:
    assert {path.name for path in CONFIG.glob('*.yaml')} == set(KINDS) | FOREIGN | CONTRACTS


@pytest.mark.parametrize('name, kind', KINDS.items())
def test_files_are_valid_for_their_dataclasses(name: str, kind: type) -> None:
    kind(**values_of(CONFIG / name))


@pytest.mark.parametrize('name', ['inference.yaml', 'detections_3d.yaml'])
def test_files_contain_the_defaults(name: str) -> None:
    shown = values_of(CONFIG / name)
    defaults = {field.name: field.default for field in fields(KINDS[name])}
    assert {name: defaults[name] for name in shown} == shown


def test_costmap_subscribes_to_the_published_obstacles() -> None:
    text = (CONFIG / 'nav2_costmap.yaml').read_text(encoding='utf-8')
    values = yaml.safe_load(text)['local_costmap']['local_costmap']['ros__parameters']
    layer = values['detected_objects']
    source = layer[layer['observation_sources']]
    assert 'detected_objects' in values['plugins']
    assert source['topic'] == '/obstacles' and source['data_type'] == 'PointCloud2'
    assert source['marking'] and not source['clearing']


def test_parameters_in_a_comment_exist() -> None:
    lines = (CONFIG / 'builder.yaml').read_text(encoding='utf-8').splitlines()
    shown = {line.split(':')[0].split('.')[1] for line in lines if line.startswith('#   road.')}
    assert shown and shown <= {declared.parameter for kind in (ModelFiles, BuildOptions)
                               for declared in settings_of(kind)}


@pytest.mark.parametrize('kind, values', [
    (InferenceParameters, {'confidence_threshold': 1.1}), (InferenceParameters, {'backend': 'x'}),
    (InferenceParameters, {'max_detections': 0}), (BuilderParameters, {'models': ('a b',)}),
    (Detections3DParameters, {'min_depth_m': 30.0}), (BuildOptions, {'precision': 'fp1'}),
    (ModelFiles, {'memory_limit_mb': -1})])
def test_invalid_values_are_rejected(kind: type, values: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(values))):
        kind(**values)


def test_analyzers_find_the_entries_of_the_nodes() -> None:
    (node,) = yaml.safe_load((CONFIG / 'diagnostics.yaml').read_text(encoding='utf-8')).values()
    analyzers = {name: values for name, values in node['ros__parameters'].items()
                 if isinstance(values, dict)}
    # Each node's name is the start of its entries.
    assert set(analyzers) == {'inference', 'engine_builder', 'detections_3d'}
    for name, values in analyzers.items():
        assert values['startswith'] == [f'{name}: '] and values['timeout'] >= 2.0
        assert values['type'] == 'diagnostic_aggregator/GenericAnalyzer' and values['path']


def test_the_lifecycle_manager_of_nav2_waits_for_no_bond() -> None:
    values = values_of(CONFIG / 'nav2_lifecycle_manager.yaml')
    # bond_timeout is a double of that node, so `0` would end it.
    assert values == {'node_names': ('inference',), 'autostart': True, 'bond_timeout': 0.0}
    assert isinstance(values['bond_timeout'], float)


def test_the_voxel_layer_reads_the_points_of_the_launch_file() -> None:
    text = (CONFIG / 'nav2_depth.yaml').read_text(encoding='utf-8')
    values = yaml.safe_load(text)['local_costmap']['local_costmap']['ros__parameters']
    layer = values['voxel_layer']
    source = layer[layer['observation_sources']]
    launch = (CONFIG.parent / 'launch' / 'nav2_depth.launch.py').read_text(encoding='utf-8')
    assert f"('points', '{source['topic'].lstrip('/')}')" in launch
    assert source['data_type'] == 'PointCloud2' and layer['z_voxels'] <= 16
    assert layer['max_obstacle_height'] <= layer['z_voxels'] * layer['z_resolution']
