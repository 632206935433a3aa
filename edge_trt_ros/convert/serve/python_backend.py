# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The program of a served model for Triton's python back end.

It is written next to the model, for servers that have no back end for ONNX of their own. It runs
in the server's Python and must not import this package.
"""

from __future__ import annotations

MODEL_PY = """\
# Written by edge_trt_ros: runs model.onnx with ONNX Runtime in Triton's python back end.
import glob
import json
import os
import site

# The back end starts with the packages of the system: add those of the server's environment.
if os.environ.get('VIRTUAL_ENV'):
    for folder in glob.glob(os.environ['VIRTUAL_ENV'] + '/lib/python3*/site-packages'):
        site.addsitedir(folder)

import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:

    def initialize(self, arguments):
        config = json.loads(arguments['model_config'])
        self.inputs = [tensor['name'] for tensor in config['input']]
        self.outputs = [tensor['name'] for tensor in config['output']]
        options = onnxruntime.SessionOptions()
        instances = sum(group['count'] for group in config['instance_group'])
        cores = len(os.sched_getaffinity(0))
        options.intra_op_num_threads = max(1, cores // 2 // instances)
        # Threads that spin between frames would take the cores of the other models.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        path = os.path.join(arguments['model_repository'], arguments['model_version'],
                            'model.onnx')
        self.session = onnxruntime.InferenceSession(
            path, options, providers=onnxruntime.get_available_providers())

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        try:
            tensors = {name: triton.get_input_tensor_by_name(request, name).as_numpy()
                       for name in self.inputs}
            found = self.session.run(self.outputs, tensors)
        except Exception as error:
            return triton.InferenceResponse(error=triton.TritonError(str(error)))
        return triton.InferenceResponse(
            [triton.Tensor(name, value) for name, value in zip(self.outputs, found)])
"""
