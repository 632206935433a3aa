# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts a text to input tensors with the tokenizer that the network was trained with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError, first_line, ImageError
from edge_trt_ros.network_input import TextInput
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.runtime.samples import Sample, Tokens
from edge_trt_ros.vision.letterbox import Letterbox, NO_PICTURE

# Longer texts are cut before tokenizing: on average, a token has fewer characters than this.
_CHARACTERS_PER_TOKEN = 64
_PADDINGS = ('[PAD]', '<pad>', '<|pad|>', '<|endoftext|>')


class TextPreprocess:
    """
    The preprocessing of tokens (see `runtime.preprocess.Preprocess`); it needs no tokenizer.

    :param text_input: which tensor contains which part of the tokens.
    """

    def __init__(self, text_input: TextInput) -> None:
        self._input = text_input

    def fit(self, sample: Sample) -> Letterbox:
        """See `Preprocess.fit`."""
        if not isinstance(sample, Tokens) or len(sample.ids) != self._input.length:
            raise ImageError(f'the network reads texts of {self._input.length} tokens, and this '
                             f'is {sample}')
        return NO_PICTURE

    def fill(self, sample: Sample, letterbox: Letterbox, tensors: Mapping[str, NDArray[Any]]
             ) -> None:
        """See `Preprocess.fill`."""
        if not isinstance(sample, Tokens):
            raise ImageError(f'the network reads texts, but the sample is {sample}')
        parts = {'ids': sample.ids, 'attention_mask': sample.attention_mask,
                 'token_types': sample.token_types}
        for name, part in self._input.parts.items():
            values = np.stack(list(parts.values())) if part == 'stacked' else parts[part]
            tensors[name][...] = values.reshape(tensors[name].shape)

    def blank(self) -> Tokens:
        """See `Preprocess.blank`."""
        zeros, mask = (np.zeros(self._input.length, np.int32) for _ in range(2))
        mask[0] = 1
        return Tokens(zeros, mask, zeros, source='warm-up')


class TextTokens:
    """
    The tokenizer of one network.

    :param text_input: the tokenizer, and the number of tokens that the network reads.
    :raises MissingLibraryError: if `tokenizers` is not installed.
    :raises EngineError: if it cannot read the tokenizer.
    """

    def __init__(self, text_input: TextInput) -> None:
        tokenizer = require('tokenizers', 'a network that reads texts').Tokenizer
        self._length = text_input.length
        try:
            self._tokenizer = tokenizer.from_str(text_input.tokenizer)
            self._set_length()
        except BaseException as error:
            _check_interrupt(error)
            raise EngineError(f'the tokenizer cannot be read ({first_line(error)}): use the '
                              'tokenizer.json that the network was trained with') from error

    def _set_length(self) -> None:
        padding = dict(self._tokenizer.padding or {})
        for name in _PADDINGS if not padding else ():
            if self._tokenizer.token_to_id(name) is not None:
                padding = {'pad_id': self._tokenizer.token_to_id(name), 'pad_token': name}
                break
        padding.update(length=self._length, pad_to_multiple_of=None)
        self._tokenizer.enable_truncation(self._length)
        self._tokenizer.enable_padding(**padding)

    def sample(self, text: str, stamp_ns: int = 0, source: str = '') -> Tokens:
        """
        Tokenize a text; truncate it to the length of the network's input.

        :param text: the text.
        :param stamp_ns: time of arrival in nanoseconds.
        :param source: topic or file of the text, for error messages.
        :raises ImageError: if the tokenizer fails.
        """
        try:
            found = self._tokenizer.encode(text[:_CHARACTERS_PER_TOKEN * self._length])
        except BaseException as error:
            _check_interrupt(error)
            raise ImageError(f'a text from {source or "a file"} cannot be read: '
                             f'{first_line(error)}') from error
        ids, mask, types = (np.array(part, np.int32) for part in (
            found.ids, found.attention_mask, found.type_ids))
        return Tokens(ids, mask, types, stamp_ns, source)

    def samples(self, count: int = 3) -> list[Tokens]:
        """Return an empty text and random texts with a fixed seed, to compare networks on."""
        random = np.random.default_rng(0)
        size = self._tokenizer.get_vocab_size()
        texts = [''] + [self._tokenizer.decode(random.integers(0, size, self._length).tolist())
                        for _ in range(count - 1)]
        return [self.sample(text, source='sample') for text in texts]


def _check_interrupt(error: BaseException) -> None:
    """
    Raise an error again that is not of `tokenizers`.

    It raises plain Exceptions, and after a panic of its Rust code a PanicException, which is no
    Exception: it would end the thread that runs the engine.
    """
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        raise error
