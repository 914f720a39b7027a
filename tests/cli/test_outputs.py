"""Files that commands write."""

import io
import json
import os
import subprocess
import sys

import pytest

from skmnist.cli import main


def test_an_existing_file_is_not_overwritten_unless_forced(small, tmp_path, capsys):
    out = tmp_path / "out.json"
    out.write_text("precious")
    options = ["compare", "--data", str(small), "--epochs", "0", "--json", str(out)]
    assert main(options) == 2
    assert "already exists; add --force" in capsys.readouterr().err
    assert out.read_text() == "precious"
    assert main([*options, "--force"]) == 0
    assert json.loads(out.read_text())["models"]


@pytest.mark.slow
def test_json_goes_through_a_link_and_never_over_the_digits(small, tmp_path, capsys):
    link, target = tmp_path / "link.json", tmp_path / "target.json"
    target.write_text("old")
    link.symlink_to(target)
    options = ["compare", "--data", str(small), "--epochs", "0", "--force", "--json"]
    assert main([*options, str(link)]) == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["models"]
    before = small.read_bytes()
    assert main([*options, str(small)]) == 2
    assert "is the file that contains the digits" in capsys.readouterr().err
    assert small.read_bytes() == before


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_json_is_written_into_a_pipe(small, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "skmnist", "compare", "--data", str(small), "--epochs", "0"]
    with subprocess.Popen([*command, "--json", str(pipe)], stdout=subprocess.DEVNULL) as process:
        assert json.loads(pipe.read_text())["models"]
    assert process.returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_link_into_nowhere_is_told_before_training(small, tmp_path, capsys):
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "no such folder" / "x.json")
    assert main(["compare", "--data", str(small), "--json", str(link)]) == 2
    out, err = capsys.readouterr()
    assert (out, f"the folder {tmp_path / 'no such folder'} does not exist" in err) == ("", True)


def test_a_folder_without_write_permission_is_told_before_training(
    small, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    path = tmp_path / "x.json"
    assert main(["compare", "--data", str(small), "--json", str(path), "--lang", "de"]) == 2
    assert f"{path}: Im Ordner {tmp_path} darf nicht" in capsys.readouterr().err


@pytest.mark.slow
def test_a_file_that_cannot_be_written_costs_no_other(small, tmp_path, capsys, do_at):
    folder, page = tmp_path / "gone", tmp_path / "kept.html"
    folder.mkdir()
    do_at("end", "DNN", folder.rmdir)
    options = ["--json", str(folder / "a.json"), "--report", str(page)]
    assert main(["compare", "--data", str(small), "--epochs", "0", *options]) == 1
    out, err = capsys.readouterr()
    assert f"cannot write {folder / 'a.json'}: No such file or directory" in err
    assert page.read_text(encoding="utf-8").startswith("<!")
    assert "kept.html" in "".join(out.split())


class _Gone(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


@pytest.mark.slow
@pytest.mark.parametrize("error", [BrokenPipeError(32, "gone"), OSError(28, "No space left")])
def test_files_are_written_where_the_screen_is_gone(small, tmp_path, capsys, monkeypatch, error):
    out = tmp_path / "a.json"
    monkeypatch.setattr(sys, "stdout", _Gone(error))
    options = ["compare", "--data", str(small), "--epochs", "0", "--json", str(out)]
    try:
        status = main(options)
    except SystemExit as end:  # typer's own way to end where a pipe is broken
        status = end.code
    assert status == 1
    assert json.loads(out.read_text())["models"]
    told = "cannot write: No space left" in capsys.readouterr().err
    assert told == (error.errno == 28)
