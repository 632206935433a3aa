"""Where samples come from: messages, files, bags; one way from each of them to a frame."""
