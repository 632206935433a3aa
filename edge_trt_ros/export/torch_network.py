# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Load a PyTorch network from a callable, a file or torchvision.

Loading a file runs no Python code from it, unless the user trusts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
import io
import os
from pathlib import Path
import sys
from typing import Any

import torch

from edge_trt_ros.errors import ConfigurationError, first_line, ModelError
from edge_trt_ros.export.model_source import kind_of_source, SourceKind
from edge_trt_ros.files import read_file

# Keys under which training checkpoints store the weights.
_WEIGHTS_IN_CHECKPOINT = ('state_dict', 'model_state_dict', 'model')
_TRUST = 'if you trust its author, give --trust-pickle'


def load_network(source: str, arguments: Any = None, weights: Path | None = None,
                 trust_pickle: bool = False) -> Any:
    """
    Load a network on the CPU, in evaluation mode.

    :param source: see `kind_of_source`.
    :param arguments: arguments of a callable: a mapping (keywords) or a list (positional).
    :param weights: file with a state dict for the network that the callable returns.
    :param trust_pickle: whether to load files that may run arbitrary code.
    :returns: a torch.nn.Module in float32, a torch.jit.ScriptModule or an ExportedProgram.
    :raises ModelError: if the network cannot be loaded.
    :raises ConfigurationError: if the source is a file and arguments or weights are given.
    """
    kind = kind_of_source(source)
    if kind in (SourceKind.CALLABLE, SourceKind.TORCHVISION):
        network = _network_from_callable(source, kind, arguments, weights)
    elif arguments is not None or weights is not None:
        raise ConfigurationError(f'{source} is a file that holds the whole network, which needs '
                                 'no arguments or weights: give them with module:callable only')
    else:
        network = _network_from_file(source, kind, trust_pickle)
    if isinstance(network, torch.export.ExportedProgram):
        return network
    check_weights(network, source)
    return network.eval() if isinstance(network, torch.jit.ScriptModule) \
        else network.eval().float()


def _network_from_callable(source: str, kind: SourceKind, arguments: Any, weights: Path | None
                           ) -> torch.nn.Module:
    made: Any
    if kind is SourceKind.TORCHVISION:
        if weights is None and not isinstance(arguments, Mapping):
            arguments = {'weights': 'DEFAULT'}
        make, arguments = import_module('torchvision.models').get_model, [source, arguments or {}]
    else:
        make = _attribute(source)
        arguments = [{}] if arguments is None else (
            [arguments] if isinstance(arguments, Mapping) else [*arguments, {}])
    # A factory without weights draws random ones: the same each time. Importing may draw as well.
    torch.manual_seed(0)
    try:
        made = make if isinstance(make, torch.nn.Module) and arguments == [{}] \
            else make(*arguments[:-1], **arguments[-1])
    except Exception as error:  # the user's own code
        raise ModelError(f'{source} cannot be called with {arguments[:-1] or ""}'
                         f'{arguments[-1]}: {first_line(error)}') from error
    if not isinstance(made, torch.nn.Module):
        raise ModelError(f'{source} returns a {type(made).__name__}, expected a '
                         'torch.nn.Module')
    if weights is not None:
        state = _load(weights, trust_pickle=False)
        if not _is_state_dict(state):
            state = next((state[key] for key in _WEIGHTS_IN_CHECKPOINT if isinstance(
                state, Mapping) and _is_state_dict(state.get(key))), None)
        if state is None:
            raise ModelError(f'{weights} contains no state dict: save network.state_dict()')
        try:
            made.load_state_dict(state)
        except RuntimeError as error:
            raise ModelError(f'the weights in {weights} do not fit {source}: '
                             f'{" ".join(str(error).split())[:400]}') from error
    return made


def _attribute(source: str) -> Any:
    module, _, name = source.partition(':')
    here = os.getcwd()
    sys.path.insert(0, here)  # as `python3 -m` has it; an installed command does not
    try:
        return getattr(import_module(module), name)
    except Exception as error:  # the user's own code
        raise ModelError(f'{source} cannot be imported: {first_line(error)}') from error
    finally:
        sys.path.remove(here)


def _network_from_file(source: str, kind: SourceKind, trust_pickle: bool) -> Any:
    path = Path(source).expanduser()
    if kind is SourceKind.TORCHSCRIPT:
        try:
            return torch.jit.load(str(path), map_location='cpu')
        except Exception as error:  # RuntimeError, or other errors from C++
            raise ModelError(f'{path} cannot be read as TorchScript by PyTorch '
                             f'{torch.__version__}: {first_line(error)}') from error
    if kind is SourceKind.TORCH_EXPORT:
        if not trust_pickle:
            raise ModelError(
                f'{path} was written by torch.export, and loading it may run arbitrary code '
                f'(PyTorch evaluates text in it as Python and may unpickle): {_TRUST}')
        try:
            return torch.export.load(path)
        except Exception as error:  # its type depends on version and damage
            raise ModelError(f'{path} cannot be read by PyTorch {torch.__version__}: '
                             f'{first_line(error)}') from error
    network = _load(path, trust_pickle)
    if isinstance(network, Mapping) and isinstance(network.get('model'), torch.nn.Module):
        network = network['model']
    if isinstance(network, torch.nn.Module):
        return network
    raise ModelError(f'{path} contains weights without their network: give the module:callable '
                     f'that returns the network, and --weights {path}')


def _load(path: Path, trust_pickle: bool) -> Any:
    try:
        data = read_file(path)
    except OSError as error:
        raise ModelError(f'the weights {path} cannot be read: {error.strerror}') from error
    try:
        return torch.load(io.BytesIO(data), map_location='cpu', weights_only=not trust_pickle)
    except Exception as error:  # from pickle, zipfile or PyTorch
        if not trust_pickle and 'Unsupported global' in str(error):
            raise ModelError(
                f'{path} contains more than weights: it is a pickle, and loading it may run '
                f'arbitrary code. Save network.state_dict() instead, or {_TRUST}'
            ) from error
        raise ModelError(f'{path} cannot be loaded: {first_line(error)}') from error


def _is_state_dict(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(
        isinstance(weight, torch.Tensor) for weight in value.values())


def check_weights(network: torch.nn.Module, source: str) -> None:
    """
    Refuse weights that are not finite.

    :param network: the network.
    :param source: where it comes from, for the message.
    :raises ModelError: naming the first such weight.
    """
    for name, weight in network.state_dict().items():
        if isinstance(weight, torch.Tensor) and weight.is_floating_point() \
                and not torch.isfinite(weight).all():
            raise ModelError(f"the weights '{name}' of {source} contain NaN or infinity: train "
                             'again, or restore the file')
