"""A synthetic road, a detector trained on it, a camera that films it and a score."""
