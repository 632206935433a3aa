# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The CUDA source of a head, written for one network (see `head.cu`)."""

from __future__ import annotations

from collections.abc import Mapping
import math
from pathlib import Path

from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork
from edge_trt_ros.tensor_spec import TensorSpec

SOURCE_PATH = Path(__file__).with_name('head.cu')
_POINTERS = {'float32': 'float', 'float16': 'unsigned short'}
_NO_EXTRAS = '__device__ float extra(Reader&, int, int) { return 0; }\n'


def head_source(code: DeviceCode, network: DeviceNetwork, outputs: Mapping[str, TensorSpec],
                candidates: int) -> str:
    """
    Return the CUDA source of a head.

    :param code: the head's code.
    :param network: the network it is written for.
    :param outputs: the network's outputs by role; a role is the name of a function in CUDA.
    :param candidates: maximum number of candidates for NMS, a multiple of 32.
    """
    constants = {'ROWS': code.rows, 'LABELS': max(network.labels, 1), 'TRIED': candidates,
                 'EXTRAS': code.extras, 'SUPPRESS': code.suppress, 'WIDTH': network.size_wh[0],
                 'HEIGHT': network.size_wh[1], **code.constants,
                 **{f'{role}_{axis}': length for role, spec in outputs.items()
                    for axis, length in enumerate(spec.shape)}}
    addresses = [f'from_{index}' for index in range(len(outputs))]
    # The outputs of the sample, in a batch.
    of_sample = [f'(const {_POINTERS[spec.dtype]}*){name} + (size_t)blockIdx.z * '
                 f'{math.prod(spec.shape)}' for name, spec in zip(addresses, outputs.values())]
    lines = [*(f'#define {name} {value}' for name, value in constants.items()),
             f"#define PARAMETERS {', '.join(f'const void* {name}' for name in addresses)}",
             f"#define READER Reader in = {{{{{', '.join(of_sample)}}}, 0}}"]
    readers = [f'__device__ float {role}(Reader& in, int index) {{ return counted(in, as_float('
               f'(const {_POINTERS[spec.dtype]}*)in.from[{index}], index)); }}'
               for index, (role, spec) in enumerate(outputs.items())]
    text = SOURCE_PATH.read_text(encoding='utf-8')
    return '\n'.join([*lines, '#define DECLARATIONS', text, '#undef DECLARATIONS', *readers,
                      code.read_row, _NO_EXTRAS if not code.extras else '', text])
