"""What is made of measurements: ratios, targets, and the documents that show them."""

import copy
import pathlib
import statistics
import sys

import pytest

_BENCH = pathlib.Path(__file__).resolve().parents[4] / "bench"
sys.path.insert(0, str(_BENCH / "compare"))

import compare  # noqa: E402
import tables  # noqa: E402
import targets  # noqa: E402

LOGIN = "login, resumed"


@pytest.fixture
def results():
    """Three rounds of one scenario: a peer, a better one that failed a session, Poplar, the floor."""
    rounds = {"haproxy": [400, 500, 600], "nginx-mail": [100, 100, 100], "poplar-unparked": [200, 400, 300], "floor": [100, 400, 300]}
    rows = {name: {"cpu_us": statistics.median(each), "cpu_us_of_rounds": each, "failed": 0} for name, each in rounds.items()}
    rows["nginx-mail"]["failed"] = 1
    return {"cpu": {LOGIN: {"rows": rows}}}


def _target(results, what):
    (found,) = [each for each in targets.targets(results) if each["what"] == what]
    return found


def test_the_documents_are_made_of_the_results_alone(tmp_path):
    """Nobody has written a figure into them, and none was left from another run."""
    compare.write(compare.read(_BENCH / "results.json"), tmp_path)
    for name in ("results.json", "results.svg", "RESULTS.md"):
        assert (tmp_path / name).read_text() == (_BENCH / name).read_text(), f"{name} isn't what its results make of it"


def test_a_ratio_is_the_median_of_those_within_each_round(results):
    targets.add_ratios(results)
    row = results["cpu"][LOGIN]["rows"]["poplar-unparked"]
    assert row["to_best_peer"] == 0.5   # of 0.5, 0.8, 0.5; the medians' is 0.6
    assert row["to_floor"] == 1         # of 2, 1, 1


def test_rounds_that_are_not_the_same_are_compared_by_their_medians(results):
    del results["cpu"][LOGIN]["rows"]["haproxy"]["cpu_us_of_rounds"][0]
    targets.add_ratios(results)
    assert results["cpu"][LOGIN]["rows"]["poplar-unparked"]["to_best_peer"] == 0.6


def test_who_failed_sessions_is_nobody_to_be_measured_against(results):
    targets.add_ratios(results)
    found = _target(results, f"CPU: {LOGIN}")
    assert (found["best_peer"], found["best"], found["ratio"], found["reached"]) == ("haproxy", 500, 0.5, True)
    results["cpu"][LOGIN]["rows"]["nginx-mail"]["failed"] = 0
    targets.add_ratios(results)
    found = _target(results, f"CPU: {LOGIN}")
    assert (found["best_peer"], found["ratio"], found["reached"]) == ("nginx-mail", 3, False)


def test_what_was_not_measured_is_not_told(results):
    targets.add_ratios(results)
    assert _target(results, "CPU: login, full handshake")["reached"] is None
    assert all(each["reached"] is None for each in targets.targets({}))
    del results["cpu"][LOGIN]["rows"]["poplar-unparked"]
    assert _target(results, f"CPU: {LOGIN}")["reached"] is None


def test_upstreams_library_has_rows_of_its_own_where_it_was_measured(results):
    what = f"CPU, upstream's BoringSSL: {LOGIN}"
    assert what not in [each["what"] for each in targets.targets(results)]
    rows = results["cpu"][LOGIN]["rows"]
    rows["poplar-unparked-upstream"], rows["floor-upstream"] = copy.deepcopy(rows["poplar-unparked"]), copy.deepcopy(rows["floor"])
    targets.add_ratios(results)
    assert _target(results, what)["ratio"] == 0.5


@pytest.mark.parametrize("row, words", [
    ({"failed": 2, "sessions": 9}, "**x**: 2 of 9 sessions failed."),
    ({"error": "it is gone"}, "**x** could not be measured: it is gone"),
    ({"errors": ["no answer"]}, "**x**: a round could not be measured: no answer")])
def test_troubles_are_told(row, words):
    part = {"rows": {"x": row, "y": {"failed": 0}}}
    assert list(tables.troubles(part, expected=False)) == [words]
    assert list(tables.troubles(part, expected=True)) == ([] if "failed" in row else [words])
