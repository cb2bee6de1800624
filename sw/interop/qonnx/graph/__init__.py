"""A QONNX file as a graph of nodes that are known, and parts of it through the executor of qonnx."""
