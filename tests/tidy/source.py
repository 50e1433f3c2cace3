"""Reading the tree: which files count, and C++ with its comments and literals blanked."""

import dataclasses
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = ("proxy", "balancer", "metrics")  # what is shipped
CPP = (".cc", ".h")


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    """One broken rule at one place."""
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Tree:
    """File names (relative to the root) and their text; tests make trees of their own."""

    def __init__(self, files):
        self.files = files

    @classmethod
    def of_repository(cls, root: pathlib.Path = ROOT) -> "Tree":
        """Every file that git tracks, or would (not ignored), that is text."""
        listed = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "ls-files", "--cached", "--others",
             "--exclude-standard", "-z"], cwd=root, capture_output=True, check=True).stdout
        files = {}
        for name in listed.decode().split("\0"):
            path = root / name
            if name and path.is_file() and not path.is_symlink():
                files[name] = path.read_text(errors="replace")
        return cls(files)

    def cpp(self, *folders):
        """(path, text) of the C++ files below these folders, all of them where none is named."""
        for path, text in sorted(self.files.items()):
            if path.endswith(CPP) and (not folders or path.split("/")[0] in folders):
                yield path, text


_TOKEN = re.compile(
    r'R"(?P<mark>[^()\\ ]{0,16})\(.*?\)(?P=mark)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"  # not the ' in 1'000'000
    r"|//[^\n]*|/\*.*?\*/", re.DOTALL)


def blanked(text: str) -> str:
    """The text with comments and literals turned into blanks; every line keeps its number."""
    def blank(match):
        found = match[0]
        keep = '""' if not found.startswith(("//", "/*")) else ""
        return keep + re.sub(r"[^\n]", " ", found)[len(keep):]
    return _TOKEN.sub(blank, text)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
