"""Names, READMEs, corpora, and other rules of the house that need no C++."""

import hashlib
import re

from source import Finding, Tree

_TOP = {"proxy", "balancer", "metrics", "deploy", "tests", "bench", ".ci"}
_BANNED = {"util", "utils", "utility", "utilities", "common", "helper", "helpers", "manager", "misc"}
_README_LINES = 60


def _names(tree):
    for path in tree.files:
        for part in path.split("/"):
            words = set(re.split(r"[._-]", part.lower()))
            if words & _BANNED:
                yield Finding(path, 1, f"{part}: a thing lives with what it serves, and is called so")
                break


def _top(tree):
    folders = {path.split("/")[0] for path in tree.files if "/" in path}
    for folder in sorted(folders - _TOP):
        yield Finding(folder, 1, "no other top-level folder")
    for folder in sorted(folders & (_TOP - {".ci"})):
        readme = f"{folder}/README.md"
        if readme not in tree.files:
            yield Finding(readme, 1, "missing: what lives here, what may not, where to start reading")
        elif (lines := tree.files[readme].count("\n")) > _README_LINES:
            yield Finding(readme, lines, f"{lines} lines; a page has at most {_README_LINES}")
    for name in ("README.md", "CHANGELOG.md", "LICENSE"):
        if not tree.files.get(name, "").strip():
            yield Finding(name, 1, "missing or empty")


def _corpora(tree):
    """tests/fuzz/NAME_fuzz.cc is target fuzz_NAME and has its corpus in tests/fuzz/corpus/fuzz_NAME/."""
    for path in tree.files:
        match = re.fullmatch(r"tests/fuzz/(\w+)_fuzz\.cc", path)
        corpus = f"tests/fuzz/corpus/fuzz_{match[1]}/" if match else ""
        if match and not any(other.startswith(corpus) for other in tree.files):
            yield Finding(path, 1, f"no corpus in {corpus}")


def _headers(tree):
    for path, text in tree.cpp():
        if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield Finding(path, 1, "no #pragma once")


def _third_party(tree):
    """What others wrote lies in third_party/NAME/ unchanged: its README.md has the SHA-256 of each file."""
    for path, text in tree.files.items():
        match = re.fullmatch(r"(.+/third_party/[^/]+)/(?!README\.md$).+", path)
        if match and hashlib.sha256(text.encode()).hexdigest() not in tree.files.get(f"{match[1]}/README.md", ""):
            yield Finding(path, 1, f"its SHA-256 is not in {match[1]}/README.md: it isn't what it was, or nobody said what it is")


def _unit_tests(tree):
    """A unit test stands where its source stands: tests/unit/proxy/pop3/command_test.cc."""
    sources = {path.rsplit(".", 1)[0] for path, _ in tree.cpp("proxy", "balancer", "metrics", "bench")}
    folders = {path.rsplit("/", 1)[0] for path in sources}
    for path, _ in tree.cpp("tests"):
        match = re.fullmatch(r"tests/unit/(.+)/[^/]+_test\.cc", path)
        if match and match[1] not in folders:
            yield Finding(path, 1, f"there is no folder {match[1]} that this could test")


def check(tree: Tree):
    return [finding for rule in (_names, _top, _corpora, _headers, _third_party, _unit_tests)
            for finding in rule(tree)]
