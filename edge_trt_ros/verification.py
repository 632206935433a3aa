# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
What the verification in a manifest says, in words.

An engine is called verified only if its results were compared with those of its ONNX on samples
on which the network sees something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERIFIED, NOTHING_SEEN, NOT_COMPARED = 'verified', 'nothing_detected', 'not_compared'
# Key of the verification: False if this machine could compare only the graph that the engine is
# built from, because it has no GPU that runs the engine.
ENGINE_RAN = 'engine_ran'
# Key of the verification: the device that a later comparison ran on.
DEVICE = 'device'


def is_verified(verification: Mapping[str, Any]) -> bool:
    """Return whether an engine was compared on samples that show something."""
    return verification.get('status') == VERIFIED


def sentence(verification: Mapping[str, Any]) -> str:
    """Return the outcome of a verification as a clause, for an answer or a log."""
    status, count = verification.get('status'), verification.get('frames', 0)
    by, agreement = verification.get('by', ''), verification.get('agreement', '')
    if status is None and count:
        return f'compared on {count} samples by an older edge_trt_ros, which counted noise'
    if status == NOTHING_SEEN:
        return f'outputs agree, nothing was detected on {count} samples ({by})'
    if status != VERIFIED:
        return 'not compared with its ONNX'
    if not verification.get(ENGINE_RAN, True):
        return (f'its graph is verified by {by} on {count} samples ({agreement}); the engine '
                'itself has not run, because this machine has no GPU for it')
    where = f'on {verification[DEVICE]}, ' if DEVICE in verification else ''
    return f'verified by {by} {where}on {count} samples ({agreement})'


def warning(verification: Mapping[str, Any]) -> str:
    """Return why an engine needs attention and what to do about it; '' if it does not."""
    status, contract = verification.get('status'), verification.get('other_contract', '')
    if status == NOTHING_SEEN:
        tried = f'; {contract}' if contract else ''
        return (f'{sentence(verification)}: give images that show what the network detects as '
                f'verification{tried}')
    if status != VERIFIED:
        return (f'{sentence(verification)}: compare it with `ros2 run edge_trt_ros verify_engine '
                'ENGINE --onnx MODEL.onnx`')
    if not verification.get(ENGINE_RAN, True):
        return (f'{sentence(verification)}: run `ros2 run edge_trt_ros verify_engine ENGINE` on '
                'the robot, or set verify_on_configure of the inference node')
    if contract:
        return f'it detects objects where there are none; {contract}'
    return str(verification.get('assumed', ''))
