"""
Append the decoding of a task's head to the graph (see `fuse_head` for that of detectors).

Outputs, each with `checksum` float32 [1], the sum of the magnitudes of what the network gave:

- classify: `scores` float32 [1, K] descending, `class_ids` int32 [1, K].
- semantic: `class_map` int32 [1, h, w], the class of the largest logit.
- segment: the outputs of `fuse_head`, `coefficients` float32 [1, K, c] of the same candidates and
  `prototypes` float32 [1, c, h, w].
- tensors: the network's own outputs as float32, and no checksum.
"""

from __future__ import annotations

from typing import Any

import onnx
from onnx import helper, TensorProto

from edge_trt_ros.convert.check_onnx import CheckedOnnx
from edge_trt_ros.convert.fuse_head import append_dense, copy_for_fusing, GraphTail, PREFIX
from edge_trt_ros.convert.task_heads import TaskHead
from edge_trt_ros.errors import ModelError

FUSED_TASKS = {'classify_scores': 'classify', 'classify_logits': 'classify',
               'semantic_logits': 'semantic', 'yolo_segment': 'segment',
               'tensors': 'tensors'}


def fuse_task(checked: CheckedOnnx, head: TaskHead, max_candidates: int) -> onnx.ModelProto:
    """
    Return a copy of the model that ends in what leaves the device (see the module).

    :param checked: the model; not modified.
    :param head: its head.
    :param max_candidates: K; fewer if the head has fewer boxes or classes.
    :raises ModelError: if the graph cannot be extended.
    """
    model = copy_for_fusing(checked)
    kept = min(max_candidates, head.boxes)
    outputs = _append(model, checked, head, kept)
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # onnx raises a type of its own for each of its passes
        raise ModelError(f'the head could not be fused into the graph: {error}') from error
    return model


def _append(model: onnx.ModelProto, checked: CheckedOnnx, head: TaskHead, kept: int
            ) -> list[onnx.ValueInfoProto]:
    shapes = [output.shape for output in checked.outputs]
    if head.task == 'tensors':
        return _append_tensors(model, checked)
    specs = {
        'classify': [_floats('scores', 1, kept), _integers('class_ids', 1, kept)],
        'semantic': [_integers('class_map', 1, *shapes[0][2:])],
        'segment': [_floats('boxes_xyxy', 1, kept, 4), _floats('scores', 1, kept),
                    _integers('class_ids', 1, kept),
                    _floats('coefficients', 1, kept, shapes[-1][1]),
                    _floats('prototypes', *shapes[-1])],
    }[head.task] + [_floats('checksum', 1)]
    tail = GraphTail(model.graph, tuple(spec.name for spec in specs))
    raws = [_single(tail, output.name, output.dtype) for output in checked.outputs]
    if head.task == 'classify':
        _append_classify(tail, raws[0], kept, head.name == 'classify_logits')
    elif head.task == 'segment':
        end = shapes[0][1] - shapes[1][1]
        append_dense(tail, raws[0], end, kept)
        extra = tail.node('Transpose', [tail.columns(raws[0], end, shapes[0][1], 1)],
                          perm=[0, 2, 1])
        extra = tail.rows(extra, f'{PREFIX}/order', kept, shapes[1][1])
        tail.node('Identity', [extra], 'coefficients')
        tail.node('Identity', [raws[1]], 'prototypes')
    else:
        classes = tail.node('ArgMax', [raws[0]], axis=1, keepdims=0)
        tail.node('Cast', [classes], 'class_map', to=TensorProto.INT32)
    _append_checksum(tail, raws, shapes)
    return specs


def _append_classify(tail: GraphTail, raw: str, kept: int, logits: bool) -> None:
    scores = tail.node('Softmax', [raw], axis=1) if logits else raw
    order = tail.node('TopK', [scores, tail.ints(kept)], 'scores', f'{PREFIX}/order', axis=1)
    tail.node('Cast', [order], 'class_ids', to=TensorProto.INT32)


def _append_tensors(model: onnx.ModelProto, checked: CheckedOnnx) -> list[onnx.ValueInfoProto]:
    if all(output.dtype == 'float32' for output in checked.outputs):
        return [_floats(output.name, *output.shape) for output in checked.outputs]
    names = [f'{output.name}_float32' if output.dtype == 'float16' else output.name
             for output in checked.outputs]
    tail = GraphTail(model.graph, tuple(set(names) - {one.name for one in checked.outputs}))
    for output, name in zip(checked.outputs, names):
        if output.dtype == 'float16':
            tail.node('Cast', [output.name], name, to=TensorProto.FLOAT)
    return [_floats(name, *output.shape) for output, name in zip(checked.outputs, names)]


def _append_checksum(tail: GraphTail, raws: list[str], shapes: list[tuple[int, ...]]) -> None:
    sums = [tail.node('ReduceSum', [tail.node('Abs', [raw]), tail.ints(*range(1, len(shape)))],
                      keepdims=0) for raw, shape in zip(raws, shapes)]
    while len(sums) > 1:
        sums[:2] = [tail.node('Add', sums[:2])]
    tail.node('Identity', sums, 'checksum')


def _single(tail: GraphTail, name: str, dtype: str) -> str:
    return tail.node('Cast', [name], to=TensorProto.FLOAT) if dtype == 'float16' else name


def _floats(name: str, *shape: int) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _integers(name: str, *shape: int) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.INT32, shape)
