"""Networks to and from other tools' files. Needs numpy, onnx and qonnx; neither torch nor Amaranth."""
