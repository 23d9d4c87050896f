import subprocess
import sys
from types import SimpleNamespace

import pytest

from core.errors import NotAVideo, OptionUnknown
from scripts import cli


@pytest.fixture
def command(monkeypatch):
    """Puts a subcommand of ours in place of `assets`."""

    def put(run):
        module = SimpleNamespace(add_arguments=lambda parser: parser.add_argument("--n"), run=run)
        monkeypatch.setitem(sys.modules, "scripts.assets", module)

    return put


def raising(error):
    def run(args):
        raise error

    return run


def test_help_lists_every_command(capsys):
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in cli.COMMANDS)


def test_no_command_is_wrong_usage(capsys):
    assert cli.main([]) == 2
    assert "usage: poselift" in capsys.readouterr().out


def test_version(capsys, monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"1.2.3 of {name}")
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "poselift 1.2.3 of poselift\n"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("submitt", "did you mean 'submit'?"),
        ("workers", "did you mean 'worker'?"),
        ("xyz", "commands are: demo"),
        ("--verbose", "no option '--verbose'"),
    ],
)
def test_an_unknown_command_gets_a_hint(word, hint, capsys):
    assert cli.main([word]) == 2
    assert hint in capsys.readouterr().err


def test_a_command_runs_with_its_arguments(command):
    command(lambda args: int(args.n))
    assert cli.main(["assets", "--n", "7"]) == 7


def test_an_error_is_one_line_with_its_code(command, capsys):
    command(raising(NotAVideo("'a.txt' is a text file.")))
    assert cli.main(["assets"]) == 1
    shown = capsys.readouterr().err
    assert shown == "error: The file is not a video: 'a.txt' is a text file. [not_a_video]\n"


def test_a_wrong_option_is_wrong_usage(command):
    command(raising(OptionUnknown("There is no option 'x'.")))
    assert cli.main(["assets"]) == 2


def test_a_missing_file_is_one_line(command, capsys):
    command(raising(FileNotFoundError(2, "No such file or directory", "clip.mp4")))
    assert cli.main(["assets"]) == 1
    assert capsys.readouterr().err == "error: No such file or directory: clip.mp4 [file_unusable]\n"


def test_ctrl_c_is_quiet(command, capsys):
    command(raising(KeyboardInterrupt()))
    assert cli.main(["assets"]) == 130
    assert capsys.readouterr().err == ""


def test_a_bug_keeps_its_traceback(command):
    command(raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        cli.main(["assets"])


def test_wrong_arguments_exit_with_two(command, capsys):
    command(lambda args: 0)
    with pytest.raises(SystemExit) as ended:
        cli.main(["assets", "--bogus"])
    assert ended.value.code == 2
    assert "poselift assets" in capsys.readouterr().err


def test_a_shortened_flag_is_not_guessed(capsys):
    with pytest.raises(SystemExit):
        cli.main(["lift", "clip.mp4", "--max-person", "2"])
    assert "--max-person" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["serve", "--port", "0"], ["worker", "--device", "cpu"]])
def test_a_redis_address_that_is_none_is_one_line(words, capsys):
    assert cli.main([*words, "--redis-url", "nonsense"]) == 1
    said = capsys.readouterr().err
    assert said.endswith("[config_invalid]\n")
    assert said.count("\n") == 1


def test_help_imports_nothing_heavy_and_little_else():
    """So that it is quick."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from scripts.cli import main; main(['--help'])\n"
        "heavy = {'torch', 'pydantic', 'numpy', 'redis', 'rich', 'httpx', 'mediapipe', 'av'}\n"
        "more = set(sys.modules) - before\n"
        "sys.exit(', '.join(heavy & more) or (len(more) > MOST and f'{len(more)} modules') or None)"
    )
    code = code.replace("MOST", "60")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_process_ends_with_the_status():
    command = [sys.executable, "-m", "scripts.cli", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (cli.BAD_USAGE, "")
    assert "there is no command 'nothing'" in done.stderr


def test_output_cut_off_by_a_pager_is_no_traceback():
    code = "from scripts.cli import main; import sys; sys.exit(main(['--help']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
