"""Video files in, pictures as they are stored with true times out, one at a time."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing

from av.codec.hwaccel import HWAccel

from core.closing import Closing
from core.errors import RangeOutsideVideo, VideoHasNoFrames, VideoTooLong, VideoTruncated
from core.lenses import stored_lens_35mm
from core.video.containers import OpenVideo, VideoFile, check_size, duration_s, open_video
from core.video.decoding import Entry, Picture, decode_pictures, find_entry
from core.video.facts import DecodeReport, FrameSelection, VideoFacts, VideoLimits
from core.video.frame_times import RateLimit
from core.video.stored import Shrink, StoredPicture, clockwise_turn_deg, square_size

_ROUNDING_S = 1e-6  # a frame at 1/3 s is in a range that starts at "0.333333"
_WORTH_SEEKING_S = 5.0  # less than this is decoded faster than a place to start is found
_PLAUSIBLE_FPS = 1000.0  # containers without a rate claim one tick per frame, such as 90000 fps


def probe(
    path: VideoFile,
    limits: VideoLimits | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> VideoFacts:
    """Look at a file's headers and decode its first picture.

    Args:
        path: the file.
        limits: what is accepted.
        on_step: called for every bit of the file that is read; what it raises ends the search.

    Raises:
        VideoHasNoFrames: there is a picture stream, but nothing in it.
        VideoTruncated: damaged so badly that no picture can be decoded.
        VideoError: anything ``open_video`` refuses.
    """
    with FirstLook(path, limits, on_step) as look:
        return look.facts


class FirstLook(Closing):
    """A file opened and decoded up to its first picture. Who decodes it all may go on from there.

    To be closed, or used as a context manager.

    Args:
        path: the file.
        limits: what is accepted.
        on_step: as for ``probe``.

    Attributes:
        facts: what ``probe`` says.

    Raises:
        VideoError: as ``probe`` does.
    """

    def __init__(
        self,
        path: VideoFile,
        limits: VideoLimits | None = None,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits = limits or VideoLimits()
        self._on_step = on_step
        self._report = DecodeReport()
        with ExitStack() as files:
            video = files.enter_context(open_video(path, self._limits))
            fps = _average_fps(video)
            decoding = decode_pictures(video, fps, self._report, 0, lambda: self._on_step())
            self._pictures = files.enter_context(closing(decoding))
            first = next((picture for picture in self._pictures if not picture.damaged), None)
            if first is None:
                raise _nothing_decoded(self._report)
            check_size(first.image.width, first.image.height, self._limits)
            self.facts = _facts(video, first, fps, self._limits)
            # Damaged ones before it, perhaps for hours, were not kept.
            self._first = first if first.order == 0 else None
            self._files = files.pop_all()

    def may_go_on(self, limits: VideoLimits) -> bool:
        """Whether this comes to the same as opening the file with these limits; only once."""
        return self._first is not None and limits == self._limits

    def go_on(
        self, report: DecodeReport, on_step: Callable[[], None] = lambda: None
    ) -> Generator[Picture]:
        """All pictures, from the first; closes itself at their end.

        Args:
            report: as for ``decode_pictures``.
            on_step: likewise.
        """
        assert self._first is not None  # noqa: S101 - it may go on
        self._on_step = on_step
        first, self._first = [self._first], None
        with self:
            try:
                report.of_decoding(self._report)
                yield first.pop()
                for picture in self._pictures:
                    report.of_decoding(self._report)
                    yield picture
            finally:
                report.of_decoding(self._report)

    def close(self) -> None:
        self._first = None
        self._files.close()


def stream_pictures(
    path: VideoFile,
    facts: VideoFacts,
    selection: FrameSelection | None = None,
    report: DecodeReport | None = None,
    limits: VideoLimits | None = None,
    on_step: Callable[[], None] = lambda: None,
    *,
    longest_side_px: int | None = None,
    accelerator: HWAccel | None = None,
    look: FirstLook | None = None,
) -> Generator[StoredPicture]:
    """The selected pictures of a video, in order; memory does not grow with its length.

    Args:
        path: the file.
        facts: what ``probe`` said about it.
        selection: which frames; all by default.
        report: filled in while pictures are drawn: damage, repaired times, truncation.
        limits: those of ``probe``, for files whose headers promised less than there is.
        on_step: called for every bit of the file that is read, also far from any frame that is
            used: an hour of video may lie before the range. What it raises ends the stream.
        longest_side_px: larger pictures are made as small as this.
        accelerator: decodes them if it can; see :mod:`core.video.gpu_decoding`.
        look: where the facts are from. It is gone on from there if that comes to the same, and
            closed.

    Raises:
        RangeOutsideVideo: there are frames, but none in the time range.
        VideoHasNoFrames: there are none at all.
        VideoTruncated: there are none that can be decoded.
        VideoTooLong: the video goes on beyond the limit.
    """
    selection, limits = selection or FrameSelection(), limits or VideoLimits()
    report = report if report is not None else DecodeReport()
    shrink, rate = Shrink(longest_side_px), RateLimit(selection.max_fps)
    if look is not None and (_seeks(selection) or accelerator or not look.may_go_on(limits)):
        look.close()
        look = None
    entry = None
    with ExitStack() as files:
        if look is not None:
            pictures = files.enter_context(closing(look.go_on(report, on_step)))
        else:
            entry = _find_entry(path, facts, selection, limits, on_step)
            video = files.enter_context(open_video(path, limits, accelerator))
            skip = entry.packets if entry else 0
            pictures = decode_pictures(video, facts.average_fps, report, skip, on_step)
        for number, index, picture in _in_range(pictures, facts, selection, entry):
            if picture.time_s - facts.start_s > limits.max_duration_s:
                raise VideoTooLong(f"The video goes on after {limits.max_duration_s / 3600:.1f} h.")
            if picture.damaged or number % selection.stride or not rate.admits(picture.time_s):
                continue
            report.frames_used += 1
            yield StoredPicture(index, picture.time_s, shrink(picture.image))
    if report.frames_used == 0:
        raise _nothing_used(facts, selection, report)


def expected_frames(facts: VideoFacts, selection: FrameSelection) -> int | None:
    """About how many frames ``stream_frames`` will yield, for a progress bar; ``None``: unknown."""
    count, length_s = facts.frame_count_estimate, facts.duration_s
    if count is None or length_s is None:
        return None
    end_s = min(length_s, selection.end_s if selection.end_s is not None else length_s)
    range_s = max(0.0, end_s - selection.start_s)
    frames = count * range_s / length_s / selection.stride
    if selection.max_fps is not None:
        frames = min(frames, range_s * selection.max_fps)
    return max(1, round(frames))


def _seeks(selection: FrameSelection) -> bool:
    return selection.start_s >= _WORTH_SEEKING_S


def _find_entry(
    path: VideoFile,
    facts: VideoFacts,
    selection: FrameSelection,
    limits: VideoLimits,
    on_step: Callable[[], None],
) -> Entry | None:
    if not _seeks(selection):
        return None
    with open_video(path, limits) as video:
        return find_entry(video, facts.start_s + selection.start_s - _ROUNDING_S, on_step)


def _in_range(
    pictures: Iterator[Picture], facts: VideoFacts, selection: FrameSelection, entry: Entry | None
) -> Iterator[tuple[int, int, Picture]]:
    """Pictures in the time range, with their numbers within it and within the file."""
    first: int | None = None
    for picture in pictures:
        time_s = picture.time_s - facts.start_s + _ROUNDING_S
        if time_s < selection.start_s:
            continue
        if selection.end_s is not None and time_s >= selection.end_s:
            return
        if first is None:
            first = picture.order
        number = picture.order - first
        yield number, number + (entry.pictures if entry else first), picture


def _facts(video: OpenVideo, first: Picture, fps: float | None, limits: VideoLimits) -> VideoFacts:
    turn_deg = clockwise_turn_deg(first.image)
    width, height = square_size(first.image, video.stream.sample_aspect_ratio)
    check_size(width, height, limits)
    if turn_deg in (90, 270):
        width, height = height, width
    length_s = duration_s(video)
    count = video.stream.frames or (round(length_s * fps) if length_s and fps else None)
    return VideoFacts(
        width_px=width,
        height_px=height,
        rotation_deg=turn_deg,
        duration_s=length_s,
        frame_count_estimate=count,
        average_fps=fps,
        codec=video.codec,
        container=video.kind.value,
        stored_width_px=first.image.width,
        stored_height_px=first.image.height,
        has_audio=bool(video.container.streams.audio),
        start_s=first.time_s,
        focal_length_35mm=stored_lens_35mm(video.stream.metadata, video.container.metadata),
    )


def _average_fps(video: OpenVideo) -> float | None:
    rate = video.stream.average_rate
    return float(rate) if rate is not None and 0 < rate <= _PLAUSIBLE_FPS else None


def _nothing_used(
    facts: VideoFacts, selection: FrameSelection, report: DecodeReport
) -> RangeOutsideVideo | VideoHasNoFrames | VideoTruncated:
    if report.frames_decoded == 0 or (selection.start_s == 0 and selection.end_s is None):
        return _nothing_decoded(report)
    end = "the end" if selection.end_s is None else f"{selection.end_s:g} s"
    length = "" if facts.duration_s is None else f" The video lasts {facts.duration_s:.2f} s."
    return RangeOutsideVideo(f"No frame lies between {selection.start_s:g} s and {end}.{length}")


def _nothing_decoded(report: DecodeReport) -> VideoHasNoFrames | VideoTruncated:
    if report.decode_errors:
        return VideoTruncated(
            "No picture in the file can be decoded: it is cut off or damaged. Upload it again."
        )
    return VideoHasNoFrames("The file has a picture stream, but no picture in it.")
