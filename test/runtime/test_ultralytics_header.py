# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The header of Ultralytics engines, and bytes that are not a header."""

from __future__ import annotations

import json

from hypothesis import given, strategies
import pytest

from edge_trt_ros.runtime.tensorrt.ultralytics_header import header_of, plan_of

PLAN = b'ftrt' + bytes(range(256)) * 4


def with_header(header: bytes) -> bytes:
    return len(header).to_bytes(4, 'little') + header + PLAN


def test_header_is_read_and_skipped() -> None:
    header = {'names': {'0': 'car'}, 'task': 'detect', 'imgsz': [640, 640]}
    engine = with_header(json.dumps(header).encode())
    assert header_of(engine) == header
    assert plan_of(engine) == PLAN


@pytest.mark.parametrize('header', [
    b'', b'no json', b'[1, 2]', b'"text"', b'\xff\xfe', b'[' * 100_000, b'{"a": 1'])
def test_invalid_header_is_part_of_the_plan(header: bytes) -> None:
    engine = with_header(header)
    assert header_of(engine) == {} and plan_of(engine) == engine


def test_length_beyond_the_end_of_the_file() -> None:
    engine = (1 << 31).to_bytes(4, 'little') + b'{}'
    assert plan_of(engine) == engine and header_of(engine) == {}


@given(strategies.binary(max_size=64))
def test_arbitrary_bytes(engine: bytes) -> None:
    assert isinstance(header_of(engine), dict) and engine.endswith(plan_of(engine))
