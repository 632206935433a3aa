# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fixtures for tests of the Python interface: an engine and an open model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.models import dense_model, save

from edge_trt_ros import build_engine, Model, open_model, Thresholds


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('model')
    build_engine(save(dense_model(), folder / 'm.onnx'), folder / 'm.engine',
                 backend='onnxruntime')
    return folder / 'm.engine'


@pytest.fixture()
def model(engine: Path) -> Iterator[Model]:
    with open_model(engine, thresholds=Thresholds(confidence=0.1)) as opened:
        yield opened
