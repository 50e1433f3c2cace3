"""The three tables: each row is a check that runs here against every server, a test elsewhere, or a reason why not."""

import dataclasses
import pathlib
import re
import typing

SERVERS = ("dovecot", "dovecot-locked", "courier", "cyrus", "popa3d", "mailutils")
TESTS = pathlib.Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Row:
    source: str   # an RFC's number, or a client's name
    section: str  # of the RFC; of a client: what it does
    brief: str    # what a proxy must do about it
    check: typing.Callable = None
    servers: tuple = SERVERS
    except_because: str = ""  # why the other servers are left out
    # "test_file.py::test_function", the name of another row's check, or "unit/folder/file_test.cc::Suite.Test".
    elsewhere: tuple = ()
    not_done: str = ""        # why there is no test

    @property
    def name(self) -> str:
        return self.check.__name__


RFCS, CLIENTS, EVIL = [], [], []


def _servers(without: dict):
    assert set(without) <= set(SERVERS), without
    return {"servers": tuple(name for name in SERVERS if name not in without),
            "except_because": "; ".join(f"{name}: {why}" for name, why in without.items())}


class Section:
    """Rows of one source; use as `rfc = Section(RFCS, "1939")`."""

    def __init__(self, rows: list, source: str):
        self._rows, self._source = rows, source

    def check(self, section: str, brief: str, without: dict = None):
        """The decorated function(stand) is the row's check. `without`: server -> why it can't be run there."""
        def register(function):
            self._rows.append(Row(self._source, section, brief, function, **_servers(without or {})))
            return function
        return register

    def elsewhere(self, section: str, brief: str, *tests: str):
        self._rows.append(Row(self._source, section, brief, elsewhere=tests))

    def not_done(self, section: str, brief: str, why: str):
        self._rows.append(Row(self._source, section, brief, not_done=why))


def all_rows():
    from conformance import clients, evil, rfc1939, rfc2449, sasl, rfcs  # noqa: F401  registering is all they do
    return RFCS + CLIENTS + EVIL


def _exists(place: str) -> bool:
    if "::" not in place:
        return any(other.check and other.name == place for other in all_rows())
    file, name = place.split("::")
    if file.startswith("unit/"):
        return _unit_test_exists(TESTS.parent / file, *name.split("."))
    return bool(re.search(rf"^def {re.escape(name)}\(", _text(TESTS / file), re.MULTILINE))


def _unit_test_exists(file: pathlib.Path, suite: str, name: str) -> bool:
    """In the source, and in a file that is built."""
    built = file.name in _text(file.parent / "CMakeLists.txt").split()
    test = rf"^TEST(_F|_P)?\({re.escape(suite)},\s*{re.escape(name)}\)"
    return built and bool(re.search(test, _text(file), re.MULTILINE))


def _text(file: pathlib.Path) -> str:
    return file.read_text() if file.exists() else ""


def missing(row: Row):
    """What the row names and the tests don't have."""
    return [place for place in row.elsewhere if not _exists(place)]


def _shown(row: Row) -> str:
    if row.check:
        return f"`{row.name}`"
    if row.elsewhere:
        return ", ".join(f"`{place}`" for place in row.elsewhere)
    return f"not done: {row.not_done}"


def _where(row: Row) -> str:
    if not row.check:
        return ""
    return "all" if row.servers == SERVERS else f"all but {row.except_because}"


def document() -> str:
    """CONFORMANCE.md."""
    all_rows()
    lines = [
        "# What is asked of a POP3 proxy, and what shows it",
        "",
        "Written by `python3 tests/integration/conformance_document.py`; a test keeps it equal to the tables in",
        "`conformance/`. A row shown by a bare name is a check of `test_conformance.py`, which runs through Poplar to each of",
        f"the servers {', '.join(SERVERS)}; `dovecot-locked` has `pop3_lock_session` and `pop3_enable_last`.",
        "`unit/` is `tests/unit/`.",
    ]
    for title, rows, head in (("RFCs", RFCS, ("RFC", "section", "in brief")),
                              ("Clients", CLIENTS, ("client", "what it does", "what that asks of us")),
                              ("Evil nodes", EVIL, ("class", "what a node does", "what that asks of us"))):
        lines += ["", f"## {title}", "", "| " + " | ".join([*head, "shown by", "servers"]) + " |", "|---" * 5 + "|"]
        for row in rows:
            cells = [row.source, row.section, row.brief, _shown(row), _where(row)]
            assert not any("|" in cell for cell in cells), cells
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
