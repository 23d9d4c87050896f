"""MediaPipe's pose networks run by LiteRT without MediaPipe around them: the fastest way on a CPU."""
