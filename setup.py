# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Installs edge_trt_ros as an ament_python package."""

from glob import glob
import os

from setuptools import find_packages
from setuptools import setup

package_name = 'edge_trt_ros'

# One file in edge_trt_ros/cli each.
executables = [
    'accuracy_report',
    'benchmark',
    'build_engine',
    'composed',
    'demo',
    'detect',
    'detect_bag',
    'detections_3d_node',
    'doctor',
    'engine_builder_node',
    'export_onnx',
    'inference_node',
    'inspect_engine',
    'measure_server',
    'scoreboard',
    'sign_engine',
    'synthetic_camera',
    'verify_engine',
]

# Where ROS is sourced, for colcon and for bloom's packages, rosdep has installed what package.xml
# names, under the names of the distribution. Requirements for pip would be wrong there. apt's
# python3-opencv is no `opencv-python-headless`: pkg_resources, once a library imports it, ends a
# script that requires what it does not find, and rpm would not install the package. pip would put
# a second OpenCV and NumPy before those that cv_bridge was compiled for.
ros_is_sourced = 'AMENT_PREFIX_PATH' in os.environ

# What a model on ONNX Runtime, the converter and the commands import. Headless: nothing opens
# a window, and a server has no libGL; with another OpenCV, use `pip install --no-deps`.
from_pip = [
    'ml_dtypes',
    'numpy>=1.26',
    'onnx>=1.16',
    'onnxruntime>=1.17',
    'opencv-python-headless>=4.6,<5',
    'psutil',
    'pyyaml',
    'tqdm',
]

# Besides TensorRT, which comes with JetPack, from apt, or as `tensorrt-rtx`.
extras = {
    'accuracy': ['pycocotools'],
    'bags': ['rosbags'],
    'cluster': ['distributed', 'rosbags'],
    'export': ['onnxscript', 'torch'],
    'gpu': ['cuda-bindings', 'nvidia-cuda-nvrtc', 'pycuda'],
    'metrics': ['prometheus_client'],
    'serving': ['tritonclient[grpc]'],
    'signatures': ['cryptography'],
    'test': ['hypothesis', 'pytest', 'pytest-timeout'],
    'texts': ['tokenizers'],
    'tracking': ['edgefirst-tracker'],
    # BoT-SORT. Brings OpenCV with windows beside the headless one.
    'tracking_of_moving_cameras': ['trackers'],
}

setup(
    name=package_name,
    version='0.1.0',
    description='Deploy trained networks on a robot: ONNX in, detections out, as two ROS 2 nodes.',
    url='https://github.com/edge-trt-ros/edge_trt_ros',
    project_urls={
        'Issues': 'https://github.com/edge-trt-ros/edge_trt_ros/issues',
        'Changelog': 'https://github.com/edge-trt-ros/edge_trt_ros/blob/main/CHANGELOG.rst',
    },
    author='edge_trt_ros maintainers',
    author_email='maintainers@edge-trt-ros.org',
    maintainer='edge_trt_ros maintainers',
    maintainer_email='maintainers@edge-trt-ros.org',
    license='Apache-2.0',
    keywords=['ROS', 'TensorRT', 'ONNX', 'robotics', 'object detection'],
    classifiers=[
        'Intended Audience :: Developers',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
    ],
    packages=find_packages(include=[package_name, f'{package_name}.*']),
    package_data={package_name: [
        'py.typed', 'demo/detector/*.onnx*', 'ros/node/*.xml', 'runtime/cuda/*.cu',
        'sources/sample_images/*.jpg', 'benchmark/gate/*.npz']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{package_name}']),
        (f'share/{package_name}', ['package.xml']),
        (f'share/{package_name}/launch', sorted(glob('launch/*.py'))),
        (f'share/{package_name}/config',
         [*sorted(glob('config/*')), f'{package_name}/ros/node/fastdds.xml']),
    ],
    python_requires='>=3.11',
    install_requires=['setuptools'] if ros_is_sourced else from_pip,
    zip_safe=False,
    extras_require=extras,
    entry_points={
        'console_scripts': [
            f'{name} = {package_name}.cli.{name}:main' for name in executables
        ],
    },
)
