# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
What ran where: the one table behind the README, the documentation and `inspect_engine`.

Three words are kept apart. "ran": with this library on such a GPU. "checked against the
interface": calls and arguments fit the Python interface of that version; for TensorRT 10 and 11,
building and running also passed on a double of it. "by documentation": NVIDIA says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import re

RAN, CHECKED, DOCUMENTED = WORDS = ('ran', 'checked against the interface', 'by documentation')
ANY = ((0, 0), (99, 99))
_PLATFORM_NAMES = {'tensorrt': 'TensorRT', 'tensorrt_rtx': 'TensorRT for RTX',
                   'onnxruntime': 'ONNX Runtime'}


@dataclass(frozen=True)
class Evidence:
    """
    How something is known.

    :param word: a value of `WORDS`.
    :param date: the day on which it ran, was checked or was read, as '2026-11-24'.
    """

    word: str
    date: str = '2026-11-24'

    def __str__(self) -> str:
        return f'{self.word}, {self.date}'


@dataclass(frozen=True)
class Combination:
    """
    A library on a kind of GPU.

    :param gpus: the GPUs, for people.
    :param capabilities: their compute capabilities; empty for no GPU.
    :param library: name of the back end.
    :param title: the versions, for people.
    :param versions: first and last version, major and minor number.
    :param code: how it is known that this package works there.
    :param precisions: precisions, each with its evidence.
    :param graphs: how it is known that a frame is one CUDA graph; None for no GPU.
    :param dla: which boards have a DLA that this library uses, and how it is known; None if none.
    """

    gpus: str
    capabilities: tuple[str, ...]
    library: str
    title: str
    versions: tuple[tuple[int, int], tuple[int, int]]
    code: Evidence
    precisions: tuple[tuple[str, Evidence], ...]
    graphs: Evidence | None = None
    dla: tuple[str, Evidence] | None = None


_RAN, _CHECKED, _DOCUMENTED = (Evidence(word) for word in WORDS)
_TEN, _ELEVEN = ((10, 0), (10, 99)), ((11, 0), (11, 4))
_BF16 = (('fp32, fp16, bf16, int8', _DOCUMENTED),)
_NO_BF16 = (('fp32, fp16, int8', _DOCUMENTED),)
_BLACKWELL = ('10.0', '10.3', '12.0', '12.1')
_THOR = ('11.0', '10.1')  # the second until CUDA 12

COMBINATIONS = (
    Combination('none', (), 'onnxruntime', 'ONNX Runtime 1.32', ANY, _RAN,
                (('fp32, fp16, int8', _RAN), ('bf16 emulated in fp32', _RAN))),
    Combination('none, builds only', (), 'tensorrt_rtx', 'TensorRT for RTX 1.7', ((1, 7), (1, 7)),
                _RAN, (('fp32, fp16, bf16, int8 built', _RAN),)),
    Combination('Hopper (H100, H200)', ('9.0',), 'tensorrt_rtx', 'TensorRT for RTX 1.6',
                ((1, 6), (1, 6)), _RAN,
                (('fp32, fp16, bf16', _RAN), ('int8 only in matrix products', _RAN)), _RAN),
    Combination('Turing', ('7.5',), 'tensorrt_rtx', 'TensorRT for RTX 1.6 and 1.7',
                ((1, 6), (1, 7)), _CHECKED, (('fp32, fp16', _DOCUMENTED),), _DOCUMENTED),
    Combination('Ampere, Ada, Blackwell', ('8.0', '8.6', '8.9', '12.0', '12.1'), 'tensorrt_rtx',
                'TensorRT for RTX 1.6 and 1.7', ((1, 6), (1, 7)), _CHECKED,
                (('fp32, fp16, bf16', _DOCUMENTED),), _DOCUMENTED),
    Combination('Turing', ('7.5',), 'tensorrt', 'TensorRT 10', _TEN, _CHECKED, _NO_BF16,
                _DOCUMENTED),
    Combination('Ampere, Ada, Hopper', ('8.0', '8.6', '8.9', '9.0'), 'tensorrt', 'TensorRT 10',
                _TEN, _CHECKED, _BF16, _DOCUMENTED),
    Combination('Blackwell', _BLACKWELL, 'tensorrt', 'TensorRT 10.8 to 10.16',
                ((10, 8), (10, 99)), _CHECKED, _BF16, _DOCUMENTED),
    Combination('Turing', ('7.5',), 'tensorrt', 'TensorRT 11', _ELEVEN, _CHECKED, _NO_BF16,
                _DOCUMENTED),
    Combination('Ampere, Ada, Hopper, Blackwell', ('8.0', '8.6', '8.9', '9.0', *_BLACKWELL),
                'tensorrt', 'TensorRT 11', _ELEVEN, _CHECKED, _BF16, _DOCUMENTED),
    Combination('Orin', ('8.7',), 'tensorrt', 'TensorRT 10.3 (JetPack 6.1, 6.2)',
                ((10, 0), (10, 7)), _CHECKED, _BF16, _DOCUMENTED,
                ('AGX Orin, Orin NX', _DOCUMENTED)),
    Combination('Orin', ('8.7',), 'tensorrt', 'TensorRT 10.16 (JetPack 7.2)',
                ((10, 8), (10, 99)), _CHECKED, _BF16, _DOCUMENTED),
    Combination('AGX Orin', ('8.7',), 'tensorrt', 'TensorRT 11.4.1 (JetPack 7.2.2)',
                ((11, 4), (11, 4)), _CHECKED, _BF16, _DOCUMENTED, ('AGX Orin', _DOCUMENTED)),
    Combination('Thor', _THOR, 'tensorrt', 'TensorRT 10.13, 10.16 (JetPack 7.0 to 7.2)',
                ((10, 13), (10, 99)), _CHECKED, _BF16, _DOCUMENTED),
    Combination('Thor', _THOR, 'tensorrt', 'TensorRT 11.4.1 (JetPack 7.2.2)',
                ((11, 4), (11, 4)), _CHECKED, _BF16, _DOCUMENTED),
)


def tried(library: str, version: str, capability: str) -> str:
    """
    Return what is known of a library on a GPU, as a sentence without its dot.

    :param library: name of the back end.
    :param version: version of the library, as '10.3.0'.
    :param capability: compute capability of the GPU, as '8.7'; '' for no GPU.
    """
    numbers = version.split('.')[:2]
    key = tuple(int(number) for number in numbers) if all(map(str.isdigit, numbers)) else (0, 0)
    for row in COMBINATIONS:
        if row.library == library and row.versions[0] <= key <= row.versions[1] and (
                capability in row.capabilities or not capability and not row.capabilities):
            where = row.gpus if capability else 'a computer without a GPU'
            return f'{row.code}: {row.title} on {where}'
    title = _PLATFORM_NAMES.get(library, library)
    return f'not known: {title} {version} on compute capability {capability or "none"}'


def full_table() -> list[str]:
    """Return the table of the documentation, lines of Markdown."""
    rows = [[row.gpus, row.title, str(row.code), '; '.join(_grouped(row.precisions)),
             str(row.graphs or '-'), f'{row.dla[0]}: {row.dla[1]}' if row.dla else '-']
            for row in COMBINATIONS]
    return _markdown(('GPU', 'library', 'this package', 'precisions', 'CUDA graph', 'DLA'), rows)


def short_table() -> list[str]:
    """Return the table of the README, lines of Markdown: one row for each library."""
    gpus: dict[tuple[str, str], list[str]] = {}
    for row in COMBINATIONS:
        major = re.match(r'TensorRT \d+', row.title)
        names = gpus.setdefault((major[0] if major else row.title, str(row.code)), [])
        names += [name for name in row.gpus.split(', ') if name not in names]
    return _markdown(('library', 'GPU', 'this package'), [
        [library, ', '.join(names), code] for (library, code), names in gpus.items()])


def _grouped(precisions: Sequence[tuple[str, Evidence]]) -> Iterator[str]:
    for names, evidence in precisions:
        yield f'{names}: {evidence}'


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    line = f"|{'---|' * len(head)}"
    return [f"| {' | '.join(head)} |", line, *(f"| {' | '.join(cells)} |" for cells in rows)]
