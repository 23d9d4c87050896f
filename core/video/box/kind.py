"""What the boxes here are for."""

from core.box.kind import BoxKind

VIDEO = BoxKind("video", "core.video.box")
