"""Sources of frames: image messages, image files and bags."""
