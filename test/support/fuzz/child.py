# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fuzzes one reader in a process of its own: `python -m support.fuzz.child`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import resource
import sys

# A reader that asks for more fails, and the machine does not.
MAX_ADDRESS_SPACE = 16 << 30


def with_hypothesis(probe: Callable[[bytes], None], seeds: list[bytes], count: int, seed: int
                    ) -> None:
    """Read valid inputs with random changes."""
    import hypothesis
    from support.fuzz.inputs import changed

    @hypothesis.seed(seed)
    @hypothesis.settings(max_examples=count, deadline=None, database=None,
                         suppress_health_check=list(hypothesis.HealthCheck),
                         phases=[hypothesis.Phase.generate])
    @hypothesis.given(changed(seeds))
    def read(data: bytes) -> None:
        probe(data)
    read()


def with_atheris(probe: Callable[[bytes], None], seeds: list[bytes], count: int, seed: int,
                 folder: Path) -> None:
    """Read inputs that libFuzzer derives from the lines of Python that earlier ones reached."""
    import atheris
    corpus = folder / 'corpus'
    corpus.mkdir()
    for index, data in enumerate(seeds):
        (corpus / str(index)).write_bytes(data)
    # One for each run, and those that libFuzzer makes while it loads the corpus.
    atheris.Setup([sys.argv[0], f'-runs={count + 100}', f'-seed={seed + 1}', '-max_len=100000',
                   '-timeout=60', '-rss_limit_mb=0', '-print_final_stats=0', '-verbosity=0',
                   str(corpus)], probe)
    atheris.Fuzz()


def main() -> None:
    """Read the arguments: reader, engine, number of inputs, seed, folder."""
    name, engine, count, seed, text = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    if engine == 'atheris':
        import atheris
        with atheris.instrument_imports(include=['edge_trt_ros', 'rosbags']):
            from support.fuzz.readers import READERS
    else:
        from support.fuzz.readers import READERS
    from support.fuzz.probe import Probe
    folder = Path(text)
    (folder / 'files').mkdir()
    reader = READERS[name](folder / 'files')
    probe = Probe(reader, folder, int(count))
    if engine == 'atheris':
        with_atheris(probe, reader.seeds(), int(count), int(seed), folder)
    else:
        with_hypothesis(probe, reader.seeds(), int(count), int(seed))


if __name__ == '__main__':
    main()
