# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node opens only files in its allowed folders, and engines that are signed by its keys."""

from __future__ import annotations

from pathlib import Path
import shutil
from typing import Any

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from support.graph import Graph

from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.signature import new_key, sign, signature_path

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


@pytest.fixture
def folders(tmp_path: Path, engine: Path) -> tuple[Path, Path]:
    """Return a folder with an engine that is allowed, and one outside of it with another."""
    inside, outside = tmp_path / 'inside', tmp_path / 'outside'
    for folder in (inside, outside):
        folder.mkdir()
        for path in (engine, manifest_path(engine)):
            shutil.copy(path, folder / path.name)
    return inside, outside


def refused(node: InferenceNode, sentence: str) -> None:
    assert node.trigger_configure() == FAILURE
    assert sentence in node._configure_problem


def test_engines_in_an_allowed_folder_run(ros: Graph, folders: tuple[Path, Path]) -> None:
    inside, _ = folders
    node = ros.add(InferenceNode, engine_file_path=str(inside / 'tiny.engine'),
                   allowed_folders=[str(inside.parent / 'a'), str(inside)])
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    ros.answer()


@pytest.mark.parametrize('path', ['../outside/tiny.engine', 'link/tiny.engine', 'alias.engine',
                                  '/etc/passwd'])
def test_engines_outside_are_refused(ros: Graph, folders: tuple[Path, Path], path: str
                                     ) -> None:
    inside, outside = folders
    (inside / 'link').symlink_to(outside)
    (inside / 'alias.engine').symlink_to(outside / 'tiny.engine')
    node = ros.add(InferenceNode, engine_file_path=str(inside / path),
                   allowed_folders=[str(inside)])
    refused(node, '[path_outside]')


def test_a_manifest_that_is_a_link_to_the_outside_is_refused(
        ros: Graph, folders: tuple[Path, Path]) -> None:
    inside, outside = folders
    manifest = manifest_path(inside / 'tiny.engine')
    manifest.unlink()
    manifest.symlink_to(manifest_path(outside / 'tiny.engine'))
    node = ros.add(InferenceNode, engine_file_path=str(inside / 'tiny.engine'),
                   allowed_folders=[str(inside)])
    refused(node, 'the manifest of engine_file_path leads to')


@pytest.mark.parametrize('name', ['server_token_file_path', 'server_certificate_file_path',
                                  'fallback_engine_file_path'])
def test_other_files_outside_are_refused(ros: Graph, folders: tuple[Path, Path], name: str
                                         ) -> None:
    inside, _ = folders
    node = ros.add(InferenceNode, engine_file_path=str(inside / 'tiny.engine'), backend='kserve',
                   server_url='grpcs://localhost:1', server_model='m',
                   allowed_folders=[str(inside)], **{name: '/etc/hostname'})
    refused(node, f'{name} leads to /etc/hostname')


def test_a_link_that_turns_outside_is_refused_by_reload(
        ros: Graph, folders: tuple[Path, Path]) -> None:
    inside, outside = folders
    link = inside / 'now'
    (inside / 'good').mkdir()
    for path in (inside / 'tiny.engine', manifest_path(inside / 'tiny.engine')):
        shutil.copy(path, inside / 'good')
    link.symlink_to(inside / 'good')
    node = ros.add(InferenceNode, engine_file_path=str(link / 'tiny.engine'),
                   allowed_folders=[str(inside)])
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    link.unlink()
    link.symlink_to(outside)
    answer = ros.call(Trigger, 'inference/reload')
    assert not answer.success and 'path_outside' in answer.message
    ros.answer()  # with the old engine


@pytest.mark.parametrize('name, value', [
    ('allowed_folders', ['/']), ('allowed_folders', []), ('public_key_file_path', '')])
def test_no_call_lifts_the_limits(ros: Graph, folders: tuple[Path, Path], name: str, value: Any
                                  ) -> None:
    inside, _ = folders
    node = ros.add(InferenceNode, allowed_folders=[str(inside)], public_key_file_path='/no/key')
    result = node.set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful and 'when the node starts' in result.reason
    assert node.get_parameter('allowed_folders').value == [str(inside)]


def test_an_invalid_limit_allows_nothing(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine), allowed_folders='/a')
    refused(node, 'allowed_folders')


def sign_it(engine: Path, key: Path) -> None:
    sign(manifest_path(engine).read_bytes(), engine, key)


def test_only_signed_engines_run_and_reload(ros: Graph, engine: Path, tmp_path: Path) -> None:
    pytest.importorskip('cryptography', reason='signatures need cryptography')
    public = new_key(tmp_path / 'robot.pem')
    node = ros.add(InferenceNode, engine_file_path=str(engine), confidence_threshold=0.1,
                   public_key_file_path=str(public))
    refused(node, '[signature_missing]')
    sign_it(engine, tmp_path / 'robot.pem')
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    ros.answer()
    assert ros.call(Trigger, 'inference/reload').success
    new_key(tmp_path / 'stranger.pem')
    sign_it(engine, tmp_path / 'stranger.pem')
    answer = ros.call(Trigger, 'inference/reload')
    assert not answer.success and '[signature_wrong]' in answer.message
    ros.answer()  # with the old engine
    signature_path(engine).unlink()
    assert '[signature_missing]' in ros.call(Trigger, 'inference/reload').message


def test_a_served_model_needs_a_signed_manifest_here(ros: Graph, engine: Path, tmp_path: Path
                                                     ) -> None:
    pytest.importorskip('cryptography', reason='signatures need cryptography')
    public = new_key(tmp_path / 'robot.pem')
    node = ros.add(InferenceNode, backend='kserve', server_url='grpc://localhost:1',
                   server_model='m', public_key_file_path=str(public))
    refused(node, 'the model m on the server has no signature')
    node.set_parameters([Parameter('engine_file_path', value=str(engine))])
    refused(node, 'tiny.engine is not signed')
