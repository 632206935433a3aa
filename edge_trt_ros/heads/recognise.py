# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Recognises the head of a network from its outputs and metadata; it never guesses.

The user or the ONNX metadata `task` states the task; the default is detect. Every head of that
task is tried. If several fit, the number of labels decides; if the head is still ambiguous, the
network is rejected with an error that lists its shapes and the names of the known heads.
"""

from __future__ import annotations

from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads.head import Given, Head, Network, Reading, RecognisedHead
from edge_trt_ros.heads.labels import trusted_labels
from edge_trt_ros.heads.registry import HEADS
from edge_trt_ros.vision.tasks import default_task, TASKS

_Choice = tuple[Head, Reading]


def recognise(network: Network, given: Given = Given(), reads_text: bool = False
              ) -> RecognisedHead:
    """
    Recognise the head of a network.

    :param network: the network.
    :param given: what the user states.
    :param reads_text: whether the network reads texts.
    :raises ModelError: if the head is unknown or ambiguous (lists the shapes and known heads), or
        if labels or anchors are missing or do not fit.
    """
    stated = network.metadata.get('task', '')
    default = default_task(reads_text=False)
    task = given.task or stated or default_task(reads_text)
    if (task in TASKS and TASKS[task].reads_text) != reads_text:
        raise ModelError(f"the task is '{task}', but the network takes {network.input_text}: "
                         "use 'text' for networks with input_ids, and another task otherwise")
    # The outputs of other tasks can fit a detector's head as well.
    if task == default and stated not in ('', default):
        raise _unknown(network, stated)
    heads = [head for head in HEADS.values() if task in head.tasks]
    choices = [(head, reading) for head in heads for reading in head.read(network)]
    if not choices:
        raise _unknown(network, task) if task == default or not heads else _misfit(
            network, task, heads)
    labels = trusted_labels(network.metadata, given.labels)
    head, reading = _choose(network, task, choices, labels)
    if not reading.classes and not reading.needs_labels:
        labels = ()  # the results have no classes
    found = RecognisedHead(head, task, labels or _numbered(reading.classes), reading)
    return head.complete(network, found, given)


def _choose(network: Network, task: str, choices: list[_Choice], labels: tuple[str, ...]
            ) -> _Choice:
    certain = [(head, reading) for head, reading in choices if not reading.needs_labels]
    if not labels:
        if len(certain) == len(choices) == 1:
            return certain[0]
        if not certain:
            raise ModelError(f"outputs [{'; '.join(map(str, network.outputs))}] do not show how "
                             'many classes the network has, and its metadata names none: give '
                             'labels', code='labels_missing')
        raise _unknown(network, task)
    fitting = [(head, reading) for head, reading in choices
               if reading.classes in (0, len(labels))]
    # Prefer heads with a known number of classes to heads that accept any number.
    fitting = [(head, reading) for head, reading in fitting if reading.classes] or fitting
    if len(fitting) == 1:
        return fitting[0]
    counts = sorted({reading.classes for _, reading in choices if reading.classes})
    if not fitting and counts:
        own = bool(network.metadata.get('names'))
        raise ModelError(f"{len(labels)} labels are {'in the metadata' if own else 'given'}, but "
                         'the head has '
                         f"{' or '.join(map(str, counts))} classes: give one label for each class",
                         code='labels_mismatch')
    raise _unknown(network, task)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def _misfit(network: Network, task: str, heads: list[Head]) -> ModelError:
    expected = ' or '.join(dict.fromkeys(head.outputs for head in heads))
    return ModelError(f"the task is '{task}', whose networks end in {expected}, but this one ends "
                      f"in [{'; '.join(map(str, network.outputs))}] for input "
                      f'{network.input_text}: correct the task, or export again',
                      code='head_unknown')


def _unknown(network: Network, task: str) -> ModelError:
    outputs = '; '.join(map(str, network.outputs))
    default = default_task(reads_text=False)
    known = ', '.join(head.name for head in HEADS.values() if default in head.tasks)
    others = ', '.join(name for name in TASKS if name != task)
    stated = network.metadata.get('task') == task
    said = f"task '{task}'" + ('' if stated else ' (assumed)' if task == default else '')
    return ModelError(f'the head is not known: {said}, outputs [{outputs}] for input '
                      f'{network.input_text}. Known are: {known} (the reference of heads lists '
                      f'their outputs). If it does something else, state the task with --task: '
                      f'{others}', code='head_unknown')
