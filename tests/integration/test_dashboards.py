"""The shape of the dashboards in deploy/grafana: what Grafana would show crookedly or not at all. Their figures are
test_prometheus.py's matter."""

import copy
import re
import subprocess

import pytest

import grafana
from prometheus import DEPLOYED


@pytest.mark.parametrize("name", grafana.NAMES)
def test_the_shape_is_sound(name):
    dashboard = grafana.read(name)
    assert grafana.findings(dashboard) == []
    assert dashboard["uid"] == name


def test_no_dashboard_is_left_out():
    assert sorted(path.stem for path in grafana.FOLDER.glob("*.json")) == sorted(grafana.NAMES)
    assert len({grafana.read(name)["title"] for name in grafana.NAMES}) == len(grafana.NAMES)


def _build(folder, *arguments):
    return subprocess.run(["/usr/bin/python3", "-B", folder / "build.py", *arguments], capture_output=True, text=True)


def test_the_files_are_what_the_generator_writes():
    done = _build(grafana.FOLDER, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generator_notices_a_change_by_hand(tmp_path):
    for path in grafana.FOLDER.iterdir():
        if path.suffix in (".py", ".json"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = tmp_path / "poplar-tls.json"
    changed.write_text(changed.read_text().replace("Handshakes by result", "Shakes", 1))
    done = _build(tmp_path, "--check")
    assert done.returncode == 1 and done.stdout.startswith("poplar-tls.json is not what")
    assert _build(tmp_path).returncode == 0
    assert changed.read_text() == (grafana.FOLDER / "poplar-tls.json").read_text()


def _first(dashboard, kind):
    return next(panel for panel in dashboard["panels"] if panel["type"] == kind)


# What may go wrong, as something done to a sound dashboard, and what the checker says of it.
_MISTAKES = {
    "twice the same id": (lambda made: made["panels"][1].update(id=made["panels"][2]["id"]), "two panels with id"),
    "twice the same title": (lambda made: made["panels"][1].update(title=made["panels"][2]["title"]),
                             "two panels with title"),
    "one over the other": (lambda made: made["panels"][2]["gridPos"].update(made["panels"][1]["gridPos"]), "lies over"),
    "too far right": (lambda made: made["panels"][1]["gridPos"].update(x=23), "not within"),
    "old": (lambda made: made.update(schemaVersion=36), "below 39"),
    "an id": (lambda made: made.update(id=7), "an id of its own"),
    "no uid": (lambda made: made.update(uid=""), "no uid"),
    "no description": (lambda made: _first(made, "timeseries").update(description=""), "no description"),
    "no unit": (lambda made: _first(made, "stat")["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    "a typo in the unit": (lambda made: _first(made, "stat")["fieldConfig"]["defaults"].update(unit="secs"), "no unit"),
    "other data": (lambda made: _first(made, "stat").update(datasource={"type": "prometheus", "uid": "abc"}),
                   "aren't ${datasource}'s"),
    "other data in a query": (lambda made: _first(made, "stat")["targets"][0].pop("datasource"),
                              "aren't ${datasource}'s"),
    "no query": (lambda made: _first(made, "stat").update(targets=[]), "no queries"),
    "an empty query": (lambda made: _first(made, "stat")["targets"][0].update(expr=" "), "no expression"),
    "a fixed window": (lambda made: _first(made, "timeseries")["targets"][0].update(
        expr='rate(poplar_logins_total{job=~"$job", instance=~"$instance"}[5m])'), "a fixed window"),
    "everybody's": (lambda made: _first(made, "timeseries")["targets"][0].update(
        expr='sum(poplar_sessions_active{job=~"$job"})'), "heeds no $instance"),
    "everybody's, without any labels": (lambda made: _first(made, "timeseries")["targets"][0].update(
        expr="sum(poplar_sessions_active)"), "heeds no $job"),
    "no legend": (lambda made: _first(made, "timeseries")["targets"][0].update(legendFormat=""), "without a legend"),
    "an unknown variable": (lambda made: _first(made, "timeseries")["targets"][0].update(
        expr='up{job=~"$job", instance=~"$instance", pod=~"$pod"}'), "$pod is no variable"),
    "a variable too many": (lambda made: made["templating"]["list"].append(
        {**made["templating"]["list"][1], "name": "pod"}), "$pod is used nowhere"),
    "a variable too few": (lambda made: made["templating"]["list"].pop(1), "no variable job"),
    "no choice of all": (lambda made: made["templating"]["list"][1].update(includeAll=False), "can't be everything"),
    "no row": (lambda made: made["panels"].pop(0), "in no row"),
}


@pytest.mark.parametrize("mistake", _MISTAKES)
def test_the_checker_can_fail(mistake):
    spoil, complaint = _MISTAKES[mistake]
    dashboard = copy.deepcopy(grafana.read("poplar-tls"))
    spoil(dashboard)
    found = grafana.findings(dashboard)
    assert any(complaint in each for each in found), found


def test_runbooks_quote_panels_that_there_are():
    boards = [grafana.read(name) for name in grafana.NAMES]
    titles = {panel["title"] for board in boards for panel in board["panels"]}
    titles |= {board["title"].removeprefix("Poplar / ") for board in boards}
    quoted = set(re.findall(r'"([A-Z][^"]+)"', (DEPLOYED / "runbooks.md").read_text()))
    assert len(quoted) > 10
    assert quoted - titles == set()
