"""Lenses by their 35-mm equivalent, as cameras and phones are described: which there are, and tags.

Imports nothing but the standard library, because the decoder's box starts anew for every job.
"""

from collections.abc import Mapping

FILM_WIDTH_MM = 36.0
"""Of the film that "35-mm equivalent" speaks of; here it is laid along a frame's longer side.
Makers of phones mean the diagonal of a photo of 4:3 (CIPA DCG-001). Video of 16:9 takes the same
width of the sensor and less of its height, so that its own diagonal would make the lens 8 % too
short, the width makes it 4 % too short; on full-frame cameras the width is right."""
SHORTEST_35MM = 8.0
"""132 degrees along the longer side: wider pictures are not those of a pinhole any more."""
LONGEST_35MM = 1200.0
"""1.7 degrees: nobody films people through a telescope."""

_TAG = "com.apple.quicktime.camera.focal_length.35mm_equivalent"


def is_lens_35mm(focal_length_mm: float) -> bool:
    """Whether there are such lenses; NaN is none."""
    return SHORTEST_35MM <= focal_length_mm <= LONGEST_35MM


def stored_lens_35mm(*tags: Mapping[str, str]) -> float | None:
    """The 35-mm equivalent that a file's tags state; ``None`` without one, or where it is no lens.

    Some iPhones and camera apps write it into QuickTime metadata, of the file or of the track.

    Args:
        tags: of the track, of the file, ...; the first that states a lens counts.
    """
    for each in tags:
        try:
            stated = float(each.get(_TAG, ""))
        except ValueError:
            continue
        if is_lens_35mm(stated):
            return stated
    return None
