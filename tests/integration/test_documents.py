"""What the program says of itself to man and to shells, judged by them."""

import gzip
import pathlib
import subprocess

import pytest

from poplar import ROOT


def _run(*arguments, text=None):
    return subprocess.run([str(argument) for argument in arguments], input=text, capture_output=True, text=True, timeout=60)


def _printed(binary, *arguments) -> str:
    done = _run(binary, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", ["poplar", "poplar.yaml"])
def test_mandoc_finds_nothing_wrong_with_the_page(binary, page):
    # Its pages have no date, so that a build at another time is the same.
    judged = _run("mandoc", "-T", "lint", "-W", "warning", text=_printed(binary, "manual", page))
    wrong = [line for line in judged.stdout.splitlines() if "missing date" not in line]
    assert not wrong, "\n".join(wrong)


def test_the_pages_read_as_pages(binary):
    text = _run("mandoc", "-T", "ascii", "-I", "os=Debian", text=_printed(binary, "manual", "poplar.yaml")).stdout
    plain = _run("col", "-b", text=text).stdout
    assert "listeners[].address" in plain and "Default: 10m." in plain
    assert "poplar(1)" in plain


def test_an_installation_has_them(binary, tmp_path):
    """In files, of which the package is made, and as the program prints them."""
    done = _run("cmake", "--install", ROOT / "build" / "release", "--prefix", tmp_path)
    assert done.returncode == 0, done.stderr
    for page, section in ("poplar", 1), ("poplar.yaml", 5):
        file = tmp_path / f"share/man/man{section}/{page}.{section}.gz"
        assert gzip.decompress(file.read_bytes()).decode() == _printed(binary, "manual", page)
    for shell, file in (("bash", "bash-completion/completions/poplar"), ("zsh", "zsh/vendor-completions/_poplar"),
                        ("fish", "fish/vendor_completions.d/poplar.fish")):
        assert (tmp_path / "share" / file).read_text() == _printed(binary, "completion", shell)


def _bash(binary, tmp_path, *words):
    script = tmp_path / "poplar.bash"
    script.write_text(_printed(binary, "completion", "bash"))
    line = " ".join(f"'{word}'" for word in words)
    done = _run("bash", "--norc", "-uc",
                f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _poplar; printf '%s\\n' ${{COMPREPLY[@]+\"${{COMPREPLY[@]}}\"}}")
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


def _zsh(binary, tmp_path, *words):
    """By the shell's own completion system, in a terminal: what it lists."""
    script = tmp_path / "_poplar"
    script.write_text(_printed(binary, "completion", "zsh"))
    done = _run("zsh", "-f", pathlib.Path(__file__).with_name("complete.zsh"), tmp_path, " ".join(words))
    assert "<BEGIN>" in done.stdout, done.stdout + done.stderr
    return set(done.stdout.split("<BEGIN>", 1)[1].split("<END>", 1)[0].split())


def _fish(binary, tmp_path, *words):
    script = tmp_path / "poplar.fish"
    script.write_text(_printed(binary, "completion", "fish"))
    line = " ".join(words)
    done = _run("env", f"HOME={tmp_path}", "fish", "--no-config", "-c", f"source {script}; complete --do-complete '{line}'")
    assert not done.stderr, done.stderr
    return {candidate.split("\t")[0] for candidate in done.stdout.splitlines()}


@pytest.fixture(params=[_bash, _zsh, _fish], ids=["bash", "zsh", "fish"])
def complete(request, binary, tmp_path):
    return lambda *words: request.param(binary, tmp_path, *words)


def test_commands_complete(complete):
    assert complete("poplar", "undr") >= {"undrain"}
    assert complete("poplar", "") >= {"serve", "check", "map", "probe", "demo"}
    assert complete("poplar", "map", "") >= {"build", "get", "check"}


def test_options_complete_by_command(complete):
    assert complete("poplar", "map", "build", "--ke") >= {"--keep-case"}
    found = complete("poplar", "sessions", "--")
    assert found >= {"--user", "--node", "--client", "--limit", "--format", "--config"}
    assert not found & {"--keep-case", "--nagios"}


def test_few_values_complete(complete):
    assert complete("poplar", "sessions", "--format", "") >= {"text", "json"}
    assert complete("poplar", "sessions", "--format", "j") == {"json"}
