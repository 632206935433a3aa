# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""`inspect_engine` shows a tensor contract."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys

import onnx
from support.tensor_models import voice_activity_contract, voice_activity_model
import yaml


def run(*arguments: object) -> str:
    found = subprocess.run([sys.executable, '-m', 'edge_trt_ros', *map(str, arguments)],
                           capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_contract_is_built_verified_and_shown(tmp_path: Path) -> None:
    onnx.save(voice_activity_model(), tmp_path / 'm.onnx')
    contract = voice_activity_contract()
    contract['inputs']['input']['max_age_ms'] = 50
    (tmp_path / 'c.yaml').write_text(yaml.safe_dump(contract, sort_keys=False), encoding='utf-8')
    engine = tmp_path / 'm.engine'
    run('build_engine', tmp_path / 'm.onnx', '-o', engine, '--backend', 'onnxruntime',
        '--tensor-contract', tmp_path / 'c.yaml')
    shown = run('inspect_engine', engine)
    for part in ('input float32[1, 512] in 1, from audio, at most 50 ms old',
                 'sr int64[] in Hz, always 16000', 'output float32[1, 1] in probability of speech',
                 'state state float32[2, 1, 128], fed back from stateN'):
        assert part in shown
    assert '"inputs"' not in shown
    assert 'verified' in run('verify_engine', engine)
