# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""`[]` as the value of a list, in a YAML file, on a command line and in a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from std_srvs.srv import Trigger
from support.graph import graph

from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.ros.inference.node import InferenceNode


def arguments(tmp_path: Path, form: str, *names: str) -> list[str]:
    """Return a node's arguments that set parameters to `[]`."""
    if form == 'none':
        return []
    if form == 'command line':
        return ['--ros-args', *(part for name in names for part in ('-p', f'{name}:=[]'))]
    lines = '\n'.join(f'    {name}: []' for name in names)
    path = tmp_path / 'parameters.yaml'
    path.write_text(f'/**:\n  ros__parameters:\n{lines}\n')
    return ['--ros-args', '--params-file', str(path)]


@pytest.mark.parametrize('form', ['none', 'command line', 'file'])
def test_empty_lists_are_read_when_a_node_starts(tmp_path: Path, form: str) -> None:
    with graph() as ros:
        inference = InferenceNode(cli_args=arguments(tmp_path, form, 'class_names'))
        builder = EngineBuilderNode(cli_args=arguments(
            tmp_path, form, 'models', 'allowed_folders'))
        try:
            assert inference._declared.read().node.class_names == ()
            assert builder._problem == '' and builder._builder.read().models == ()
            assert inference.get_parameter('class_names').value == []
            ros.executor.add_node(builder)
            answer = ros.call(Trigger, 'engine_builder/build_all')
            assert answer.message == 'there are no models to build'
        finally:
            ros.executor.remove_node(builder)
            for node in (inference, builder):
                node.release()
                node.destroy_node()


@pytest.mark.parametrize('kind', [
    ParameterType.PARAMETER_NOT_SET, ParameterType.PARAMETER_BOOL_ARRAY,
    ParameterType.PARAMETER_BYTE_ARRAY, ParameterType.PARAMETER_STRING_ARRAY])
def test_a_list_is_emptied_by_any_empty_value(kind: int) -> None:
    with graph() as ros:
        node = ros.add(InferenceNode, class_names=['car'])
        answer = ros.call(SetParameters, 'inference/set_parameters', SetParameters.Request(
            parameters=[Parameter(name='class_names', value=ParameterValue(type=kind))]))
        assert answer.results[0].successful, answer.results[0].reason
        assert node._declared.read().node.class_names == ()


def test_numbers_are_no_list_of_strings() -> None:
    with graph() as ros:
        node = ros.add(InferenceNode, class_names=['car'])
        answer = ros.call(SetParameters, 'inference/set_parameters', SetParameters.Request(
            parameters=[Parameter(name='class_names', value=ParameterValue(
                type=ParameterType.PARAMETER_INTEGER_ARRAY, integer_array_value=[1]))]))
        assert not answer.results[0].successful
        assert node._declared.read().node.class_names == ('car',)
