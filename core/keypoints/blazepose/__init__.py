"""MediaPipe's two pose networks in PyTorch: batched, on a GPU."""
