# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines that are broken on purpose are refused; faithful engines of trained networks pass."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_trt_ros.benchmark.gate.mutations import MUTATIONS
from edge_trt_ros.benchmark.gate.networks import NETWORKS
from edge_trt_ros.benchmark.gate.trial import faithful, faults_of, Trial
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.sources.sample_images import SAMPLE_IMAGES
from edge_trt_ros.verification import is_verified

# What each task adds to the faults that a detector can have.
OWN = {'segment': ('masks shifted by 4 px',), 'pose': ('keypoints mirrored',),
       'obb': ('angles off by 5 degrees',), 'depth': ('depth off by 10 %', 'NaN in one value'),
       'classify': ('classes permuted', 'red and blue swapped'),
       'semantic': ('classes permuted', 'weights of a layer times 0.9')}


@pytest.fixture(scope='module', params=['fp32', 'fp16', 'int8'])
def detector(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return faithful('detect', request.param, tmp_path_factory.mktemp('gate'), SAMPLE_IMAGES)


@pytest.mark.parametrize('fault', MUTATIONS)
def test_a_broken_detector_is_refused(detector: Trial, fault: str) -> None:
    assert is_verified(detector.verification)
    answer = detector.refusal(fault)
    if answer is None:
        pytest.skip('this engine has no such part')
    assert answer, f'{fault} passes'
    assert 'allowed inf' not in answer and 'installed' not in answer


@pytest.mark.parametrize('kind', ['fp16', 'int8'])
@pytest.mark.parametrize('task', OWN)
def test_the_faults_of_other_tasks_are_refused(task: str, kind: str, tmp_path: Path) -> None:
    trial = faithful(task, kind, tmp_path, SAMPLE_IMAGES)
    assert is_verified(trial.verification), trial.verification
    answers = faults_of(trial, OWN[task])
    assert set(answers) == set(OWN[task])
    assert all(answers.values()), answers


@pytest.mark.parametrize('content', ['black', 'noise'])
def test_int8_calibrated_on_nothing_is_refused(content: str, tmp_path: Path) -> None:
    folder = tmp_path / 'images'
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(4):
        cv2.imwrite(str(folder / f'{index}.png'), random.integers(
            0, 256 if content == 'noise' else 1, (360, 640, 3), np.uint8))
    with pytest.raises(ConfigurationError, match='show nothing') as caught:
        faithful('detect', 'int8', tmp_path, folder)
    assert caught.value.code == 'calibration_shows_nothing'


def test_every_task_has_a_trained_network() -> None:
    assert set(NETWORKS) == {'detect', *OWN}
