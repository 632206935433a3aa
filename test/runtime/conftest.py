# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The engine that the tests on a GPU share."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.gpu import built, manifest_of
from support.models import dense_model

from edge_trt_ros.manifest import EngineManifest


@pytest.fixture(scope='session')
def gpu_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an engine of a small detector for this GPU, built once for all files."""
    return built(dense_model((96, 64)), tmp_path_factory.mktemp('gpu_engine'))


@pytest.fixture(scope='session')
def gpu_manifest(gpu_engine: Path) -> EngineManifest:
    """Return the manifest of that engine."""
    return manifest_of(gpu_engine)
