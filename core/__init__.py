"""Lifts a video to 3D human motion, in one process: no HTTP, no queue, no environment."""
