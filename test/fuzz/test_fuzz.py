# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A short fuzz of each reader, and what a fuzz finds; `make fuzz` does the long one."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
from time import process_time

import numpy as np
import pytest

pytest.importorskip('hypothesis', reason='inputs are drawn by hypothesis')
pytest.importorskip('tokenizers', reason='one of the readers reads a tokenizer')
pytest.importorskip('rosbags', reason='one of the readers reads bags')

from support.fuzz.child import with_hypothesis  # noqa: E402, I100
from support.fuzz.probe import MAX_MB, MAX_S, Probe  # noqa: E402
from support.fuzz.readers import Reader, READERS, Tokenizers  # noqa: E402

from edge_trt_ros.errors import ImageError  # noqa: E402
from edge_trt_ros.network_input import TextInput  # noqa: E402
from edge_trt_ros.runtime.text_preprocess import TextTokens  # noqa: E402

COUNT = 60


@pytest.mark.parametrize('name', READERS)
def test_valid_inputs_are_read_and_changed_ones_are_read_or_rejected(name: str, tmp_path: Path
                                                                     ) -> None:
    files = tmp_path / 'files'
    files.mkdir()
    reader = READERS[name](files)
    seeds = reader.seeds()
    for data in seeds:
        reader.read(data)
    probe = Probe(reader, tmp_path, COUNT)
    with_hypothesis(probe, seeds, COUNT, seed=15)
    assert probe.outcome.findings == [] and probe.outcome.inputs == COUNT
    assert 0 < probe.outcome.rejected < COUNT


def crash() -> None:
    raise KeyError('no entry')


def panic() -> None:
    class PanicException(BaseException):
        pass
    raise PanicException('in Rust')


def hang() -> None:
    until = process_time() + MAX_S + 0.05
    while process_time() < until:
        pass


def use_memory() -> None:
    np.ones(int((MAX_MB + 20) * 1e6), np.uint8)


@pytest.mark.parametrize('work, problem', [
    (crash, "KeyError: 'no entry'"), (panic, 'PanicException'), (hang, ' s'),
    (use_memory, ' MB')])
def test_findings_are_kept(work: Callable[[], None], problem: str, tmp_path: Path) -> None:
    class Bad(Reader):
        def seeds(self) -> list[bytes]:
            return [b'seed']

        def read(self, data: bytes) -> None:
            work()
    probe = Probe(Bad(tmp_path), tmp_path, 1)
    probe(b'this input')
    assert len(probe.outcome.findings) == 1 and problem in probe.outcome.findings[0]
    assert (tmp_path / 'finding_0').read_bytes() == b'this input'
    assert json.loads((tmp_path / 'outcome.json').read_text())['findings']


def test_a_panic_of_the_tokenizer_is_an_invalid_text(tmp_path: Path) -> None:
    document = json.loads(Tokenizers(tmp_path).seeds()[0])
    document['post_processor']['special_tokens'] = {}
    tokens = TextTokens(TextInput(32, {'ids': 'ids'}, json.dumps(document)))
    with pytest.raises(ImageError, match='PanicException'):
        tokens.sample('stop')
