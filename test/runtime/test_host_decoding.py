# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An engine without appended nodes is decoded on the host by the head that its manifest names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.building import build_in_memory, decoded_on_the_host, head_of
from support.detector_networks import ANCHORS, NETWORKS
from support.frames import noise_frame
from support.models import dense_model, save
from support.task_models import convolution_model, segment_model

from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ManifestError, NetworkOutputError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.manifest_json import manifest_from_json
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.vision.tasks import find_task
from edge_trt_ros.vision.thresholds import Thresholds

THRESHOLDS = Thresholds(confidence=0.12)
MODELS = {
    'yolo_dense': lambda: dense_model((96, 64), weight=1.0),
    'yolo_grids': lambda: NETWORKS['yolo_grids']((96, 64), 3, 1),
    'yolo_pose': lambda: dense_model((96, 64), 16, weight=1.0, metadata={
        'task': 'pose', 'kpt_shape': '[5, 3]'}),
    'yolo_oriented': lambda: dense_model((96, 64), 4, weight=1.0, metadata={'task': 'obb'}),
    'yolo_segment': segment_model,
    'classify_logits': lambda: convolution_model((1, 10), {'task': 'classify'}),
    'semantic_logits': lambda: convolution_model((1, 5, 16, 16), {'task': 'semantic'}),
}


def plain_engine(model: onnx.ModelProto, folder: Path, options: BuildOptions
                 ) -> tuple[bytes, EngineManifest]:
    """Return the network itself as an engine, as an adopted one is, read from its JSON."""
    path = save(model, folder / 'm.onnx')
    checked, head = check_onnx(path), head_of(path, options)
    engine = checked.model.SerializeToString()
    manifest = replace(
        build_in_memory(path, options).manifest, engine_sha256=sha256_hex(engine),
        engine_size_bytes=len(engine), outputs=checked.outputs, decoder=head.name,
        decoding={'roles': {role: spec.name for role, spec in head.reading.roles.items()},
                  'options': dict(head.reading.options)})
    return engine, manifest_from_json(manifest.to_json(), 'here')


@pytest.mark.parametrize('name', MODELS)
def test_host_decoding_equals_the_reference(name: str, tmp_path: Path) -> None:
    options = BuildOptions(backend='onnxruntime',
                           anchors_wh=ANCHORS if name == 'yolo_grids' else ())
    engine, manifest = plain_engine(MODELS[name](), tmp_path, options)
    assert manifest.head_runs_in == 'runtime' and manifest.head == manifest.decoder == name
    frame = noise_frame((150, 91), 3)
    with open_engine(engine, manifest).runtime as runtime:
        found, _ = infer(runtime, frame, THRESHOLDS)
    expected = decoded_on_the_host(tmp_path / 'm.onnx', manifest, frame, THRESHOLDS, options)
    task = find_task(manifest.task)
    described = task.describe(found, manifest.labels)
    assert described == task.describe(expected, manifest.labels)
    assert any(described.values())
    image = np.zeros((91, 150, 3), np.uint8)
    task.draw(image, found, manifest.labels)
    assert image.any()


@pytest.mark.parametrize('options, match', [
    ({'colour': 'red'}, r"has other options than \['colour'\]"),
    ({'keypoint_shape': [5]}, "'yolo_pose' cannot decode the outputs"),
    ({'keypoint_shape': None}, "'yolo_pose' cannot decode the outputs"),
    ({'keypoint_shape': ['a', {}]}, "'yolo_pose' cannot decode the outputs"),
    ({'keypoint_shape': [500, 3]}, 'do not fit keypoints'), ({}, 'do not fit keypoints')])
def test_invalid_options_are_one_sentence(options: dict[str, Any], match: str, tmp_path: Path
                                          ) -> None:
    engine, manifest = plain_engine(MODELS['yolo_pose'](), tmp_path,
                                    BuildOptions(backend='onnxruntime'))
    broken = replace(manifest, decoding={**manifest.decoding, 'options': options})
    with pytest.raises((ManifestError, NetworkOutputError), match=match) as error:
        with open_engine(engine, broken).runtime as runtime:
            infer(runtime, noise_frame((150, 91), 3), THRESHOLDS)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('decoding', [
    {}, {'roles': 5, 'options': {}}, {'roles': {}, 'options': ['a']}, {'roles': None}])
def test_malformed_decoding_is_rejected(decoding: dict[str, Any], tmp_path: Path) -> None:
    engine, manifest = plain_engine(MODELS['yolo_pose'](), tmp_path,
                                    BuildOptions(backend='onnxruntime'))
    with pytest.raises(ManifestError, match='expected roles and options of the head .yolo_pose'):
        open_engine(engine, replace(manifest, decoding=decoding))


def test_missing_outputs_are_rejected(tmp_path: Path) -> None:
    engine, manifest = plain_engine(segment_model(), tmp_path,
                                    BuildOptions(backend='onnxruntime'))
    roles = {**manifest.decoding['roles'], 'prototypes': 'elsewhere'}
    broken = replace(manifest, decoding={**manifest.decoding, 'roles': roles})
    with pytest.raises(ManifestError, match="'yolo_segment' needs the outputs elsewhere"):
        open_engine(engine, broken)
