# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The benchmark measures networks of any tensors on random values."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from support.tensor_models import (policy_contract, policy_model, voice_activity_contract,
                                   voice_activity_model)

from edge_trt_ros import build_engine
from edge_trt_ros.benchmark.engine_times import measure_engine


@pytest.mark.parametrize(('model', 'contract'), [
    (voice_activity_model(), voice_activity_contract()), (policy_model(), policy_contract())])
def test_tensors_are_measured(model: onnx.ModelProto, contract: dict[str, object], tmp_path: Path
                              ) -> None:
    onnx.save(model, tmp_path / 'm.onnx')
    build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', backend='onnxruntime',
                 tensor_contract=contract)
    found = measure_engine(tmp_path / 'm.engine', 'auto', (64, 48), 5)
    assert found['stages_ms']['network']['p50'] > 0 and found['detections_per_frame'] == 0
    assert found['frames_per_second_2_in_flight'] > 0
