"""clang-tidy-19 over the product, a folder at a time: clang_tidy.py BUILD_FOLDER FILE...

Most of what clang-tidy does for one file it does for the headers that the file includes, and those are nearly the same for
all files of a folder. So it is given one that includes them all. Files whose own names clash take a second turn.
A batch whose preprocessed text and rules are as they were when it last passed is not looked at again.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

_RULES = pathlib.Path(".clang-tidy").resolve()
# In a batch, what is a file's own is seen by the next one; the compiler looks for shadows file by file.
_OPTIONS = ("--quiet", f"--config-file={_RULES}",
            r"--header-filter=/(proxy|balancer|metrics|tests|bench)/.*\.(h|cc)$")
_BATCH = ("-Wno-shadow", "-ferror-limit=0")


def main(build: pathlib.Path, files) -> int:
    folder = build / "clang-tidy"
    folder.mkdir(parents=True, exist_ok=True)
    entries = {pathlib.Path(each["file"]): each for each in json.loads((build / "compile_commands.json").read_text())}
    batches, unknown = {}, []
    for file in sorted(pathlib.Path(each).resolve() for each in files):
        if file in entries:
            batches.setdefault((file.parent, *_command(entries[file])), []).append(file)
        else:
            unknown.append(file)
    for file in unknown:
        print(f"{file}: not part of {build}, so nobody compiles or checks it")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # The largest first, so that no core has one of them to itself in the end.
        order = sorted(batches.items(), key=lambda batch: -len(batch[1]))
        fine = list(pool.map(lambda batch: _check(folder, batch[0][1:], batch[1]), order))
    return 1 if unknown or not all(fine) else 0


def _command(entry):
    """How the file is compiled, but for its name and for what is precompiled."""
    words = [word for word in shlex.split(entry["command"]) if not word.endswith("ccache")]
    if "-include-pch" in words:
        begin, end = words.index("-Winvalid-pch"), words.index("-include", words.index("-include-pch"))
        words = words[:begin] + words[end + 3:]
    output = words.index("-o")
    return (*words[:output], *[word for word in words[output + 2:] if word not in ("-c", entry["file"])])


def _check(folder: pathlib.Path, command, files) -> bool:
    """Whether all of them pass; says what does not."""
    fine = True
    while files:
        batch = folder / f"{files[0].parent.name}-{hashlib.sha256(_including(files).encode()).hexdigest()[:12]}.cc"
        together, later = files, []
        while clashing := _clashing(command, batch, together):
            together, later = [file for file in together if file not in clashing], later + clashing
        if not together:
            return False
        fine = _pass(command, batch, together) and fine
        files = later
    return fine


def _including(files) -> str:
    return "".join(f'#include "{file}"  // NOLINT(bugprone-suspicious-include)\n' for file in files)


def _clashing(command, batch, files):
    """Those that define a name of an earlier one; all of them, and a word, if they can't be compiled."""
    batch.write_text(_including(files))
    done = _run([*command, *_BATCH, "-fsyntax-only", "-w", str(batch)])
    bad = set(re.findall(r"^([^:\n]+\.cc):\d+:\d+: (?:fatal )?error: ", done.stderr, re.MULTILINE))
    clashing = [file for file in files if str(file) in bad]
    if done.returncode == 0:
        return []
    if not clashing or len(clashing) == len(files):
        print(done.stderr, flush=True)
        return files
    return clashing


def _pass(command, batch, files) -> bool:
    seen = _run([*command, "-E", "-P", str(batch)])
    # NOLINT lives in comments, which preprocessing drops: the files themselves count as well.
    key = hashlib.sha256(seen.stdout.encode() + b"".join(file.read_bytes() for file in files) + _RULES.read_bytes()
                         + pathlib.Path(__file__).read_bytes()).hexdigest()
    passed = batch.with_name(key)
    if passed.exists():
        return True
    done = _run(["clang-tidy-19", *_OPTIONS, str(batch), "--", *command[1:], *_BATCH])
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
        return False
    passed.touch()
    return True


def _run(words):
    return subprocess.run(words, capture_output=True, text=True, errors="replace")


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
