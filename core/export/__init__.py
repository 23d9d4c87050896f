"""The lifter as one file that runs without PoseLift: TorchScript, or ONNX."""
