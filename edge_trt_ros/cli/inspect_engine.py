# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Print an engine's manifest, tensors and precision, and whether it loads on this machine."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from edge_trt_ros.cli._command import print_json, run_command
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EdgeTrtError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.kserve.served_model import (
    is_served_folder, PIXELS, read_served_folder, ServedFolder)
from edge_trt_ros.runtime.pipeline import warm_up
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import TENSORRT_NAMES
from edge_trt_ros.runtime.verified_here import known_here
from edge_trt_ros.verification import sentence, warning
from edge_trt_ros.what_ran import tried

_SHOWN_LABELS = 8


def main() -> None:
    """Parse the command line and inspect."""
    parser = argparse.ArgumentParser(prog='inspect_engine', description=__doc__)
    parser.add_argument('engine', type=Path, metavar='ENGINE', help='an engine with its manifest, '
                        'or the folder of a model that `build_engine --serve` wrote')
    parser.add_argument('--backend', default='auto', help='library that must run it')
    parser.add_argument('--json', action='store_true', help='one JSON document on stdout')
    arguments = parser.parse_args()

    def work() -> None:
        if is_served_folder(arguments.engine):
            _print_served(read_served_folder(arguments.engine), arguments.engine, arguments.json)
            return
        engine, manifest = read_engine(arguments.engine)
        manifest = known_here(manifest)
        here = {**_here(engine, manifest, arguments.backend), 'tried': _tried(manifest)}
        if arguments.json:
            print_json({'engine': str(arguments.engine), 'here': here,
                        'manifest': manifest.to_dict()})
        else:
            _print(arguments.engine, manifest, here)
    run_command(work)


def _here(engine: bytes, manifest: EngineManifest, backend: str) -> dict[str, Any]:
    """Return whether the engine loads on this machine, and its memory or the reason."""
    process = psutil.Process()
    before = process.memory_info().rss
    try:
        opened = open_engine(engine, manifest, backend)
        with opened.runtime as runtime:
            warm_up(runtime)
            return {'loads': True, 'device': runtime.device_name, 'reason': opened.reason,
                    'host_memory_mb': round((process.memory_info().rss - before) / 1e6, 1)}
    except EdgeTrtError as error:
        return {'loads': False, 'reason': str(error)}


def _tried(manifest: EngineManifest) -> str:
    """Return what is known of this library on the GPU here, or on that of the engine."""
    gpu, target = find_gpu(), manifest.target.get('compute_capabilities', [])
    capability = gpu.compute_capability if gpu else target[0].rstrip('+') if target else ''
    return tried(manifest.backend, manifest.backend_version,
                 capability if manifest.backend in TENSORRT_NAMES else '')


def _print_served(folder: ServedFolder, path: Path, as_json: bool) -> None:
    served = folder.served
    if as_json:
        print_json({'served': str(path), 'version': folder.version, 'backend': folder.backend,
                    'model_sha256': served.model_sha256, 'sent': served.sent,
                    'manifest_sha256': served.manifest_sha256,
                    'manifest': served.manifest.to_dict()})
        return
    _print_rows([
        ('served model', f'{path}, version {folder.version}, {folder.model_path.name}, '
         f'{served.model_sha256[:12]}'),
        ('runs on', f'a Triton server with the back end {folder.backend}'),
        ('a robot sends', 'letterboxed pixels, uint8' if served.sent == PIXELS
         else "the network's input tensors"),
        *_rows(served.manifest)])


def _print(path: Path, manifest: EngineManifest, here: dict[str, Any]) -> None:
    _print_rows([
        ('engine', f'{path}, {manifest.engine_size_bytes / 1e6:.1f} MB, '
         f'{manifest.engine_sha256[:12]}'),
        ('runs on', ', '.join(manifest.target.get('compute_capabilities', []))
         or 'any device that the library supports'),
        *_rows(manifest),
        ('here', f"loads on {here['device']} ({here['reason']}), "
         f"{here['host_memory_mb']} MB of host memory" if here['loads']
         else f"does not load: {here['reason']}"),
        ('this package', here['tried'])])


def _print_rows(rows: Sequence[tuple[str, str]]) -> None:
    for name, text in rows:
        print(f'{name:20}{text}')


def _rows(manifest: EngineManifest) -> list[tuple[str, str]]:
    labels = ', '.join(manifest.labels[:_SHOWN_LABELS])
    more = f', and {len(manifest.labels) - _SHOWN_LABELS} more' \
        if len(manifest.labels) > _SHOWN_LABELS else ''
    return [
        ('built', f'{manifest.built_at} in {manifest.build_seconds:.1f} s by {manifest.backend} '
         f'{manifest.backend_version} on {manifest.platform}'),
        ('from ONNX', manifest.onnx_sha256[:12]),
        ('task', manifest.task), ('head', _head(manifest)),
        ('labels', f'{len(manifest.labels)}: {labels}{more}'),
        *(('input', str(tensor)) for tensor in manifest.inputs),
        *(('output', str(tensor)) for tensor in manifest.outputs),
        *(('reads', str(network_input)) for network_input in manifest.input_kinds),
        *_contract(manifest), *_row('layers', manifest.layers),
        *_verification(manifest.verification),
        *((name, str(value)) for name, value in manifest.options.items() if value not in (
            '', [], False, 0) and name != 'tensor_contract')]


def _contract(manifest: EngineManifest) -> list[tuple[str, str]]:
    contract = manifest.contract
    return [('contract', str(tensor)) for tensor in (*contract.inputs, *contract.outputs)
            if tensor.unit or tensor.topic or tensor.value] if contract else []


def _head(manifest: EngineManifest) -> str:
    head = HEADS.get(manifest.head)
    has_kernels = head is not None and head.on_device is not None
    on_gpu = manifest.backend in TENSORRT_NAMES
    if manifest.head_runs_in == 'runtime':
        where = 'kernels in the graph of a frame' if on_gpu and has_kernels \
            else 'NumPy on the host'
        return f'{manifest.head}, decoded by {where}'
    why = ', since this head has no kernels of its own' if on_gpu and not has_kernels else ''
    return f'{manifest.head}, decoded by nodes in the engine ({manifest.decoder}){why}'


def _verification(verification: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [('verification', sentence(verification))]
    if warning(verification):
        rows.append(('warning', warning(verification)))
    return rows


def _row(name: str, values: Any) -> list[tuple[str, str]]:
    return [(name, ', '.join(f'{key} {value}' for key, value in values.items()))] if values else []


if __name__ == '__main__':
    main()
