# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A short soak, and what it would find: images that are not accounted for, memory, an exit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
import pytest
from support.models import dense_model, save

from edge_trt_ros.benchmark.soak.ledger import FrameLedger
from edge_trt_ros.benchmark.soak.memory import MemoryCurve
from edge_trt_ros.benchmark.soak.soak import end_problems, soak
from edge_trt_ros.ros.inference.stream_status import ENDINGS
from edge_trt_ros.ros.node.status_messages import OK, status_message


def entry(name: str = 'inference', **values: Any) -> DiagnosticArray:
    """Return a message of /diagnostics with the counts of an input."""
    counts = dict.fromkeys(('received', *ENDINGS), 0) | {'process_rss_mb': 100.0} | values
    return DiagnosticArray(status=[status_message(OK, f'robot/inference: {name}', '',
                                                  values=counts)])


def test_a_short_soak_accounts_for_every_image(tmp_path: Path) -> None:
    found = soak(3, seed=7, onnx_path=save(dense_model(), tmp_path / 'm.onnx'), pause_s=0.02)
    assert found['problems'] == []
    assert found['received'] == sum(found[ending] for ending in ENDINGS)
    assert found['requests'] > 50 and found['inputs_ended'] and found['rss_mb']


def test_the_end_of_a_process(tmp_path: Path) -> None:
    log = tmp_path / 'log'
    log.write_text('[INFO] all is well')
    assert end_problems('node', 0, log) == []
    assert end_problems('node', -11, log) == ['node ended with the exit status -11']
    log.write_text('[INFO] hello\nTraceback (most recent call last):\n')
    assert 'node printed: Traceback' in end_problems('node', 0, log)[0]


def test_counts_of_several_inputs_add_up() -> None:
    ledger = FrameLedger('robot/inference')
    for message in (entry(received=2, published=1), entry(received=9, published=7),
                    entry(received=10, published=8, dropped_at_stop=2, stream='ended'),
                    entry('left', received=3, bad_images=3, stream='ended')):
        ledger.read(message)
    ledger.close()
    assert ledger.problems == [] and ledger.ended == 2
    assert ledger.totals['received'] == 13 and ledger.totals['published'] == 8


@pytest.mark.parametrize('messages, problem', [
    ([entry(received=5, published=4, stream='ended')], '5 images were received, and 4'),
    ([entry(received=5, published=5)], 'the last counts did not arrive'),
    ([entry(received=9, published=9), entry(received=1)], 'fell from 9 to 1'),
    ([entry(received=50, published=9), entry(received=50, published=50, stream='ended')],
     '41 of 50 images are neither published')])
def test_images_that_are_not_accounted_for(messages: list[DiagnosticArray], problem: str) -> None:
    ledger = FrameLedger('robot/inference')
    for message in messages:
        ledger.read(message)
    ledger.close()
    assert ledger.problems and problem in ledger.problems[0]


def test_growth_of_memory_is_that_after_the_warm_up() -> None:
    flat, growing = MemoryCurve(), MemoryCurve()
    for second in range(1000):
        flat.note(float(second), 100.0 if second < 150 else 200.0)
        growing.note(float(second), 100.0 + second / 100)
    assert flat.figures()['rss_growth_percent'] == 0.0
    assert growing.figures()['rss_growth_percent'] == pytest.approx(100 * 8 / 106, rel=0.02)
    assert len(flat.figures()['rss_curve_mb']) <= 101
