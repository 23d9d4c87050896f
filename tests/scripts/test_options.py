import argparse

import pytest

from core.contracts import JobOptions, PoseModel
from core.errors import OptionOutOfRange
from scripts.options import add_option_arguments, options_from


def parse(*words: str) -> JobOptions:
    parser = argparse.ArgumentParser()
    parser.add_argument("--other")
    add_option_arguments(parser)
    return options_from(parser.parse_args(words))


def test_no_flags_are_the_defaults():
    assert parse("--other", "x") == JobOptions()


def test_every_option_has_a_flag():
    options = parse(
        *("--pose-model", "heavy", "--max-persons", "3", "--stride", "2", "--max-fps", "12.5"),
        *("--start-s", "1", "--end-s", "2.5", "--height-m", "1.8", "--no-smoothing"),
        *("--max-gap-s", "0.25", "--focal-length-px", "1400.5"),
    )
    assert options == JobOptions(
        pose_model=PoseModel.HEAVY,
        max_persons=3,
        stride=2,
        max_fps=12.5,
        start_s=1.0,
        end_s=2.5,
        height_m=1.8,
        smoothing=False,
        max_gap_s=0.25,
        focal_length_px=1400.5,
    )
    assert parse("--focal-length-35mm", "26") == JobOptions(focal_length_35mm=26.0)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--stride", "0"], "stride"),
        (["--height-m", "tall"], "height_m"),
        (["--focal-length-px", "4.25"], "focal_length_px"),
        (["--focal-length-px", "nan"], "focal_length_px"),
        (["--focal-length-35mm", "7"], "focal_length_35mm"),
        (["--focal-length-px", "1400", "--focal-length-35mm", "26"], "not both"),
    ],
)
def test_a_value_out_of_range_names_the_option(words, name):
    with pytest.raises(OptionOutOfRange, match=name):
        parse(*words)


def test_help_says_what_each_option_does(capsys):
    parser = argparse.ArgumentParser()
    add_option_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    shown = capsys.readouterr().out
    for name in JobOptions.model_fields:
        assert "--" + name.replace("_", "-") in shown
    assert "(default: full)" in shown
    assert "{lite,full,heavy}" in shown
