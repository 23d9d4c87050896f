"""Tests of what server and worker share."""
