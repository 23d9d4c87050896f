import pytest
from rich.console import Console

from core.contracts import JobState, Progress, Stage
from scripts.client import JobView
from scripts.job_lines import JobLines, in_words


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (JobView(id="a", state=JobState.QUEUED), "queued"),
        (
            JobView(id="a", state=JobState.QUEUED, progress=Progress(queue_position=3)),
            "queued, number 3",
        ),
        (
            JobView(
                id="a",
                state=JobState.RUNNING,
                progress=Progress(
                    stage=Stage.LIFTING, frames_done=10, frames_total=40, fps=12.4, eta_s=2.6
                ),
            ),
            "lifting, 10/40 frames, 12 frames/s, 3 s to go",
        ),
        (
            JobView(id="a", state=JobState.RUNNING, progress=Progress(stage=Stage.LIFTING)),
            "lifting, 0/? frames",
        ),
    ],
)
def test_a_job_in_words(view, words):
    assert in_words(view) == words


def test_only_ends_are_written_where_there_is_no_terminal(tmp_path, capsys):
    video = tmp_path / "[red]clip.mp4"
    video.write_bytes(b"x")
    with JobLines(Console(stderr=True)) as lines:
        good, bad = (lines.add(video.name, video) for _ in range(2))
        good.sent(1)
        good.show(JobView(id="a", state=JobState.RUNNING))
        good.finish("out.npz")
        bad.finish("it broke", failed=True)
    assert capsys.readouterr().err == (
        "done   [red]clip.mp4: out.npz\nfailed [red]clip.mp4: it broke\n"
    )
