# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Type stubs from an inventory, and what mypy finds in this package with them."""

from __future__ import annotations

from pathlib import Path
import re
import subprocess
import sys

from support.tensorrt_api.inventory import Inventory

ROOT = Path(__file__).resolve().parents[3]
# Files that use the library, by what they import for mypy or read from the module.
_USES = re.compile(r'from tensorrt import|library\.module')
# What the bindings' signatures leave out: buffers, and sequences of lengths as Dims.
_EXTRA = {
    'Dims': ['def __iter__(self) -> Iterator[int]: ...', 'def __len__(self) -> int: ...'],
    'IHostMemory': ['def __bytes__(self) -> bytes: ...']}
_CONFIG = """[mypy]
strict = true
strict_optional = false
warn_return_any = false
warn_unused_ignores = false
disallow_subclassing_any = false
disallow_any_unimported = false
follow_imports = skip
ignore_missing_imports = true
mypy_path = {stubs}
[mypy-tensorrt]
follow_imports = normal
[mypy-edge_trt_ros.runtime.tensorrt.library]
follow_imports = normal
"""


def files_that_use_it() -> list[str]:
    """Return the files of this package that use TensorRT's module or objects."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / 'edge_trt_ros').rglob('*.py')
                  if _USES.search(path.read_text(encoding='utf-8')))


def stub_text(inventory: Inventory) -> str:
    """Return an inventory as a type stub; its class `Module` is the type of the module."""
    classes = inventory['classes']
    lines = ['from typing import Any, ClassVar, Iterator, List, Sequence, Tuple']
    for name, kind in classes.items():
        bases = [base for base in kind.get('bases', []) if base in classes]
        lines.append(f"class {name}({', '.join(bases)}):")
        if 'members' in kind:
            lines += [f'    {member}: ClassVar[{name}]' for member in kind['members']]
            lines += ['    name: str', '    def __int__(self) -> int: ...']
            continue
        for method, signatures in kind['methods'].items():
            mark = '    @overload' if len(signatures) > 1 else ''
            for signature in signatures:
                lines += [mark] if mark else []
                lines.append(f'    def {method}{_typed(signature, classes)}: ...')
        for field, (text, is_writable) in kind['properties'].items():
            lines += ['    @property', f'    def {field}(self) -> {_kind(text, classes)}: ...']
            if is_writable:
                lines += [f'    @{field}.setter',
                          f'    def {field}(self, value: {_kind(text, classes)}) -> None: ...']
        lines += [f'    {line}' for line in _EXTRA.get(name, [])] + ['    _: Any']
    lines[0] += ', overload'
    lines += ['class Module:', '    __version__: str']
    lines += [f'    {name}: type[{name}]' for name in classes]
    return '\n'.join(lines) + '\n'


def check_types(inventory: Inventory, folder: Path) -> list[str]:
    """
    Return what mypy finds in the files that use the library, against one version.

    :param inventory: the version.
    :param folder: for the stub and the cache of mypy.
    """
    (folder / 'tensorrt').mkdir(parents=True, exist_ok=True)
    (folder / 'tensorrt' / '__init__.pyi').write_text(stub_text(inventory))
    config = folder / 'mypy.cfg'
    config.write_text(_CONFIG.format(stubs=folder))
    done = subprocess.run(
        [sys.executable, '-m', 'mypy', '--config-file', config, '--cache-dir', folder / 'cache',
         '--no-error-summary', '--hide-error-context', *files_that_use_it()],
        cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f'mypy failed: {done.stdout}{done.stderr}')
    return [line for line in done.stdout.splitlines() if line.startswith('edge_trt_ros/')
            and ': error: ' in line]


def _typed(signature: str, classes: Inventory) -> str:
    """Return a signature of pybind11 as one of a stub."""
    if not signature:
        return '(self, *args: Any) -> None'
    arguments, _, result = signature.rpartition(') -> ')
    arguments = re.sub(r' = (<[^>]*>|[^,]*)', ' = ...', arguments[1:])
    while '[' in arguments:  # commas also stand within List[...] and Tuple[...]
        arguments = re.sub(r'\w+\[[^\[\]]*\]', 'Any', arguments)
    found = re.findall(r'(\w+)(?:: ([^,]+))?', arguments)
    parts, default = ['self'], ''
    for name, text in found[1:]:
        kind, equals, _ = text.partition(' = ')
        kind = _kind(kind, classes)
        # A few signatures have an argument without a default behind one with a default.
        default = default or (' = ...' if equals else '')
        parts.append(f"{name}: {'Sequence[int] | Dims' if kind == 'Dims' else kind}{default}")
    return f"({', '.join(parts)}) -> {_kind(result, classes)}"


def _kind(text: str, classes: Inventory) -> str:
    text = re.sub(r'nvinfer1::|nvonnxparser::|ILogger\.', '', text)
    text = text.replace('IParserError', 'ParserError')
    if text == 'buffer':
        return 'bytes'
    known = {*classes, 'int', 'float', 'bool', 'str', 'None', 'List', 'Tuple', 'object'}
    if not text or set(re.findall(r'\w+', text)) - known:
        return 'Any'
    return text
