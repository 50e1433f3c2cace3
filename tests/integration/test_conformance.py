"""The tables of conformance/: each row's check against each server, and CONFORMANCE.md equal to them."""

import pytest

from conformance import table
from conformance.stand import Stand

ROWS = table.all_rows()
CHECKS = [(server, row) for server in table.SERVERS for row in ROWS if row.check and server in row.servers]


@pytest.fixture(scope="module")
def stand(request, folder, start, node_certificate):
    with Stand(request.param, folder, start, node_certificate) as made:
        yield made


@pytest.mark.parametrize("stand, row", CHECKS, indirect=["stand"], scope="module",
                         ids=[f"{server}-{row.name}" for server, row in CHECKS])
def test_row(stand, row):
    row.check(stand)


def test_the_document_is_the_table():
    written = (table.TESTS / "CONFORMANCE.md").read_text()
    assert written == table.document(), "python3 tests/integration/conformance_document.py > tests/integration/CONFORMANCE.md"


def test_what_rows_name_is_there():
    assert not [place for row in ROWS for place in table.missing(row)]
    for row in ROWS:
        assert bool(row.check) + bool(row.elsewhere) + bool(row.not_done) == 1, row
    names = [row.name for row in ROWS if row.check]
    assert len(names) == len(set(names))


def test_what_is_not_there_is_missed():
    there = ("test_conformance.py::test_row", "keywords_in_any_case",
             "unit/proxy/pop3/command_test.cc::ExpectsMultiLineTest.FollowsTheFramingTable")
    assert not table.missing(table.Row("", "", "", elsewhere=there))
    gone = ("test_conformance.py::test_rows", "test_none.py::test_row", "keywords",
            "unit/proxy/pop3/command_test.cc::ExpectsMultiLineTest.Follows", "unit/proxy/pop3/none_test.cc::A.B",
            "unit/proxy/pop3/command_test.cc::ExpectsMulti.FollowsTheFramingTable")
    assert table.missing(table.Row("", "", "", elsewhere=gone)) == list(gone)
