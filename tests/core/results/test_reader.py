"""The result file: every field, whatever the chunks were, whole or not at all."""

import json
import os
import zipfile
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.chunks import PoseChunk, TrackChunk
from core.errors import ResultInvalid, StorageFull
from core.results.chunk_bytes import bytes_to_chunk, chunk_to_bytes
from core.results.manifest import Manifest, ModelFacts, Quality, Source, software_versions
from core.results.npz import pack_arrays, read_arrays
from core.results.reader import ResultWriter, read_result
from core.skeleton import BODY, KEYPOINT_NAMES
from core.video.stream import VideoFacts

FACTS = VideoFacts(720, 1280, 90, 2.0, 60, 30.0, "h264", "mp4", 1280, 720, start_s=0.5)
MANIFEST = Manifest(
    source=Source.of(FACTS, "clip.mp4"),
    models={"lifter": ModelFacts(name="small", sha256="ab" * 32)},
    options={"stride": 1, "height_m": None},
    quality=Quality(frames_used=40, persons=2, notes=("truncated",)),
)


def make_chunk(frames, persons=3, present=(0, 2), hint=False, seed=0):
    """People in some slots; the third enters halfway, and both are interpolated now and then."""
    rng = np.random.default_rng(seed)
    observed = np.zeros((persons, frames), bool)
    there = np.zeros((persons, frames), bool)
    for slot in present:
        there[slot, frames // 2 if slot == 2 else 0 :] = True
    observed |= there & (rng.random((persons, frames)) > 0.2)

    def values(*shape):
        array = rng.normal(size=(persons, frames, *shape)).astype(np.float32)
        array[~there] = np.nan
        return array

    track = TrackChunk(
        frame_index=np.arange(frames) * 2,
        frame_time_s=0.5 + np.cumsum(rng.uniform(0.01, 0.1, frames)),
        keypoints_px=values(33, 2),
        confidence=values(33),
        observed=observed,
        hint_m=values(33, 3) if hint else None,
    )
    return PoseChunk(track, values(28, 3), values(28))


def cut(chunk, start, stop):
    def part(array):
        return None if array is None else array[:, start:stop]

    track = chunk.track
    return PoseChunk(
        TrackChunk(
            track.frame_index[start:stop], track.frame_time_s[start:stop],
            part(track.keypoints_px), part(track.confidence), part(track.observed),
            part(track.hint_m),
        ),
        part(chunk.joints_m), part(chunk.sigma_m),
    )  # fmt: skip


def write(folder, chunks, manifest=MANIFEST):
    with ResultWriter(folder / "pose.npz") as writer:
        for chunk in chunks:
            writer.append(chunk)
        return writer.finish(manifest)


def test_numpy_reads_every_field(tmp_path):
    chunk = make_chunk(40)
    path = write(tmp_path, [chunk])
    assert path == tmp_path / "pose.npz"
    with np.load(path, allow_pickle=False) as loaded:
        fields = dict(loaded)
    slots = [0, 2]
    expected = {
        "joints_3d": chunk.joints_m[slots],
        "joints_3d_sigma": chunk.sigma_m[slots],
        "keypoints_2d": chunk.track.keypoints_px[slots],
        "keypoints_confidence": chunk.track.confidence[slots],
        "observed": chunk.track.observed[slots],
        "track_id": np.array(slots),
        "frame_time_s": chunk.track.frame_time_s,
        "frame_index": chunk.track.frame_index,
        "joint_names": np.array(BODY.names),
        "keypoint_names": np.array(KEYPOINT_NAMES),
        "parents": np.array(BODY.parents),
    }
    assert set(fields) == {*expected, "manifest"}
    for name, array in expected.items():
        assert fields[name].dtype == array.dtype, name
        np.testing.assert_array_equal(fields[name], array, err_msg=name)
    assert np.isfinite(fields["joints_3d"][fields["observed"]]).all()
    manifest = json.loads(str(fields["manifest"]))
    assert manifest["schema_version"] == 1
    assert manifest["source"]["rotation_deg"] == 90
    assert manifest["units"]["joints_3d"] == "m"
    assert manifest["axes"]["y"] == "down"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_any_cut_into_chunks_gives_the_same_bytes(tmp_path, places):
    chunk = make_chunk(40)
    whole = write(tmp_path / "whole", [chunk]).read_bytes()
    edges = [0, *sorted(places), 40]
    pieces = [cut(chunk, start, stop) for start, stop in pairwise(edges)]
    assert write(tmp_path / "pieces", pieces).read_bytes() == whole


def test_what_was_written_is_read(tmp_path):
    chunk = make_chunk(40)
    path = write(tmp_path, [chunk])
    for source in (path, path.read_bytes()):
        result = read_result(source)
        assert (len(result), result.persons) == (40, 2)
        assert result.joint_names == BODY.names
        assert result.keypoint_names == KEYPOINT_NAMES
        assert result.parents == BODY.parents
        assert result.manifest == MANIFEST
        np.testing.assert_array_equal(result.joints_3d, chunk.joints_m[[0, 2]])
    part = result.frames(10, 15)
    np.testing.assert_array_equal(part.frame_time_s, chunk.track.frame_time_s[10:15])
    np.testing.assert_array_equal(part.keypoints_2d, chunk.track.keypoints_px[[0, 2], 10:15])
    assert len(result.frames(38, 99)) == 2


def test_nobody_is_a_valid_result(tmp_path):
    result = read_result(write(tmp_path, [make_chunk(10, present=()), make_chunk(0, present=())]))
    assert (len(result), result.persons) == (10, 0)
    assert result.joints_3d.shape == (0, 10, 28, 3)
    assert result.observed.dtype == bool


def test_no_frames_at_all(tmp_path):
    assert len(read_result(write(tmp_path, []))) == 0


def test_someone_who_enters_late_was_absent_before(tmp_path):
    first, late = make_chunk(5000, persons=1, present=()), make_chunk(10, persons=1, present=(0,))
    late = PoseChunk(
        TrackChunk(
            late.track.frame_index + 10_000, late.track.frame_time_s + 1000,
            late.track.keypoints_px, late.track.confidence, late.track.observed,
        ),
        late.joints_m, late.sigma_m,
    )  # fmt: skip
    result = read_result(write(tmp_path, [first, late]))
    assert np.isnan(result.joints_3d[0, :5000]).all()
    assert np.isnan(result.keypoints_confidence[0, :5000]).all()
    assert not result.observed[0, :5000].any()
    np.testing.assert_array_equal(result.joints_3d[0, 5000:], late.joints_m[0])


def test_unused_slots_take_no_room(tmp_path):
    one = write(tmp_path / "one", [make_chunk(300, persons=1, present=(0,))])
    with ResultWriter(tmp_path / "four" / "pose.npz") as writer:
        writer.append(make_chunk(300, persons=4, present=(0,)))
        scratch = sum(file.stat().st_size for file in writer._scratch.iterdir())
        four = writer.finish(MANIFEST)
    assert four.stat().st_size == one.stat().st_size
    assert scratch < 1.1 * four.stat().st_size


def test_only_the_finished_file_is_ever_seen(tmp_path):
    with ResultWriter(tmp_path / "pose.npz") as writer:
        writer.append(make_chunk(10))
        assert [path.name for path in tmp_path.iterdir()] == ["pose.npz.parts"]
        writer.finish(MANIFEST)
    assert [path.name for path in tmp_path.iterdir()] == ["pose.npz"]


def test_a_failure_leaves_nothing_and_an_older_result_alone(tmp_path):
    older = write(tmp_path, [make_chunk(5)]).read_bytes()
    backwards = cut(make_chunk(10), 3, 6)
    with pytest.raises(ValueError, match="increase"):
        write(tmp_path, [make_chunk(10), backwards])
    assert [path.name for path in tmp_path.iterdir()] == ["pose.npz"]
    assert (tmp_path / "pose.npz").read_bytes() == older


def test_what_a_crash_left_behind_is_not_mixed_in(tmp_path):
    (tmp_path / "pose.npz.parts").mkdir()
    for name in ("joints_3d.0.bin", "joints_3d.1.bin", "frame_time_s.bin", "assembled"):
        (tmp_path / "pose.npz.parts" / name).write_bytes(bytes(1000))
    clean = write(tmp_path / "clean", [make_chunk(10)]).read_bytes()
    assert write(tmp_path, [make_chunk(10)]).read_bytes() == clean


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
@pytest.mark.parametrize("file", ["joints_3d.0.bin", "frame_time_s.bin", "assembled"])
def test_a_full_disk_has_its_own_code(tmp_path, file):
    with ResultWriter(tmp_path / "pose.npz") as writer:
        (tmp_path / "pose.npz.parts" / file).symlink_to("/dev/full")
        with pytest.raises(StorageFull, match="disk is full"):
            append_and_finish(writer)
    assert list(tmp_path.iterdir()) == []


def append_and_finish(writer):
    writer.append(make_chunk(2000))
    writer.finish(MANIFEST)


def test_times_must_increase_across_chunks(tmp_path):
    chunk = make_chunk(10)
    with ResultWriter(tmp_path / "pose.npz") as writer:
        writer.append(cut(chunk, 5, 10))
        with pytest.raises(ValueError, match="increase"):
            writer.append(cut(chunk, 0, 5))
        late = make_chunk(3, persons=1, present=(0,))
        late.track.frame_time_s[:] += 100
        with pytest.raises(ValueError, match="slots"):
            writer.append(late)


def test_memory_does_not_grow_with_the_video(tmp_path, traced):
    with ResultWriter(tmp_path / "pose.npz") as writer:
        for number in range(60):
            chunk = make_chunk(500, persons=2, present=(0,), seed=number)
            chunk.track.frame_time_s[:] += 1000 * number
            writer.append(chunk)
            del chunk
            if number == 10:
                settled, _ = traced.get_traced_memory()
        grown, _ = traced.get_traced_memory()
        traced.reset_peak()
        path = writer.finish(MANIFEST)
        _, peak = traced.get_traced_memory()
    assert path.stat().st_size > 25e6
    assert grown - settled < 1e6
    assert peak - grown < 8e6


def test_a_long_result_is_read_without_loading_it(tmp_path, traced):
    chunk = make_chunk(30_000, persons=2, present=(0, 1))
    path = write(tmp_path, [chunk])
    before, _ = traced.get_traced_memory()
    traced.reset_peak()
    part = read_result(path).frames(15_000, 15_010)
    _, peak = traced.get_traced_memory()
    np.testing.assert_array_equal(part.joints_3d, chunk.joints_m[:, 15_000:15_010])
    assert path.stat().st_size > 40e6
    assert peak - before < 1e6


# --- Reading what is wrong ----------------------------------------------------------------------


def rewritten(path, **changes):
    arrays = {name: array.copy() for name, array in read_arrays(path.read_bytes()).items()}
    arrays |= changes
    kept = {name: array for name, array in arrays.items() if array is not None}
    path.write_bytes(pack_arrays(kept))
    return path


@pytest.mark.parametrize(
    "name",
    ["joints_3d", "observed", "track_id", "frame_time_s", "parents", "joint_names", "manifest"],
)
def test_a_missing_or_misshapen_field(tmp_path, name):
    path = write(tmp_path, [make_chunk(10)])
    with pytest.raises(ResultInvalid, match="manifest" if name == "manifest" else name):
        read_result(rewritten(path, **{name: np.zeros((7, 7), np.float16)}))
    with pytest.raises(ResultInvalid):
        read_result(rewritten(path, **{name: None}))


def test_another_schema_version_is_named(tmp_path):
    later = MANIFEST.model_copy(update={"schema_version": 2})
    path = write(tmp_path, [make_chunk(10)], later)
    with pytest.raises(ResultInvalid, match="schema version 2"):
        read_result(path)


def test_a_damaged_manifest_says_where(tmp_path):
    path = write(tmp_path, [make_chunk(10)])
    with pytest.raises(ResultInvalid, match=r"source\.width_px"):
        read_result(rewritten(path, manifest=np.array('{"source": {"width_px": "wide"}}')))
    with pytest.raises(ResultInvalid, match="JSON"):
        read_result(rewritten(path, manifest=np.array("{")))


def test_a_manifest_of_a_later_release_keeps_its_new_fields(tmp_path):
    content = MANIFEST.model_dump() | {"floor": {"height_m": 0.1}}
    path = write(tmp_path, [make_chunk(10)])
    result = read_result(rewritten(path, manifest=np.array(json.dumps(content))))
    assert result.manifest.model_dump()["floor"] == {"height_m": 0.1}


def test_half_a_file(tmp_path):
    path = write(tmp_path, [make_chunk(10)])
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ResultInvalid):
        read_result(path)


def test_members_are_stored_with_fixed_dates(tmp_path):
    with zipfile.ZipFile(write(tmp_path, [make_chunk(10)])) as archive:
        assert archive.testzip() is None
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert member.date_time == (1980, 1, 1, 0, 0, 0)


# --- Manifest and chunks ------------------------------------------------------------------------


def test_the_manifest_holds_nothing_that_changes_from_run_to_run():
    assert Manifest.model_validate_json(MANIFEST.model_dump_json()) == MANIFEST
    versions = software_versions(("numpy", "no-such-distribution"))
    assert versions == {"numpy": np.__version__, "no-such-distribution": "unknown"}


@pytest.mark.parametrize("hint", [False, True])
@pytest.mark.parametrize("frames", [0, 1, 12])
def test_a_chunk_survives_as_bytes(frames, hint):
    chunk = make_chunk(frames, hint=hint)
    content = chunk_to_bytes(chunk)
    again = bytes_to_chunk(content)
    assert chunk_to_bytes(again) == content
    np.testing.assert_array_equal(again.joints_m, chunk.joints_m)
    np.testing.assert_array_equal(again.sigma_m, chunk.sigma_m)
    for name in ("frame_index", "frame_time_s", "keypoints_px", "confidence", "observed"):
        np.testing.assert_array_equal(getattr(again.track, name), getattr(chunk.track, name))
    assert (again.track.hint_m is not None) == hint


def test_bytes_that_are_no_chunk():
    content = chunk_to_bytes(make_chunk(5))
    for wrong in (b"", content[:-100], content.replace(b"sigma_m", b"sigmb_m")):
        with pytest.raises(ResultInvalid):
            bytes_to_chunk(wrong)


def test_who_is_present(tmp_path):
    chunk = make_chunk(40).track
    present = chunk.present
    np.testing.assert_array_equal(present, np.isfinite(chunk.keypoints_px[..., 0, 0]))
    assert (present & ~chunk.observed).any()  # interpolated people are there as well
    assert (chunk.persons, len(chunk)) == (3, 40)
