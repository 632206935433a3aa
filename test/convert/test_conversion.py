"""From ONNX to an installed engine: fused like unfused, fresh or stale, whole or not at all."""

from __future__ import annotations

from dataclasses import fields, replace
import multiprocessing
import os
from pathlib import Path
import signal
import time
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from support.frames import noise_frame
from support.models import anchors_model, dense_model, end_to_end_model, save

from edge_trt_ros.convert import build as conversion
from edge_trt_ros.convert.build import build_engine, convert, open_model
from edge_trt_ros.convert.build_job import BuildJob, BuildOutcome
from edge_trt_ros.convert.labels import labels_from_file
from edge_trt_ros.convert.options import ConversionRecipe, shape_from_text
from edge_trt_ros.convert.store import install, locked, why_stale
from edge_trt_ros.engine_file import next_manifest_path, read_engine
from edge_trt_ros.errors import BuildCanceledError, BuildError, ConfigurationError, ModelError
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.runtime.host_preprocess import HostPreprocess
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.vision.decoders import HEADS
from edge_trt_ros.vision.postprocess import Thresholds

RECIPE = ConversionRecipe()


def leftovers(folder: Path) -> list[str]:
    """Return what a build must not leave behind."""
    return [path.name for path in folder.iterdir()
            if path.name.startswith('.') or path.name.endswith('.next')]


@pytest.mark.parametrize('model, head', [
    (dense_model((96, 64)), 'candidates'),
    (dense_model((64, 64), classes=1), 'candidates'),
    (dense_model((64, 64), classes=1200), 'candidates'),
    (dense_model((64, 64), opset=13), 'candidates'),
    (anchors_model(), 'candidates'),
    (anchors_model((96, 64), classes=1), 'candidates'),
    (end_to_end_model(), 'candidates_final'),
])
def test_fused_like_unfused(tmp_path: Path, model: object, head: str) -> None:
    path = save(model, tmp_path / 'm.onnx')  # type: ignore[arg-type]
    built = convert(path, RECIPE)
    assert built.manifest.head == head
    build_engine(path, tmp_path / 'm.engine', RECIPE)
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    thresholds = Thresholds(confidence=0.3)
    preprocess = HostPreprocess(built.manifest.input_contract)
    with open_model(tmp_path / 'm.engine').runtime as runtime:
        for seed in range(5):
            frame = noise_frame((150 + seed, 91), seed)
            tensor = np.empty(built.manifest.inputs[0].shape, np.float32)
            letterbox = preprocess.fit(frame)
            preprocess.fill(frame, letterbox, tensor)
            raw = {'output0': session.run(None, {'images': tensor})[0]}
            expected = HEADS[built.manifest.source_head](raw, letterbox, thresholds)
            found, _ = detect(runtime, frame, thresholds)
            assert len(expected) == len(found)
            np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
            np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
            np.testing.assert_array_equal(found.class_ids, expected.class_ids)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    assert convert(path, RECIPE).engine == convert(path, RECIPE).engine


def test_fresh_and_stale(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'sub' / 'm.engine'
    _, reason = build_engine(path, engine, RECIPE)
    assert reason == 'there was no engine yet'
    before = engine.stat().st_mtime_ns
    manifest, reason = build_engine(path, engine, RECIPE)
    assert (reason, engine.stat().st_mtime_ns) == ('', before)
    assert build_engine(path, engine, RECIPE, force=True)[1] == 'asked for'
    fewer = ConversionRecipe(max_candidates=10)
    assert 'max_candidates is 1000 in the engine and 10 now' in why_stale(engine, path, fewer)
    save(dense_model(weight=3.0), path)
    assert 'has changed' in why_stale(engine, path, RECIPE)
    engine.write_bytes(engine.read_bytes()[:-1])
    assert 'truncated' in why_stale(engine, path, RECIPE)
    assert build_engine(path, engine, RECIPE)[0].engine_sha256 != manifest.engine_sha256
    assert leftovers(engine.parent) == []


def test_a_failed_build_leaves_the_old_engine(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, RECIPE)
    old = read_engine(engine)
    path.write_bytes(b'garbage')
    with pytest.raises(ModelError):
        build_engine(path, engine, RECIPE)
    assert read_engine(engine) == old and leftovers(tmp_path) == []


def test_a_network_of_nan_is_not_installed(tmp_path: Path) -> None:
    model = dense_model()
    sigmoid = next(node for node in model.graph.node if node.op_type == 'Sigmoid')
    sigmoid.op_type = 'Log'  # of what is negative, too
    path = save(model, tmp_path / 'm.onnx')
    with pytest.raises(BuildError, match='not fit for use'):
        build_engine(path, tmp_path / 'm.engine', RECIPE)
    assert not (tmp_path / 'm.engine').exists()


def test_an_engine_that_differs_is_not_installed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    other = save(dense_model(weight=3.5), tmp_path / 'other.onnx')
    fuse = conversion.fuse
    monkeypatch.setattr(conversion, 'fuse', lambda checked, head, kept: fuse(
        conversion.check_onnx(other), head, kept))
    with pytest.raises(BuildError, match='not installed'):
        build_engine(path, tmp_path / 'm.engine', RECIPE)


def test_the_engine_never_replaces_its_onnx(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    with pytest.raises(BuildError, match='is the ONNX file itself'):
        build_engine(path, path, RECIPE)


def test_two_builders_of_one_engine(tmp_path: Path) -> None:
    engine = tmp_path / 'm.engine'
    with locked(engine):
        with pytest.raises(BuildError, match=rf'built by process {os.getpid()} for \d+ s'):
            with locked(engine):
                pass
    with locked(engine):
        pass
    assert leftovers(tmp_path) == []


def test_read_only_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')

    def read_only(*arguments: object) -> int:
        raise OSError(30, 'Read-only file system')
    monkeypatch.setattr(os, 'open', read_only)
    with pytest.raises(BuildError, match='Read-only file system'):
        build_engine(path, tmp_path / 'm.engine', RECIPE)


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    with pytest.raises(BuildError, match='cannot be written'):
        build_engine(path, path / 'm.engine', RECIPE)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, RECIPE)
    old = read_engine(engine)

    def full(descriptor: int) -> None:
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(BuildError, match='No space left'):
        build_engine(path, engine, ConversionRecipe(max_candidates=5))
    monkeypatch.undo()
    assert read_engine(engine) == old and leftovers(tmp_path) == []


def test_a_disk_that_will_not_suffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    nearly_full = SimpleNamespace(free=path.stat().st_size)
    monkeypatch.setattr('shutil.disk_usage', lambda folder: nearly_full)
    with pytest.raises(BuildError, match='MB left, but the engine may take'):
        build_engine(path, engine, RECIPE)
    assert not engine.exists() and leftovers(tmp_path) == []


def test_weights_beside_the_onnx_take_room_too(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'm.onnx'
    onnx.save(dense_model(classes=200), str(path), save_as_external_data=True,
              location='m.weights', size_threshold=0)
    weights = (tmp_path / 'm.weights').stat().st_size
    monkeypatch.setattr('shutil.disk_usage', lambda folder: SimpleNamespace(
        free=2 * path.stat().st_size + weights))
    with pytest.raises(BuildError, match='MB left, but the engine may take'):
        build_engine(path, tmp_path / 'm.engine', RECIPE)


def test_an_installation_stopped_anywhere_is_whole(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, RECIPE)
    old = read_engine(engine)
    built = convert(path, ConversionRecipe(max_candidates=7))
    new = (built.engine, built.manifest)
    replace, seen = os.replace, []

    class Stopped(BaseException):
        pass
    for stop_at in range(4):
        manifest_path(engine).write_text(old[1].to_json())
        engine.write_bytes(old[0])
        calls = iter(range(10))

        def stopping(source: Path, target: Path) -> None:
            if next(calls) == stop_at:
                raise Stopped
            replace(source, target)
        monkeypatch.setattr(os, 'replace', stopping)
        try:
            install(engine, *new)
        except Stopped:
            pass
        monkeypatch.setattr(os, 'replace', replace)
        assert read_engine(engine) in (old, new)
        with locked(engine):  # the next builder sweeps
            assert not next_manifest_path(engine).exists()
        assert read_engine(engine) in (old, new) and leftovers(tmp_path) == []
        seen.append(read_engine(engine) == new)
    assert seen == [False, False, True, True]


def test_build_in_a_child(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    outcome = wait(BuildJob(path, engine, RECIPE, force=False))
    assert outcome.manifest == read_engine(engine)[1]
    assert 'built in' in outcome.sentence() and 'fp32' in outcome.sentence()
    path.write_bytes(b'garbage')
    with pytest.raises(BuildError, match='not an ONNX file'):
        wait(BuildJob(path, engine, RECIPE, force=True))


def test_a_build_that_takes_too_much_memory(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    wait(BuildJob(path, engine, RECIPE, force=False, memory_limit_mb=8192))
    old = read_engine(engine)
    with pytest.raises(BuildError, match='within the 1 MiB of memory_limit_mb'):
        wait(BuildJob(path, engine, RECIPE, force=True, memory_limit_mb=1))
    assert read_engine(engine) == old and leftovers(tmp_path) == []


def test_a_build_that_hangs_can_be_canceled(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    job = BuildJob(path, engine, RECIPE, force=True)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGSTOP)  # deaf to all but SIGKILL, as in a driver's call
    asked = time.monotonic()
    job.cancel()
    with pytest.raises(BuildCanceledError):
        wait(job)
    assert time.monotonic() - asked < 2.0 and leftovers(tmp_path) == []


@pytest.mark.parametrize('how', ['cancel', 'kill'])
def test_a_build_stopped_half_way(tmp_path: Path, how: str) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, RECIPE)
    old = read_engine(engine)
    job = BuildJob(path, engine, RECIPE, force=True)
    deadline = time.monotonic() + 30
    while job.phase == 'starting' and time.monotonic() < deadline:
        assert job.poll() is None
    if how == 'cancel':
        job.cancel()
    else:
        for child in multiprocessing.active_children():
            child.kill()
    with pytest.raises(BuildCanceledError if how == 'cancel' else BuildError,
                       match='canceled' if how == 'cancel' else 'SIGKILL'):
        wait(job)
    assert read_engine(engine) == old and leftovers(tmp_path) == []
    assert wait(BuildJob(path, engine, RECIPE, force=True)).reason == 'asked for'


def test_a_builder_killed_at_random_moments(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    recipes = [ConversionRecipe(max_candidates=count) for count in (5, 6)]
    build_engine(path, engine, recipes[0])
    random, ended = np.random.default_rng(0), 0
    for round_number in range(20):
        child = multiprocessing.get_context('fork').Process(
            target=build_engine, args=(path, engine, recipes[round_number % 2]),
            kwargs={'force': True})
        child.start()
        child.join(float(random.uniform(0.0, 0.25)))
        ended += not child.is_alive()
        child.kill()
        child.join()
        data, manifest = read_engine(engine)
        assert manifest.recipe['max_candidates'] in (5, 6)
        assert data == convert(path, recipes[manifest.recipe['max_candidates'] - 5]).engine
    assert ended < 20
    for recipe in recipes:
        build_engine(path, engine, recipe)
        assert read_engine(engine)[1].recipe['max_candidates'] == recipe.max_candidates
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize('values, match', [
    ({'precision': 'int7'}, 'precision'), ({'backend': 'magic'}, 'backend'),
    ({'max_candidates': 0}, 'max_candidates'), ({'max_candidates': 3841}, 'max_candidates'),
    ({'input_shape': (1, 3, 64)}, 'input_shape'), ({'input_shape': (2, 3, 64, 64)}, 'input_shape'),
])
def test_recipes_that_cannot_be(values: dict[str, object], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        ConversionRecipe(**values)  # type: ignore[arg-type]


def test_cache_key_changes_with_every_field() -> None:
    other: dict[str, object] = {
        'backend': 'onnxruntime', 'precision': 'fp16', 'input_shape': (1, 3, 64, 64),
        'max_candidates': 7, 'labels': ('x',), 'workspace_mb': 5, 'sparsity': True,
        'compute_capabilities': ('8.6',), 'hardware_compatible': True,
        'version_compatible': True, 'calibration': 'a', 'calibration_topic': '/a',
        'calibration_images': 3, 'calibration_method': 'min_max', 'max_accuracy_drop': 0.5,
        'task': 'segment', 'dla': True, 'anchors_wh': (1.0, 2.0), 'input_contract': '{}'}
    assert set(other) == {field.name for field in fields(ConversionRecipe)}
    recipes = [RECIPE, *(replace(RECIPE, **{name: value}) for name, value in other.items())]
    keys = {recipe.cache_key('onnx', 'images', 'library 1', 'gpu') for recipe in recipes}
    keys |= {RECIPE.cache_key(*changed) for changed in (
        ('other', 'images', 'library 1', 'gpu'), ('onnx', 'others', 'library 1', 'gpu'),
        ('onnx', 'images', 'library 2', 'gpu'), ('onnx', 'images', 'library 1', ''))}
    assert len(keys) == len(other) + 5


def test_shapes_and_labels_from_text(tmp_path: Path) -> None:
    assert shape_from_text('') == () and shape_from_text('1x3x64x96') == (1, 3, 64, 96)
    with pytest.raises(ConfigurationError, match='1x3x640x640'):
        shape_from_text('1,3,64,64')
    labels = tmp_path / 'labels.txt'
    labels.write_text('car\ntruck\n\n')
    assert labels_from_file(str(labels)) == ('car', 'truck') and labels_from_file('') == ()
    labels.write_text('car\n\ntruck\n')
    with pytest.raises(ConfigurationError, match='an empty one between'):
        labels_from_file(str(labels))
    with pytest.raises(ConfigurationError, match='cannot be read'):
        labels_from_file(str(tmp_path / 'none.txt'))


@pytest.mark.parametrize('text, labels', [
    ('names: [car, truck]', ('car', 'truck')), ('nc: 2\nnames: {1: truck, 0: car}',
                                                ('car', 'truck')),
    ('- car\n- 7\n', ('car', '7')), ('names: {0: car, 2: truck}', ()), ('nc: 2', ()),
    ('names: [car', ()), ('', ())])
def test_labels_from_yaml(tmp_path: Path, text: str, labels: tuple[str, ...]) -> None:
    (tmp_path / 'data.yaml').write_text(text)
    if labels:
        assert labels_from_file(str(tmp_path / 'data.yaml')) == labels
        return
    with pytest.raises(ConfigurationError, match='holds no labels|cannot be read'):
        labels_from_file(str(tmp_path / 'data.yaml'))


def wait(job: BuildJob) -> BuildOutcome:
    """Poll a job until it ends."""
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            outcome = job.poll()
            if outcome is not None:
                return outcome
            time.sleep(0.01)
        raise TimeoutError('the build did not end')
    finally:
        job.close()
