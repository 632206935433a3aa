# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Build options: validation, hashes, and parsing of shapes and labels."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from support.tensor_models import as_option, policy_contract

from edge_trt_ros.convert.labels import labels_from_file
from edge_trt_ros.convert.options import BuildOptions, options_from_dict, shape_from_text
from edge_trt_ros.convert.plan_identity import PlanIdentity
from edge_trt_ros.errors import ConfigurationError

OPTIONS = BuildOptions()


@pytest.mark.parametrize('values, match', [
    ({'precision': 'int7'}, 'precision'), ({'backend': 'magic'}, 'backend'),
    ({'max_candidates': 0}, 'max_candidates'), ({'max_candidates': 3841}, 'max_candidates'),
    ({'input_shape': (1, 3, 64)}, 'input_shape'), ({'input_shape': (2, 3, 64, 64)}, 'input_shape'),
])
def test_invalid_options_are_refused(values: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        BuildOptions(**values)  # type: ignore[arg-type]


def test_plan_key_depends_on_each_field() -> None:
    changes: dict[str, object] = {
        'backend': 'onnxruntime', 'precision': 'fp16', 'input_shape': (1, 3, 64, 64),
        'max_candidates': 7, 'labels': ('x',), 'workspace_mb': 5, 'sparsity': True,
        'compute_capabilities': ('8.6',), 'hardware_compatible': True,
        'version_compatible': True, 'calibration': 'a', 'calibration_topic': '/a',
        'calibration_images': 3, 'calibration_method': 'min_max', 'max_accuracy_drop': 0.5,
        'task': 'segment', 'dla': True, 'max_batch': 8, 'depth': 'metric',
        'anchors_wh': (1.0, 2.0), 'input_contract': '{}', 'verification': 'b',
        'require_verification': True, 'tensor_contract': as_option(policy_contract())}
    assert set(changes) == {field.name for field in fields(BuildOptions)}
    plan = PlanIdentity('onnx', OPTIONS, 'images', 'tensorrt', '1', 'gpu')
    changed = [replace(plan, options=replace(OPTIONS, **{name: value}))
               for name, value in changes.items()]
    changed += [replace(plan, **{name: 'other'}) for name in (
        'onnx_sha256', 'calibration_sha256', 'backend_version', 'device')]
    changed.append(replace(plan, backend='tensorrt_rtx'))
    assert len({identity.key() for identity in (plan, *changed)}) == len(changed) + 1
    for identity in changed:
        clauses = identity.differences(plan.to_dict(), 'm.onnx')
        assert len(clauses) == 1, clauses


def test_options_from_a_manifest() -> None:
    options = BuildOptions(labels=('a', 'b'), input_shape=(1, 3, 64, 96), precision='fp16')
    assert options_from_dict(options.to_dict()) == options
    assert options_from_dict({}) == BuildOptions()
    assert options_from_dict({'calibration_sha256': 'abc', 'dla': True}) == BuildOptions(dla=True)


def test_shapes_and_labels_from_text(tmp_path: Path) -> None:
    assert shape_from_text('') == () and shape_from_text('1x3x64x96') == (1, 3, 64, 96)
    with pytest.raises(ConfigurationError, match='1x3x640x640'):
        shape_from_text('1,3,64,64')
    labels = tmp_path / 'labels.txt'
    labels.write_text('car\ntruck\n\n')
    assert labels_from_file(str(labels)) == ('car', 'truck') and labels_from_file('') == ()
    labels.write_text('car\n\ntruck\n')
    with pytest.raises(ConfigurationError, match='an empty label between'):
        labels_from_file(str(labels))
    with pytest.raises(ConfigurationError, match='cannot be read'):
        labels_from_file(str(tmp_path / 'none.txt'))


@pytest.mark.parametrize('text, labels', [
    ('names: [car, truck]', ('car', 'truck')), ('nc: 2\nnames: {1: truck, 0: car}',
                                                ('car', 'truck')),
    ('- car\n- 7\n', ('car', '7')), ('names: {0: car, 2: truck}', ()), ('nc: 2', ()),
    ('names: [car', ()), ('', ())])
def test_labels_from_yaml(tmp_path: Path, text: str, labels: tuple[str, ...]) -> None:
    (tmp_path / 'data.yaml').write_text(text)
    if labels:
        assert labels_from_file(str(tmp_path / 'data.yaml')) == labels
        return
    with pytest.raises(ConfigurationError, match='holds no labels|cannot be read'):
        labels_from_file(str(tmp_path / 'data.yaml'))
