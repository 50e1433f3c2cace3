"""How the dashboards look: panels, their places, and what all dashboards have in common.

In expressions @own stands for what the variables choose of Poplars, @nodes for that and the chosen clusters, @rate for
the window that suits the zoom.
"""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
_OWN = 'job=~"$job", instance=~"$instance"'
_WORDS = {"@own": _OWN, "@nodes": _OWN + ', cluster=~"$cluster"', "@rate": "$__rate_interval"}

# Colours mean the same everywhere.
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "text"


def expression(text: str) -> str:
    for word, meaning in _WORDS.items():
        text = text.replace(word, meaning)
    return " ".join(text.split())


def quantiles(metric: str, labels: str = "", by: str = "", shares=(0.5, 0.9, 0.99), whose: str = "@own"):
    """Targets for a histogram: one a share, and one a value of `by`."""
    where = ", ".join(part for part in (whose, labels) if part)
    groups = ", ".join(part for part in ("le", by) if part)
    legend = " ".join(part for part in (f"{{{{{by}}}}}" if by else "", "p{:g}") if part)
    return [(f"histogram_quantile({share}, sum by ({groups}) (rate({metric}_bucket{{{where}}}[@rate])))",
             legend.format(share * 100) if not by else legend.replace("p{:g}", f"p{share * 100:g}"))
            for share in shares]


def limits(*steps, base=GREEN):
    """Thresholds: the base colour, then (value, colour) from below."""
    return {"mode": "absolute", "steps": [{"color": base, "value": None},
                                          *({"color": color, "value": value} for value, color in steps)]}


def words(**texts):
    """Value mappings such as up=(0, GREEN): the number is shown as the word, in this colour."""
    return [{"type": "value", "options": {
        str(value): {"text": text.replace("_", " "), "color": color, "index": index}
        for index, (text, (value, color)) in enumerate(texts.items())}}]


def _targets(targets, **more):
    return [{"refId": chr(ord("A") + index), "datasource": DATASOURCE, "editorMode": "code",
             "expr": expression(text), "legendFormat": legend, "range": True, "instant": False, **more}
            for index, (text, legend) in enumerate(targets)]


def _panel(kind, title, description, unit, targets, width, height, options, defaults=None, overrides=(), **more):
    return {"type": kind, "title": title, "description": description, "datasource": DATASOURCE,
            "gridPos": {"w": width, "h": height},
            "fieldConfig": {"defaults": {"unit": unit, **(defaults or {})}, "overrides": list(overrides)},
            "options": options, "targets": targets, **more}


def graph(title, description, unit, *targets, width=8, height=8, stack=False, least=0, most=None, log=False):
    """Lines over time; stacked areas where the parts of a whole are shown."""
    custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 40 if stack else 8, "showPoints": "never",
              "spanNulls": False, "stacking": {"mode": "normal" if stack else "none", "group": "A"},
              "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"}}
    defaults = {"custom": custom, "color": {"mode": "palette-classic"}}
    if not log:
        defaults["min"] = least
    if most is not None:
        defaults["max"] = most
    options = {"legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["mean", "max"]},
               "tooltip": {"mode": "multi", "sort": "desc"}}
    return _panel("timeseries", title, description, unit, _targets(targets), width, height, options, defaults)


def tile(title, description, unit, *targets, width=3, height=4, thresholds=None, decimals=None, mappings=()):
    """One number, or a few, as large as it goes."""
    defaults = {"thresholds": thresholds or limits(base=BLUE), "color": {"mode": "thresholds"},
                "mappings": list(mappings), "noValue": "none"}
    if decimals is not None:
        defaults["decimals"] = decimals
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value",
               "graphMode": "area", "justifyMode": "auto", "orientation": "auto", "textMode": "auto"}
    return _panel("stat", title, description, unit, _targets(targets), width, height, options, defaults)


def heatmap(title, description, unit, target, width=8, height=8):
    options = {"calculate": False, "cellGap": 1, "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64,
                                                           "exponent": 0.5, "reverse": False},
               "filterValues": {"le": 1e-9}, "legend": {"show": True}, "rowsFrame": {"layout": "auto"},
               "tooltip": {"mode": "single", "yHistogram": False}, "yAxis": {"axisPlacement": "left", "unit": unit}}
    return _panel("heatmap", title, description, unit, _targets([(target, "{{le}}")], format="heatmap"), width, height,
                  options)


def timeline(title, description, target, mappings, legend="{{cluster}}/{{node}}", width=12, height=8):
    """Which state when, a row each."""
    options = {"showValue": "never", "mergeValues": True, "rowHeight": 0.8, "alignValue": "left",
               "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
               "tooltip": {"mode": "single", "sort": "none"}}
    defaults = {"custom": {"fillOpacity": 80, "lineWidth": 0}, "mappings": mappings, "color": {"mode": "thresholds"},
                "thresholds": limits(base=GREY)}
    return _panel("state-timeline", title, description, "none", _targets([(target, legend)]), width, height, options,
                  defaults)


def table(title, description, *columns, width=24, height=8, hidden=()):
    """Each column is (name, expression, unit, more of its look); rows are merged by their labels."""
    targets = _targets([(text, "") for _, text, *_ in columns], format="table", range=False, instant=True)
    # Grafana calls the value of a single query otherwise than those of several.
    values = ["Value"] if len(columns) == 1 else [f"Value #{target['refId']}" for target in targets]
    overrides = [{"matcher": {"id": "byName", "options": name},
                  "properties": [{"id": "unit", "value": unit},
                                 *({"id": key, "value": value} for key, value in (look[0] if look else {}).items())]}
                 for name, _, unit, *look in columns]
    organize = {"excludeByName": {name: True for name in ("Time", *hidden)}, "indexByName": {},
                "renameByName": {value: name for value, (name, *_) in zip(values, columns)}}
    return _panel("table", title, description, "short", targets, width, height,
                  {"showHeader": True, "cellHeight": "sm"},
                  {"custom": {"align": "auto", "filterable": True}}, overrides,
                  transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": organize}])


COLOURED = {"custom.cellOptions": {"type": "color-text"}}


def _placed(rows):
    """Rows of (title, panels) as one list: from left to right, each line as high as its highest panel."""
    placed, top = [], 0
    for title, panels in rows:
        placed.append({"type": "row", "title": title, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1}})
        top, left, highest = top + 1, 0, 0
        for panel in panels:
            place = panel["gridPos"]
            if left + place["w"] > COLUMNS:
                top, left, highest = top + highest, 0, 0
            placed.append({**panel, "gridPos": {"x": left, "y": top, **place}})
            left, highest = left + place["w"], max(highest, place["h"])
        top += highest
    return [{"id": number, **panel} for number, panel in enumerate(placed, 1)]


def _variable(name, label, query):
    return {"name": name, "label": label, "type": "query", "datasource": DATASOURCE, "definition": query,
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "regex": "", "hide": 0, "multi": True,
            "includeAll": True, "allValue": ".+", "options": [], "skipUrlSync": False,
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}


def _variables(has_clusters):
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
           "regex": "", "hide": 0, "multi": False, "includeAll": False, "options": [], "skipUrlSync": False,
           "current": {}}
    yield _variable("job", "Job", "label_values(poplar_build_info, job)")
    yield _variable("instance", "Poplar", 'label_values(poplar_build_info{job=~"$job"}, instance)')
    if has_clusters:
        yield _variable("cluster", "Cluster", f"label_values(poplar_node_in_service{{{_OWN}}}, cluster)")


def _annotation(name, text, color, title, start_of=None):
    return {"name": name, "datasource": DATASOURCE, "enable": True, "hide": False, "iconColor": color,
            "expr": expression(text), "step": "30s", "titleFormat": title, "textFormat": "",
            "useValueForTime": start_of is not None}


def dashboard(uid, title, description, rows, has_clusters=True):
    annotations = [_annotation("Starts", "process_start_time_seconds{@own} * 1000 and on (job, instance) "
                               "poplar_build_info", BLUE, "{{instance}} started", start_of="value")]
    if has_clusters:
        annotations.append(_annotation(
            "Nodes", "sum by (cluster, node, cause) (increase(poplar_node_transitions_total{@nodes}[@rate])) > 0",
            ORANGE, "{{cluster}}/{{node}}: {{cause}}"))
    return {"id": None, "uid": uid, "title": f"Poplar / {title}", "description": description, "tags": ["poplar"],
            "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s", "timezone": "",
            "time": {"from": "now-3h", "to": "now"}, "timepicker": {}, "fiscalYearStartMonth": 0, "weekStart": "",
            "links": [{"type": "dashboards", "title": "Poplar", "tags": ["poplar"], "asDropdown": False,
                       "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link",
                       "tooltip": "", "url": ""}],
            "annotations": {"list": annotations}, "templating": {"list": list(_variables(has_clusters))},
            "panels": _placed(rows)}
