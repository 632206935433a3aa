# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Signatures of manifests: keys, what they cover, rotation, and what they do not cover."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
from pathlib import Path
import shutil
import stat
import subprocess
import sys
from typing import Any

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.store import install
from edge_trt_ros.engine_file import next_manifest_path, read_engine
from edge_trt_ros.errors import ConfigurationError, EdgeTrtError, ManifestError
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.opening import open_network
from edge_trt_ros.signature import new_key, read_public_keys, sign, signature_path

pytest.importorskip('cryptography', reason='signatures need cryptography')


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    path = tmp_path / 'm.engine'
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), path, BuildOptions())
    return path


@pytest.fixture
def signed(engine: Path) -> Path:
    """Return an engine that `key.pem` in its folder has signed."""
    new_key(engine.with_name('key.pem'))
    sign_with(engine, 'key.pem')
    return engine


def sign_with(engine: Path, key: str) -> str:
    return sign(manifest_path(engine).read_bytes(), engine, engine.with_name(key))


def opened(engine: Path, *keys: str) -> None:
    """Open an engine where the public keys of some files are configured."""
    ring = engine.with_name('ring.pem')
    ring.write_text(''.join(engine.with_name(name).read_text()
                            for name in keys or ['key.pub.pem']))
    with open_network(engine, keys=read_public_keys(ring)).runtime:
        pass


def run(*arguments: object, status: int = 0) -> tuple[str, str]:
    done = subprocess.run([sys.executable, '-m', 'edge_trt_ros', 'sign_engine',
                           *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def test_a_signed_engine_is_opened(signed: Path) -> None:
    opened(signed)
    with open_network(signed).runtime:  # a signature does no harm without a key
        pass


def test_an_unsigned_engine_is_refused(engine: Path) -> None:
    new_key(engine.with_name('key.pem'))
    with pytest.raises(ManifestError, match='is not signed.*sign_engine ENGINE --key') as caught:
        opened(engine)
    assert caught.value.code == 'signature_missing'


def test_an_onnx_file_is_refused(signed: Path) -> None:
    with pytest.raises(ManifestError, match='is an ONNX file') as caught:
        opened(signed.with_name('m.onnx'))
    assert caught.value.code == 'signature_missing'


def change_labels(engine: Path) -> None:
    document = json.loads(manifest_path(engine).read_text())
    manifest_path(engine).write_text(json.dumps({**document, 'labels': ['a', 'b', 'c']}))


def truncate(engine: Path) -> None:
    signature_path(engine).write_bytes(signature_path(engine).read_bytes()[:-1])


def flip(engine: Path) -> None:
    data = bytearray(signature_path(engine).read_bytes())
    data[5] ^= 1
    signature_path(engine).write_bytes(data)


@pytest.mark.parametrize('harm', [change_labels, truncate, flip, lambda engine: signature_path(
    engine).write_bytes(b''), lambda engine: manifest_path(engine).write_bytes(b'{')],
    ids=['labels', 'short', 'flipped', 'empty', 'not_a_manifest'])
def test_a_changed_manifest_or_signature_is_refused(
        signed: Path, harm: Callable[[Path], None]) -> None:
    harm(signed)
    with pytest.raises(ManifestError, match='changed after signing') as caught:
        opened(signed)
    assert caught.value.code == 'signature_wrong'


def test_the_signature_covers_the_engine(signed: Path) -> None:
    data = bytearray(signed.read_bytes())
    data[-1] ^= 1
    signed.write_bytes(data)
    with pytest.raises(ManifestError, match='the file is damaged or of another build'):
        opened(signed)


def test_another_key_is_refused(signed: Path) -> None:
    new_key(signed.with_name('other.pem'))
    with pytest.raises(ManifestError, match='another key signed it') as caught:
        opened(signed, 'other.pub.pem')
    assert caught.value.code == 'signature_wrong'


def test_rotation_both_keys_then_only_the_new_one(signed: Path) -> None:
    new_key(signed.with_name('new.pem'))
    opened(signed, 'key.pub.pem', 'new.pub.pem')
    sign_with(signed, 'new.pem')
    opened(signed, 'key.pub.pem', 'new.pub.pem')
    opened(signed, 'new.pub.pem')
    with pytest.raises(ManifestError):
        opened(signed, 'key.pub.pem')


def test_rollback_an_older_signed_engine_is_accepted(signed: Path, tmp_path: Path) -> None:
    old = [(path, path.read_bytes()) for path in (
        signed, manifest_path(signed), signature_path(signed))]
    build_engine(tmp_path / 'm.onnx', signed, BuildOptions(max_candidates=50))
    with pytest.raises(ManifestError):
        opened(signed)  # the signature is still that of the old manifest
    sign_with(signed, 'key.pem')
    opened(signed)
    for path, data in old:
        path.write_bytes(data)
    opened(signed)  # a signature says who, not when


def test_an_interrupted_installation_needs_the_signature_of_its_manifest(signed: Path) -> None:
    data, manifest = read_engine(signed)
    next_manifest_path(signed).write_bytes(manifest_path(signed).read_bytes())
    manifest_path(signed).write_text('{}')
    opened(signed)
    install(signed, data, manifest)
    opened(signed)


def test_private_keys_are_only_for_their_owner_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / 'keys' / 'robot.pem'
    assert new_key(path) == tmp_path / 'keys' / 'robot.pub.pem'
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match='exists'):
        new_key(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize('content, problem', [
    (b'', 'contains no public key'),
    (b'-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'cannot be read')])
def test_files_without_a_public_key(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / 'keys.pem').write_bytes(content)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        read_public_keys(tmp_path / 'keys.pem')
    assert caught.value.code == 'signature_key'


def test_a_missing_key_file_and_a_public_key_that_should_sign(signed: Path) -> None:
    with pytest.raises(ConfigurationError, match='No such file'):
        read_public_keys(signed.with_name('nothing.pem'))
    with pytest.raises(ConfigurationError, match='is no private key') as caught:
        sign_with(signed, 'key.pub.pem')
    assert caught.value.code == 'signature_key'


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    (tmp_path / 'ec.pem').write_bytes(
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(ConfigurationError, match='expected Ed25519PublicKey'):
        read_public_keys(tmp_path / 'ec.pem')


def test_the_command_makes_keys_signs_and_checks(engine: Path) -> None:
    key = engine.with_name('robot.pem')
    public = json.loads(run('--new-key', key)[0])['public_key']
    assert 'signature_missing' in run(engine, '--check', public, status=1)[1]
    by = json.loads(run(engine, '--key', key)[0])['signed_by']
    found: dict[str, Any] = json.loads(run(engine, '--check', public)[0])
    assert found['signed_by'] == by and found['signature'] == f'{engine}.json.sig'
    assert run('--check', public, status=2)[1] and run(engine, '--new-key', key, status=2)[1]
    engine.write_bytes(b'another')
    assert '[manifest]' in run(engine, '--key', key, status=1)[1]  # signs no damaged engine


@pytest.mark.skipif(not shutil.which('openssl'), reason='openssl is not installed')
def test_openssl_signs_too(engine: Path) -> None:
    def openssl(*arguments: str) -> bool:
        return subprocess.run(['openssl', *arguments], cwd=engine.parent,
                              capture_output=True).returncode == 0
    if not openssl('genpkey', '-algorithm', 'ed25519', '-out', 'key.pem'):
        pytest.skip('this openssl has no Ed25519')
    assert openssl('pkey', '-in', 'key.pem', '-pubout', '-out', 'key.pub.pem')
    assert openssl('pkeyutl', '-sign', '-rawin', '-inkey', 'key.pem', '-in', 'm.engine.json',
                   '-out', 'm.engine.json.sig')
    opened(engine)


def test_without_the_library_a_configured_key_refuses_every_engine(
        signed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cryptography.hazmat.primitives.serialization', None)
    with pytest.raises(EdgeTrtError, match='pip install') as caught:
        opened(signed)
    assert caught.value.code == 'cryptography_missing'
