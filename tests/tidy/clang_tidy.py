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
    # A file has to include what it uses, whatever is precompiled.
    if "-include-pch" in words:
        begin, end = words.index("-Winvalid-pch"), words.index("-include", words.index("-include-pch"))
        words = words[:begin] + words[end + 3:]
    output = words.index("-o")
    words = words[:output] + words[output + 2:]
    done = subprocess.run([*words, "-E", "-P"], cwd=entry["directory"], capture_output=True)
    if done.returncode != 0:
        print(done.stderr.decode(errors="replace"), flush=True)
        return 1
    text = done.stdout
    # NOLINT lives in comments, which preprocessing drops: the file itself counts as well.
    key = hashlib.sha256(text + source.read_bytes()
                         + pathlib.Path(".clang-tidy").read_bytes()).hexdigest()
    passed = build / "clang-tidy" / key
    if passed.exists():
        return 0
    done = subprocess.run(["clang-tidy-19", "--quiet", str(source), "--", *words[1:]],
                          cwd=entry["directory"], capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
        return 1
    passed.parent.mkdir(parents=True, exist_ok=True)
    passed.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
