"""`poplar map`: user maps made of text, asked and checked."""

import subprocess

TEXT = """\
# who is where
anna@example.org   mail
Bob@Example.ORG    mail/mail-2   b4711
@archive.example   archive      # all of them
"""


def run(binary, *arguments, text=None):
    return subprocess.run([str(binary), "map", *map(str, arguments)], input=text, capture_output=True,
                          text=True, timeout=60)


def test_a_map_is_built_asked_and_checked(binary, tmp_path):
    source, file = tmp_path / "users.txt", tmp_path / "users.map"
    source.write_text(TEXT)
    done = run(binary, "build", source, file)
    assert done.returncode == 0 and "3 users" in done.stdout, done.stderr
    done = run(binary, "get", file, "anna@example.org", "bob@example.org", "carol@archive.example")
    assert (done.returncode, done.stdout.splitlines()) == (
        0, ["anna@example.org mail", "bob@example.org mail/mail-2 b4711", "carol@archive.example archive"])
    done = run(binary, "get", file, "dave@example.org")
    assert done.returncode == 1 and "dave@example.org" in done.stderr
    done = run(binary, "check", file)
    assert done.returncode == 0 and "3 users, 3 places" in done.stdout


def test_standard_input_and_kept_case(binary, tmp_path):
    file = tmp_path / "users.map"
    assert run(binary, "build", "-", file, "--keep-case", text="Anna a\nanna b\n").returncode == 0
    assert run(binary, "get", file, "Anna", "anna").stdout == "Anna a\nanna b\n"


def test_mistakes_leave_the_old_file_alone(binary, tmp_path):
    file = tmp_path / "users.map"
    assert run(binary, "build", "-", file, text="anna mail\n").returncode == 0
    before = file.read_bytes()
    done = run(binary, "build", "-", file, text="anna\nbob mail/\n" + "x\n" * 30)
    assert done.returncode == 1 and file.read_bytes() == before
    assert "-: line 1: no place" in done.stderr and "-: line 2: " in done.stderr
    assert "and 12 more" in done.stderr and "32 mistakes" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["users.map"]


def test_what_is_no_map_is_said_so(binary, tmp_path):
    (tmp_path / "text").write_text(TEXT * 10)
    for arguments in (("check", tmp_path / "text"), ("get", tmp_path / "text", "anna")):
        done = run(binary, *arguments)
        assert done.returncode == 1 and "is no user map" in done.stderr and "poplar map build" in done.stderr
    assert run(binary, "check", tmp_path / "none").returncode == 1
    assert run(binary, "build", tmp_path / "none", tmp_path / "out").returncode == 1
    assert run(binary, "build", "-", tmp_path / "no" / "folder", text="").returncode == 1
