# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An option of a build is declared once: `--help`, ROS parameters and YAML say the same."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rcl_interfaces.srv import DescribeParameters, GetParameters
from support.graph import Graph, graph
import yaml

from edge_trt_ros.cli._options import add_options, read_options
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.runtime.select import BACKEND_CHOICES
from edge_trt_ros.settings import Setting, settings_of

SETTINGS = {setting.name: setting for setting in settings_of(BuildOptions)}


@pytest.fixture()
def ros() -> Iterator[Graph]:
    with graph() as one:
        yield one


@pytest.fixture()
def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser()
    add_options(made)
    return made


def test_help_and_param_describe_agree(ros: Graph, parser: argparse.ArgumentParser) -> None:
    ros.add(EngineBuilderNode, models=['m'])
    names = [f'm.{setting.parameter}' for setting in SETTINGS.values()]
    described = ros.call(DescribeParameters, '/engine_builder/describe_parameters',
                         DescribeParameters.Request(names=names)).descriptors
    values = ros.call(GetParameters, '/engine_builder/get_parameters',
                      GetParameters.Request(names=names)).values
    actions = {action.dest: action for action in parser._actions}
    assert len(described) == len(SETTINGS) == len(actions) - 1  # and --help
    for setting, descriptor, value in zip(SETTINGS.values(), described, values):
        action = actions[setting.name]
        assert action.help == descriptor.description == setting.description
        assert action.option_strings == [setting.flag]
        choices = [choice for choice in setting.choices if choice] or None
        assert action.choices == choices
        assert descriptor.additional_constraints == (setting.allowed if choices else '')
        ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
        assert [(limits.from_value, limits.to_value) for limits in ranges] == (
            [setting.limits] if setting.limits else [])
        stored = {1: value.bool_value, 2: value.integer_value, 3: value.double_value,
                  4: value.string_value, 9: [text for text in value.string_array_value if text]}
        assert stored[value.type] == (list(setting.typed_default) if isinstance(
            setting.typed_default, tuple) else action.default), setting.name


def test_no_option_is_declared_twice() -> None:
    parameters = [setting.parameter for setting in SETTINGS.values()]
    flags = [setting.flag for setting in SETTINGS.values()]
    assert len(set(parameters)) == len(set(flags)) == len(SETTINGS)
    assert SETTINGS['backend'].choices == BACKEND_CHOICES


def test_the_command_line_makes_the_options(parser: argparse.ArgumentParser, tmp_path: Path
                                            ) -> None:
    assert read_options(parser.parse_args([])) == BuildOptions()
    (tmp_path / 'labels.txt').write_text('car\ntruck\n')
    options = read_options(parser.parse_args([
        '--precision', 'fp16', '--input-shape', '1x3x64x96', '--labels',
        str(tmp_path / 'labels.txt'), '--anchors', '1,2.5', '--max-candidates', '7', '--dla',
        '--compute-capability', '8.6', '--compute-capability', '8.9', '--max-accuracy-drop',
        '0.1', '--task', 'detect']))
    assert options == BuildOptions(
        precision='fp16', input_shape=(1, 3, 64, 96), labels=('car', 'truck'),
        anchors_wh=(1.0, 2.5), max_candidates=7, dla=True, compute_capabilities=('8.6', '8.9'),
        max_accuracy_drop=0.1, task='detect')


def test_ros_parameters_make_the_same_options(ros: Graph, tmp_path: Path) -> None:
    (tmp_path / 'labels.txt').write_text('car\ntruck\n')
    values = yaml.safe_load("""
        {precision: fp16, input_shape: 1x3x64x96, anchors: '1,2.5', max_candidates: 7, dla: true,
         compute_capabilities: ['8.6', '8.9'], max_accuracy_drop: 0.1, task: detect}""")
    values['labels_file_path'] = str(tmp_path / 'labels.txt')
    node = ros.add(EngineBuilderNode, models=['m'],
                   **{f'm__{name}': value for name, value in values.items()})
    assert node._models['m'].options() == BuildOptions(
        precision='fp16', input_shape=(1, 3, 64, 96), labels=('car', 'truck'),
        anchors_wh=(1.0, 2.5), max_candidates=7, dla=True, compute_capabilities=('8.6', '8.9'),
        max_accuracy_drop=0.1, task='detect')


def out_of(setting: Setting) -> Any:
    """Return a value that a setting does not allow."""
    return setting.limits[1] + 1 if setting.limits else 'something else'


@pytest.mark.parametrize('name', [
    name for name, setting in SETTINGS.items() if setting.limits or setting.choices])
def test_what_is_not_allowed_is_one_sentence_everywhere(name: str) -> None:
    setting = SETTINGS[name]
    with pytest.raises(ConfigurationError, match=f'^{name} is .*expected') as refused:
        BuildOptions(**{name: out_of(setting)})
    assert setting.allowed in str(refused.value)
