# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Finds the bags of an archive: a bag, a folder of bags, or a glob."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import glob
import os
from pathlib import Path

from edge_trt_ros.errors import BagError
from edge_trt_ros.sources.bags import is_bag


@dataclass(frozen=True)
class FoundBag:
    """
    A bag of an archive.

    :param source: its folder, or its single file.
    :param name: path of the result, relative to the folder of all results.
    """

    source: Path
    name: Path


def find_bags(sources: Sequence[str], target: Path) -> list[FoundBag]:
    """
    Return the bags of folders and globs, sorted by name.

    :param sources: bags, folders or globs such as 'logs/*/run_*'.
    :param target: folder of the results, which is not searched.
    :raises BagError: if there is no bag, or two would have the same result.
    """
    found: dict[Path, FoundBag] = {}
    for source in sources:
        bags = list(_bags(source, target.resolve()))
        if not bags:
            raise BagError(f'there is no bag in {source}: give a bag, a folder with bags, or a '
                           'glob in quotes', code='bag_missing')
        for bag in bags:
            other = found.setdefault(bag.name, bag)
            if other.source.resolve() != bag.source.resolve():
                raise BagError(f'{other.source} and {bag.source} would both be written to '
                               f'{target / bag.name}: rename one, or run the command twice',
                               code='bag_names_collide')
    return [found[name] for name in sorted(found)]


def _bags(source: str, target: Path) -> Iterator[FoundBag]:
    if Path(source).exists():
        path = Path(source)
        yield from _below(path, path.parent if is_bag(path) else path, target)
        return
    parts = Path(source).parts
    plain = next((index for index, part in enumerate(parts) if glob.has_magic(part)), None)
    if plain is not None:
        base = Path(*parts[:plain])
        for match in sorted(glob.glob(source, recursive=True)):
            yield from _below(Path(match), base, target)


def _below(path: Path, base: Path, target: Path) -> Iterator[FoundBag]:
    """Yield a bag, or the bags in a folder; results of this command are no sources."""
    if path.resolve() == target:
        return
    if is_bag(path):
        name = path.relative_to(base)
        yield FoundBag(path, name if path.is_dir() else name.with_suffix(''))
    elif path.is_dir():
        for entry in sorted(os.listdir(path)):
            if not entry.startswith('.'):
                yield from _below(path / entry, base, target)
