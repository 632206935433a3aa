"""What can be said of an ONNX before minutes are spent on building it, in sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from onnx import TensorProto

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.heads.network_head import find_head, fuse
from edge_trt_ros.convert.options import ConversionRecipe
from edge_trt_ros.convert.precision.apply import resolved_precision
from edge_trt_ros.convert.precision.sparsity import check_sparsity
from edge_trt_ros.convert.tensorrt.builder import check_parses
from edge_trt_ros.convert.toolchain import find_toolchain
from edge_trt_ros.errors import EdgeTrtError


@dataclass(frozen=True)
class OnnxVerdict:
    """
    Whether an ONNX can be built as a recipe asks.

    :param facts: what it is: head, size, opset, weights.
    :param problems: why it cannot be built; none if it can.
    """

    facts: tuple[str, ...]
    problems: tuple[str, ...]

    def __str__(self) -> str:
        refused = [f'refused: {problem}' for problem in self.problems]
        return '\n'.join([*self.facts, *(refused or ['can be built'])])


def judge_onnx(checked: CheckedOnnx, recipe: ConversionRecipe) -> OnnxVerdict:
    """
    Try every step of a conversion that takes no time, and collect what is said.

    :param checked: a model that passed `check_onnx`.
    :param recipe: how it is to be built.
    """
    facts, problems = _facts(checked), []
    fused = None
    try:
        head = find_head(checked, recipe)
        facts.append(f'{head.task}, head {head.name}: {len(head.labels)} classes, {head.boxes} '
                     f"{'boxes' if head.roles else 'values'}")
        fused = fuse(checked, head, recipe.max_candidates)
    except EdgeTrtError as error:
        problems.append(str(error))
    try:
        toolchain = find_toolchain(recipe)
        facts.append(f'built by {toolchain.backend} {toolchain.version} in '
                     f'{resolved_precision(recipe, toolchain)}')
        if toolchain.tensorrt is not None:
            check_parses(fused or checked.model, toolchain.tensorrt)
    except EdgeTrtError as error:
        problems.append(str(error))
    if recipe.sparsity:
        try:
            facts.append(str(check_sparsity(checked.model)))
        except EdgeTrtError as error:
            problems.append(str(error))
    return OnnxVerdict(tuple(facts), tuple(problems))


def _facts(checked: CheckedOnnx) -> list[str]:
    model = checked.model
    opsets = {entry.domain or 'ai.onnx': entry.version for entry in model.opset_import}
    weights = Counter(tensor.data_type for tensor in model.graph.initializer)
    facts = [f"input {checked.image_input}; outputs {'; '.join(map(str, checked.outputs))}",
             f'{len(model.graph.node)} nodes, {model.ByteSize() / 1e6:.1f} MB, opset '
             + ', '.join(f'{version} of {domain}' for domain, version in opsets.items())]
    if weights[TensorProto.DOUBLE]:
        facts.append(f'{weights[TensorProto.DOUBLE]} constants are double: TensorRT rounds them '
                     'to float32')
    if weights[TensorProto.INT64]:
        facts.append(f'{weights[TensorProto.INT64]} constants are int64, which TensorRT before '
                     '10 narrows to int32')
    foreign = Counter(node.op_type for node in model.graph.node
                      if node.domain not in ('', 'ai.onnx'))
    if foreign:
        facts.append('operators outside of ONNX: ' + ', '.join(
            f'{name} ({count})' for name, count in sorted(foreign.items())))
    return facts
