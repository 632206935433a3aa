# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""`python3 -m edge_trt_ros NAME ...` is equivalent to `ros2 run edge_trt_ros NAME ...`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
import sys

EXECUTABLES = tuple(sorted(
    path.stem for path in (Path(__file__).parent / 'cli').glob('*.py')
    if not path.stem.startswith('_')))


def main() -> None:
    """Run the executable named by the first argument with the remaining arguments."""
    name = sys.argv[1] if len(sys.argv) > 1 else ''
    if name not in EXECUTABLES:
        wrong = f"there is no executable '{name}'. " if name else ''
        print(f'{wrong}Use: python3 -m edge_trt_ros NAME ..., where NAME is one of\n  '
              + '\n  '.join(EXECUTABLES), file=sys.stderr)
        raise SystemExit(2)
    sys.argv[:2] = [name]
    try:
        import_module(f'edge_trt_ros.cli.{name}').main()
    except KeyboardInterrupt:  # while libraries load: seconds on a small machine
        raise SystemExit(130) from None


if __name__ == '__main__':
    main()
