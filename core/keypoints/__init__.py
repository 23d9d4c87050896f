"""2D keypoints: the estimator protocol and its implementations."""
