"""clang-tidy-19 on one file, unless it passed before as it is now: clang_tidy.py BUILD_FOLDER FILE."""

import hashlib
import json
import pathlib
import shlex
import subprocess
import sys


def main(build: pathlib.Path, file: str) -> int:
    source = pathlib.Path(file).resolve()
    commands = json.loads((build / "compile_commands.json").read_text())
    entry = next((each for each in commands if pathlib.Path(each["file"]) == source), None)
    if entry is None:
        print(f"{file}: not part of {build}, so nobody compiles or checks it")
        return 1
    words = shlex.split(entry["command"])
    words = [word for word in words if not word.endswith("ccache")]
    # The preprocessor would leave out what is precompiled.
    if "-include-pch" in words:
        at = words.index("-include-pch")
        words = words[:at - 1] + words[at + 3:]
    output = words.index("-o")
    preprocess = words[:output] + words[output + 2:] + ["-E", "-P"]
    text = subprocess.run(preprocess, cwd=entry["directory"], capture_output=True, check=True).stdout
    # NOLINT lives in comments, which preprocessing drops: the file itself counts as well.
    key = hashlib.sha256(text + source.read_bytes()
                         + pathlib.Path(".clang-tidy").read_bytes()).hexdigest()
    passed = build / "clang-tidy" / key
    if passed.exists():
        return 0
    done = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(build), file],
                          capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
        return 1
    passed.parent.mkdir(parents=True, exist_ok=True)
    passed.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
