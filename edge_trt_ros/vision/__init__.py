"""
Pixels, boxes and detections: pure arithmetic on NumPy arrays.

No files, no clock, no ROS, no GPU; OpenCV only where it resizes, converts colours and draws.
Boxes are continuous: pixel (0, 0) covers 0 to 1 on both axes and has its centre at 0.5.
"""
