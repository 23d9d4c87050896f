"""A file that breaks its decoder fails its own job, at once, and the worker goes on."""

from io import BytesIO

import pytest
from PIL import Image

from core.box.limits import BoxLimits
from core.contracts import JobState
from core.errors import DecoderCrashed, ImageInvalid
from core.images.box.boxes import ImageBoxes
from core.video.box.boxes import DecoderBoxes
from tests.videos import make_video
from tests.worker.fake_runtime import FakeRuntime
from worker.halt import Halt
from worker.jobs import pose
from worker.settings import WorkerSettings


class BoxedRuntime(FakeRuntime):
    """Has no patience with one kind of silence, and all of it with a busy machine."""

    def __init__(self, patient, hasty, images):
        super().__init__()
        self._patient, self._hasty, self._images = patient, hasty, images

    def lift_video(self, video, result, options, **more):
        boxes = self._hasty if video.read_bytes() == b"sleep" else self._patient
        with boxes.open(video) as reader:
            facts = reader.probe(on_step=lambda: None)
            assert len(list(reader.pictures(facts))) == 4
        return super().lift_video(video, result, options, **more)

    def lift_image(self, image):
        assert self._images.read(image).shape == (24, 32, 3)
        return super().lift_image(b"picture")


@pytest.fixture
def runtime():
    intruder = "tests.core.video.box.intruder"
    with (
        DecoderBoxes(BoxLimits(silence_s=300.0), module=intruder) as patient,
        DecoderBoxes(BoxLimits(silence_s=1.0), module=intruder) as hasty,
        ImageBoxes(
            BoxLimits(start_s=300.0, silence_s=300.0), module="tests.core.images.box.intruder"
        ) as images,
    ):
        yield BoxedRuntime(patient, hasty, images)


def test_a_broken_decoder_is_a_failed_job(tmp_path, hire, submit, ledger, state):
    video = make_video(tmp_path / "clip.mp4", codec="mpeg4", frames=4, size=(64, 48)).read_bytes()
    jobs = [submit(content) for content in (b"segfault", b"sleep", b"nonsense", video)]
    hire().work(burst=True)
    records = [ledger.get(job_id) for job_id in jobs]
    assert [record.state for record in records] == [JobState.FAILED] * 3 + [JobState.SUCCEEDED]
    codes = [record.error.code for record in records[:3]]
    assert codes == ["decoder_crashed", "decoder_limits", "decoder_crashed"]
    assert {record.attempt for record in records} == {1}
    assert not any(record.error.retriable for record in records[:3])


def test_a_picture_that_breaks_its_decoder_is_refused_and_the_next_one_answered(bench):
    honest = BytesIO()
    Image.new("RGB", (32, 24)).save(honest, "PNG")
    pictures = {"a": b"segfault", "b": b"half", "c": b"no picture", "d": honest.getvalue()}
    kinds = {"a": DecoderCrashed, "b": DecoderCrashed, "c": ImageInvalid}
    for pose_id, picture in pictures.items():
        bench.exchange.put(pose_id, picture)
        pose(pose_id, bench=bench, halt=Halt(), beat=lambda: None)
        if pose_id in kinds:
            with pytest.raises(kinds[pose_id]):
                bench.exchange.wait(pose_id, 1.0)
        else:
            assert len(bench.exchange.wait(pose_id, 1.0)) == 1


def test_workers_decode_in_a_box_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("POSELIFT_SANDBOX", raising=False)
    assert WorkerSettings.read().sandbox.value == "auto"
    monkeypatch.setenv("POSELIFT_SANDBOX", "require")
    monkeypatch.setenv("POSELIFT_DECODER_MEMORY_MIB", "1024")
    settings = WorkerSettings.read()
    assert (settings.sandbox.value, settings.decoder_memory_mib) == ("require", 1024)
