# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sign engines, check their signatures, or make the keys for it (Ed25519)."""

from __future__ import annotations

import argparse
from pathlib import Path

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.engine_file import manifest_bytes, read_engine
from edge_trt_ros.errors import ManifestError
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.manifest_json import manifest_from_json
from edge_trt_ros.signature import new_key, read_public_keys, sign, signature_path


def main() -> None:
    """Parse the command line, and sign, check or make keys."""
    parser = argparse.ArgumentParser(prog='sign_engine', description=__doc__)
    parser.add_argument('engines', type=Path, nargs='*', metavar='ENGINE',
                        help='engines with their manifests')
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument('--key', type=Path, metavar='KEY.pem',
                      help='sign the engines with this private key')
    what.add_argument('--check', type=Path, metavar='KEY.pub.pem',
                      help='check the engines against the public keys in this file')
    what.add_argument('--new-key', type=Path, metavar='KEY.pem',
                      help='write a new private key, and its public key to KEY.pub.pem')
    arguments = parser.parse_args()
    if bool(arguments.engines) == bool(arguments.new_key):
        parser.error('give engines with --key or --check, and none with --new-key')

    def work() -> None:
        if arguments.new_key:
            print_json({'private_key': str(arguments.new_key),
                        'public_key': str(new_key(arguments.new_key))})
        for engine in arguments.engines:
            by = _signed(engine, arguments.key) if arguments.key else _checked(
                engine, arguments.check)
            print_json({'engine': str(engine), 'signature': str(signature_path(engine)),
                        'signed_by': by})
    run_command(work)


def _signed(engine_path: Path, key_path: Path) -> str:
    engine, manifest = read_engine(engine_path)
    # The bytes that are signed must be those that were checked.
    data = manifest_bytes(manifest_path(engine_path))
    signed = manifest_from_json(data.decode(), str(manifest_path(engine_path)))
    if signed != manifest:
        raise ManifestError(f'{engine_path} is being replaced: sign it when its build is done')
    return sign(data, engine_path, key_path)


def _checked(engine_path: Path, keys_path: Path) -> str:
    keys = read_public_keys(keys_path)
    read_engine(engine_path, keys)
    return keys.check(manifest_bytes(manifest_path(engine_path)), engine_path)


if __name__ == '__main__':
    main()
