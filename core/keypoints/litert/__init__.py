"""MediaPipe's pose networks without MediaPipe, run by LiteRT: the fastest way on a CPU."""
