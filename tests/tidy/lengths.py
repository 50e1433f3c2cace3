"""Functions of at most 70 lines, files of at most 500."""

import re

from source import Finding, Tree, blanked

FUNCTION_LINES = 70
FILE_LINES = 500

_SCOPE = re.compile(r"\b(namespace|class|struct|enum|union|extern)\b")
_CONTROL = re.compile(r"^\s*(if|for|while|switch|do|else|try|catch|return|co_return)\b")


def _is_function(head: str) -> bool:
    """Whether the text between the last ; { } and a { introduces a body of statements."""
    head = re.sub(r"\[\[.*?\]\]", "", head.strip())
    if _CONTROL.match(head):
        return False
    if "(" not in head:
        return False
    before = head.split("(", 1)[0]
    # `class Foo : Base<int()> {` is a scope; `struct Foo Make() {` is a function.
    return not (_SCOPE.search(before) and re.search(r"(?<!:):(?!:)", before))


def functions(text: str):
    """(first line of the body, lines of it) for each outermost function of C++ text."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda match: re.sub(r"[^\n]", " ", match[0]),
                  blanked(text), flags=re.MULTILINE)
    found, stack, head_start, line = [], [], 0, 1
    for offset, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character == ";":
            head_start = offset + 1
        elif character == "{":
            inside = any(kind for kind, _ in stack)
            stack.append((not inside and _is_function(code[head_start:offset]), line))
            head_start = offset + 1
        elif character == "}":
            if stack:
                is_function, first = stack.pop()
                if is_function:
                    found.append((first, line - first + 1))
            head_start = offset + 1
    return found


def check(tree: Tree):
    findings = []
    for path, text in tree.cpp():
        lines = text.count("\n")
        if lines > FILE_LINES:
            findings.append(Finding(path, lines, f"{lines} lines; at most {FILE_LINES}"))
        for first, count in functions(text):
            if count > FUNCTION_LINES:
                findings.append(
                    Finding(path, first, f"a function of {count} lines; at most {FUNCTION_LINES}"))
    return findings
