"""Dashboards of deploy/grafana, read as Grafana reads them, and what is wrong with their shape."""

import json
import re

from poplar import ROOT

FOLDER = ROOT / "deploy" / "grafana"
NAMES = ("poplar-overview", "poplar-nodes", "poplar-pools", "poplar-tls", "poplar-abuse",
         "poplar-places")
_COLUMNS = 24
_UNITS = {"none", "short", "s", "percentunit", "bytes", "Bps", "cps", "dateTimeAsIso"}
_BUILT_IN = {"__rate_interval", "__interval", "__range", "__all"}
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
# A metric's name, and the selector behind it where there is one; not the recorded ones, which have a colon.
_SELECTOR = re.compile(r"(?<![:\w\"])((?:poplar|process)_\w+|up)\b(?!:)({[^}]*})?")


def read(name: str):
    return json.loads((FOLDER / f"{name}.json").read_text())


def panels(dashboard):
    """All of them but the rows' titles."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard):
    """[(title, expression, legend, panel or None)] of panels and annotations."""
    found = [(panel["title"], target["expr"], target["legendFormat"], panel)
             for panel in panels(dashboard) for target in panel["targets"]]
    return found + [(f"annotation {each['name']}", each["expr"], each["titleFormat"], None)
                    for each in dashboard["annotations"]["list"]]


def substituted(expression: str, window: str, job: str = "poplar") -> str:
    """As Grafana sends it with everything chosen."""
    values = {"__rate_interval": window, "__interval": window, "__range": window, "job": job, "instance": ".+",
              "cluster": ".+"}
    return _VARIABLE.sub(lambda match: values[match[1]], expression)


def _overlap(one, other) -> bool:
    return (one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"])


def _places(dashboard):
    every = dashboard["panels"]
    for index, panel in enumerate(every):
        place = panel["gridPos"]
        if place["x"] < 0 or place["w"] < 1 or place["h"] < 1 or place["x"] + place["w"] > _COLUMNS:
            yield f"{panel['title']}: not within the {_COLUMNS} columns"
        for other in every[index + 1:]:
            if _overlap(place, other["gridPos"]):
                yield f"{panel['title']} lies over {other['title']}"


def _head(dashboard):
    for key in ("uid", "title", "description", "tags", "time", "refresh"):
        if not dashboard.get(key):
            yield f"no {key}"
    if dashboard.get("id") is not None:
        yield "an id of its own: another Grafana has given that one to something else"
    if dashboard.get("schemaVersion", 0) < 39:
        yield "schemaVersion is below 39"
    for key in ("id", "title"):
        values = [panel[key] for panel in dashboard["panels"]]
        for value in sorted({str(value) for value in values if values.count(value) > 1}):
            yield f"two panels with {key} {value}"
    if dashboard["panels"][0]["type"] != "row":
        yield "the first panel is in no row"


def _variables(dashboard):
    declared = {each["name"]: each for each in dashboard["templating"]["list"]}
    for name in ("datasource", "job", "instance"):
        if name not in declared:
            yield f"no variable {name}"
    text = json.dumps([dashboard["panels"], dashboard["annotations"], dashboard["templating"]])
    used = set(_VARIABLE.findall(text)) - _BUILT_IN
    for name in sorted(used - set(declared)):
        yield f"${name} is no variable"
    for name in sorted(set(declared) - used):
        yield f"${name} is used nowhere"
    for name, each in declared.items():
        if each["type"] == "query" and not (each["multi"] and each["includeAll"] and each["allValue"]):
            yield f"${name} can't be everything"


def _expression(title, text):
    if not text.strip():
        yield f"{title}: no expression"
    if re.search(r"\[\d", text):
        yield f"{title}: a fixed window instead of $__rate_interval"
    for metric, selector in _SELECTOR.findall(text):
        for name in ("job", "instance"):
            if metric != "poplar_build_info" and f'{name}=~"${name}"' not in selector:
                yield f"{title}: {metric} heeds no ${name}"


def _panel(panel):
    title = panel["title"]
    for key in ("title", "description"):
        if not panel.get(key):
            yield f"{title}: no {key}"
    if panel["fieldConfig"]["defaults"].get("unit") not in _UNITS:
        yield f"{title}: no unit, or none that is known here"
    for part in (panel, *panel["targets"]):
        if part.get("datasource") != {"type": "prometheus", "uid": "${datasource}"}:
            yield f"{title}: its data aren't ${{datasource}}'s"
    references = [target["refId"] for target in panel["targets"]]
    if not references or len(set(references)) != len(references):
        yield f"{title}: no queries, or two of one name"
    for target in panel["targets"]:
        yield from _expression(title, target["expr"])
        if panel["type"] != "table" and not target["legendFormat"]:
            yield f"{title}: a query without a legend"


def findings(dashboard):
    """What is wrong with it; empty where nothing is."""
    found = [*_head(dashboard), *_places(dashboard), *_variables(dashboard)]
    for panel in panels(dashboard):
        found += _panel(panel)
    for each in dashboard["annotations"]["list"]:
        found += _expression(f"annotation {each['name']}", each["expr"])
    return found
