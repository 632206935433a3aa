# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Signatures of manifests: 64 bytes of Ed25519 in `<engine>.json.sig`.

The signature covers the bytes of the manifest, which contains the hash of the engine and the
tokenizer, so it covers everything that is loaded. It is checked before the manifest is parsed.
`openssl pkeyutl -sign -rawin` writes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
import os
from pathlib import Path
import re
from typing import Any

from edge_trt_ros.errors import ConfigurationError, first_line, ManifestError
from edge_trt_ros.files import read_file, sha256_hex, write_file
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.optional_libraries import require

SIGN = 'sign it with `ros2 run edge_trt_ros sign_engine ENGINE --key KEY.pem`'
_MAX_KEY_BYTES = 1 << 20
_SIGNATURE_BYTES = 64
_PEM = re.compile(rb'-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----', re.DOTALL)
_PURPOSE = 'the signature of an engine'


@dataclass(frozen=True)
class PublicKeys:
    """
    The keys of those who may sign engines.

    :param path: the file that contains them.
    :param keys: the key objects of `cryptography`, by their fingerprints.
    """

    path: Path
    keys: dict[str, Any]

    def check(self, manifest: bytes, engine_path: Path) -> str:
        """
        Reject a manifest that no key has signed.

        :param manifest: the bytes of the manifest.
        :param engine_path: the engine; the signature is a file next to it.
        :returns: the fingerprint of the key that signed it.
        :raises ManifestError: if there is no signature, or none of the keys made it.
        """
        path = signature_path(engine_path)
        try:
            signature = read_file(path, 1024)
        except FileNotFoundError:
            raise ManifestError(
                f'{engine_path} is not signed (there is no {path.name} in its folder), and only '
                f'engines signed by a key in {self.path} are used: {SIGN}',
                code='signature_missing') from None
        except OSError as error:
            raise ManifestError(f'{path} cannot be read: {error.strerror}',
                                code='signature_missing') from error
        for fingerprint, key in self.keys.items():
            if len(signature) == _SIGNATURE_BYTES and _is_of(key, signature, manifest):
                return fingerprint
        raise ManifestError(
            f'{path} is not a signature of {manifest_path(engine_path).name} by one of the keys '
            f"in {self.path} ({', '.join(self.keys)}): the engine was replaced or its manifest "
            f'changed after signing, or another key signed it; if you trust it, {SIGN}',
            code='signature_wrong')


def signature_path(engine_path: Path) -> Path:
    """Return the path of an engine's signature: the manifest's path with `.sig` appended."""
    path = manifest_path(engine_path)
    return path.with_name(path.name + '.sig')


def read_public_keys(path: Path) -> PublicKeys:
    """
    Read a PEM file with one or more Ed25519 public keys.

    :raises ConfigurationError: if it cannot be read or contains another kind of key.
    :raises MissingLibraryError: if `cryptography` is not installed.
    """
    serialization = require('cryptography.hazmat.primitives.serialization', _PURPOSE)
    blocks = _PEM.findall(_read_key(path))
    if not blocks:
        raise ConfigurationError(f'{path} contains no public key: give the file that '
                                 '`sign_engine --new-key` wrote, *.pub.pem',
                                 code='signature_key')
    try:
        keys = [serialization.load_pem_public_key(block) for block in blocks]
    except Exception as error:  # `cryptography` raises several classes
        raise ConfigurationError(f'a public key in {path} cannot be read: {first_line(error)}',
                                 code='signature_key') from error
    _check_kind(keys, _ed25519().Ed25519PublicKey, path)
    return PublicKeys(path, {fingerprint(key): key for key in keys})


def new_key(path: Path) -> Path:
    """
    Write a new private key, readable only for its owner, and its public key.

    :param path: file of the private key, `*.pem`.
    :returns: file of the public key, `*.pub.pem`.
    :raises ConfigurationError: if one of the files exists.
    :raises MissingLibraryError: if `cryptography` is not installed.
    """
    serialization = require('cryptography.hazmat.primitives.serialization', _PURPOSE)
    public_path = path.with_suffix('.pub.pem')
    for found in filter(Path.exists, (path, public_path)):
        raise ConfigurationError(f'{found} exists: choose another name, since engines that are '
                                 'signed with the old key could not be signed again',
                                 code='signature_key')
    key = _ed25519().Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, 'wb') as file:
        file.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
    write_file(public_path, key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return public_path


def sign(manifest: bytes, engine_path: Path, key_path: Path) -> str:
    """
    Write the signature of an engine.

    :param manifest: the bytes of its manifest.
    :param engine_path: the engine.
    :param key_path: PEM file with the private key, without a password.
    :returns: the fingerprint of the key.
    :raises ConfigurationError: if the key cannot be read.
    :raises MissingLibraryError: if `cryptography` is not installed.
    """
    serialization = require('cryptography.hazmat.primitives.serialization', _PURPOSE)
    try:
        key = serialization.load_pem_private_key(_read_key(key_path), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f'{key_path} is no private key without a password: {first_line(error)}; give the file '
            'that `sign_engine --new-key` wrote', code='signature_key') from error
    _check_kind([key], _ed25519().Ed25519PrivateKey, key_path)
    write_file(signature_path(engine_path), key.sign(manifest))
    return fingerprint(key.public_key())


def fingerprint(key: Any) -> str:
    """Return the first 16 digits of the SHA-256 of a public key."""
    serialization = require('cryptography.hazmat.primitives.serialization', _PURPOSE)
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return sha256_hex(raw)[:16]


def _is_of(key: Any, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True


def _check_kind(keys: list[Any], kind: type, path: Path) -> None:
    for key in keys:
        if not isinstance(key, kind):
            raise ConfigurationError(f'{path} contains a {type(key).__name__}, expected '
                                     f'{kind.__name__}: use `sign_engine --new-key`',
                                     code='signature_key')


def _ed25519() -> Any:
    return require('cryptography.hazmat.primitives.asymmetric.ed25519', _PURPOSE)


def _read_key(path: Path) -> bytes:
    try:
        return read_file(path, _MAX_KEY_BYTES)
    except OSError as error:
        raise ConfigurationError(f'the key {path} cannot be read: {error.strerror}',
                                 code='signature_key') from error
