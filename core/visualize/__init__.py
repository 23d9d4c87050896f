"""Results to look at: a film with a turning 3D skeleton, and one picture that says it all."""

from core.visualize.film import render_video
from core.visualize.sheet import render_picture

__all__ = ["render_picture", "render_video"]
