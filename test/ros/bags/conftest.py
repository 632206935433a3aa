# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An engine for the tests of bags."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions

pytest.importorskip('rosbags', reason='bags are read and written through rosbags')


@pytest.fixture(scope='session')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('bags')
    build_engine(save(dense_model(), folder / 'm.onnx'), folder / 'm.engine', BuildOptions())
    return folder / 'm.engine'
