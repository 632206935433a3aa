"""Text becomes the input tensor of a network by the tokenizer that it was trained with."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.errors import EngineError, first_line, ImageError
from edge_trt_ros.manifest import InputContract, TOKENS
from edge_trt_ros.runtime.contract import Frame

# A token of more characters than this on the average is no word of any language.
_CHARACTERS_PER_TOKEN = 64
_PADDINGS = ('[PAD]', '<pad>', '<|pad|>', '<|endoftext|>')


class TextTokens:
    """
    The tokenizer of one network.

    :param tokenizer_json: content of the `tokenizer.json` that its training wrote.
    :param contract: the network's input, of layout 'tokens'; its width is the length of texts.
    :raises EngineError: if `tokenizers` is not installed or cannot read it.
    """

    def __init__(self, tokenizer_json: str, contract: InputContract) -> None:
        try:
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise EngineError('the network reads texts, which takes the package tokenizers: '
                              'pip install tokenizers') from error
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # Rust's errors are plain Exceptions
            raise EngineError(f'the tokenizer cannot be read ({first_line(error)}): take the '
                              "tokenizer.json of the network's training") from error
        self._length = contract.size_wh[0]
        padding = dict(self._tokenizer.padding or {})
        for name in _PADDINGS if not padding else ():
            if self._tokenizer.token_to_id(name) is not None:
                padding = {'pad_id': self._tokenizer.token_to_id(name), 'pad_token': name}
                break
        padding.update(length=self._length, pad_to_multiple_of=None)
        self._tokenizer.enable_truncation(self._length)
        self._tokenizer.enable_padding(**padding)

    def frame(self, text: str, stamp_ns: int = 0, source: str = '') -> Frame:
        """
        Return a text on its way to the network; what is longer than its input is cut off.

        :param text: what to read.
        :param stamp_ns: when it came, in nanoseconds.
        :param source: where it came from, for messages to people.
        :raises ImageError: for a text that the tokenizer cannot take.
        """
        try:
            found = self._tokenizer.encode(text[:_CHARACTERS_PER_TOKEN * self._length])
        except Exception as error:  # Rust's errors are plain Exceptions
            raise ImageError(f'a text from {source or "a file"} cannot be read: '
                             f'{first_line(error)}') from error
        return token_frame(np.array([found.ids, found.attention_mask, found.type_ids], np.int32),
                           stamp_ns, source)

    def samples(self, count: int = 3) -> list[Frame]:
        """Return an empty text and some of seeded words of the vocabulary, to compare on."""
        random = np.random.default_rng(0)
        size = self._tokenizer.get_vocab_size()
        texts = [''] + [self._tokenizer.decode(random.integers(0, size, self._length).tolist())
                        for _ in range(count - 1)]
        return [self.frame(text, source='sample') for text in texts]


def token_frame(rows: np.ndarray, stamp_ns: int = 0, source: str = '') -> Frame:
    """
    Return tokens as a frame, whose bytes are the tensor.

    :param rows: int32 (3, length): ids, attention mask, types.
    :param stamp_ns: when the text came, in nanoseconds.
    :param source: where it came from, for messages to people.
    """
    return Frame(rows.view(np.uint8), TOKENS, (rows.shape[1], 1), stamp_ns, source=source)


def blank_frame(contract: InputContract) -> Frame:
    """Return a text of one token, the first of the vocabulary."""
    rows = np.zeros((3, contract.size_wh[0]), np.int32)
    rows[1, 0] = 1
    return token_frame(rows)
