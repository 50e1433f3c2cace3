"""The page that draws dashboards for pictures: that it knows all that they use, so that no picture leaves out or bends
what Grafana would show. The answers are made up here; what Prometheus really answers is test_prometheus.py's matter."""

import copy
import re

import pytest

import grafana
from browser import chromium
from dashboard_page import page

_RANGE = {"from": 1764400000, "to": 1764400010, "step": 1}
_TIMES = range(_RANGE["from"], _RANGE["to"] + 1)


@pytest.fixture(scope="module")
def drawing(folder):
    with chromium(folder) as browser, page(folder / "page", browser) as made:
        yield made


def _series(panel, target, number: int):
    """One that suits the kind of panel; `number` tells those of a query apart."""
    labels = {name: f"{name}{number}" for name in re.findall(r"{{(\w+)}}", target["legendFormat"])}
    if panel["type"] == "heatmap":
        labels["le"] = ("0.001", "0.5", "+Inf")[number]
    value = str(number if panel["type"] != "table" else 0)
    if target["instant"]:
        return {"metric": {"instance": f"one{number}"}, "value": [_RANGE["to"], value]}
    return {"metric": labels, "values": [[time, value] for time in _TIMES]}


def made_up(dashboard):
    answers = {panel["id"]: {target["refId"]: [_series(panel, target, number) for number in
                                               range({"stat": 1, "state-timeline": 2}.get(panel["type"], 3))]
                             for target in panel["targets"]} for panel in grafana.panels(dashboard)}
    return {"dashboard": dashboard, "range": _RANGE, "answers": answers,
            "annotations": [{"color": each["iconColor"], "times": [_RANGE["from"] + 5]}
                            for each in dashboard["annotations"]["list"]]}


@pytest.mark.parametrize("name", grafana.NAMES)
def test_all_that_the_dashboards_use_is_known(drawing, name):
    dashboard = grafana.read(name)
    assert drawing.draw(made_up(dashboard)) == ([], [])
    assert drawing.browser.texts(".panel h2") == [panel["title"] for panel in grafana.panels(dashboard)]
    assert drawing.browser.text("#file") == f"deploy/grafana/{name}.json"


def _defaults(**more):
    return lambda panel: panel["fieldConfig"]["defaults"].update(more)


def _custom(**more):
    return lambda panel: panel["fieldConfig"]["defaults"]["custom"].update(more)


def _options(**more):
    return lambda panel: panel["options"].update(more)


def _steps(**more):
    return lambda panel: panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0].update(more)


def _first_override(**more):
    return lambda panel: panel["fieldConfig"]["overrides"][0]["properties"][0].update(more)


def _within(option, **more):
    return lambda panel: panel["options"][option].update(more)


_OVERRIDE = {"matcher": {"id": "byName", "options": "ok"}, "properties": [{"id": "unit", "value": "s"}]}

# What may come into a dashboard that the page can't draw: a kind of panel, what is done to one, what the page says.
_UNKNOWN = {
    "another kind": ("stat", lambda panel: panel.update(type="gauge"), 'the kind of panel is "gauge"'),
    "another unit": ("timeseries", _defaults(unit="bits"), 'the unit is "bits"'),
    "a unit of a column": ("table", _first_override(value="h"), 'the unit is "h"'),
    "another colour": ("stat", _steps(color="pink"), 'the colour is "pink"'),
    "an option more": ("timeseries", _options(timezone=["utc"]), "options.timezone.0 is known to nobody"),
    "a field more": ("state-timeline", _defaults(displayName="it"), "defaults.displayName is known to nobody"),
    "bars": ("timeseries", _custom(drawStyle="bars"), 'drawStyle is "bars"'),
    "shares": ("timeseries", _custom(stacking={"mode": "percent", "group": "A"}), 'stacking.mode is "percent"'),
    "a legend elsewhere": ("timeseries", _within("legend", placement="right"), 'placement is "right"'),
    "another figure": ("stat", _within("reduceOptions", calcs=["mean"]), 'calcs is "mean"'),
    "an override": ("timeseries", lambda panel: panel["fieldConfig"]["overrides"].append(_OVERRIDE),
                    "overrides.0.matcher.id is known to nobody"),
    "another scheme": ("heatmap", _within("color", scheme="Blues"), 'scheme is "Blues"'),
    "another transformation": ("table", lambda panel: panel["transformations"].append({"id": "sortBy", "options": {}}),
                               "the number of transformations is 3"),
    "a value without a word": ("state-timeline", lambda panel: panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
                               .pop("0"), "the value 0 has no mapping"),
    "a row that is shut": ("row", lambda panel: panel.update(collapsed=True), "collapsed is true"),
}


def test_what_is_unknown_is_complained_about(drawing):
    """All of it in one dashboard, a panel each."""
    nodes, overview = grafana.read("poplar-nodes"), grafana.read("poplar-overview")
    every = [*overview["panels"], *nodes["panels"]]
    panels = []
    for number, (mistake, (kind, spoil, _)) in enumerate(_UNKNOWN.items(), 1):
        panel = copy.deepcopy(next(each for each in every if each["type"] == kind))
        panel.update(id=number, title=mistake)
        panels.append(panel)
    dashboard = {**overview, "panels": panels}
    made = made_up(dashboard)
    for panel in panels:
        _UNKNOWN[panel["title"]][1](panel)
    complaints, _ = drawing.draw(made)
    for mistake, (_, _, said) in _UNKNOWN.items():
        assert any(each.startswith(f"{mistake}: ") and said in each for each in complaints), (mistake, complaints)


def test_a_panel_without_an_answer_is_told_of(drawing):
    made = made_up(grafana.read("poplar-abuse"))
    titles = {panel["id"]: panel["title"] for panel in grafana.panels(made["dashboard"])}
    for answers in made["answers"].values():
        for series in answers.values():
            series.clear()
    assert drawing.draw(made) == ([], list(titles.values()))


@pytest.mark.parametrize("unit, decimals, value, text", [
    ("short", None, 12, "12"), ("short", None, 15300, "15.3 K"), ("none", None, 0.123456, "0.123"),
    ("percentunit", 2, 0.99912, "99.91%"), ("percentunit", None, 1, "100%"), ("s", None, 0.00253, "2.53 ms"),
    ("s", None, 90, "1.5 mins"), ("s", None, 172800, "2 days"), ("s", None, 0, "0 s"), ("bytes", None, 1536, "1.5 KiB"),
    ("Bps", None, 2500000, "2.5 MB/s"), ("cps", None, 0.5, "0.5 c/s"),
    ("dateTimeAsIso", None, 1764400000000, "2025-11-29 07:06:40"),
])
def test_units_are_written_as_grafana_does(drawing, unit, decimals, value, text):
    script = """const [unit, decimals, value] = arguments;
                return import("/units.js").then(({shownAs}) => shownAs(unit, decimals ?? undefined)(value));"""
    assert drawing.browser.run(script, unit, decimals, value) == text
