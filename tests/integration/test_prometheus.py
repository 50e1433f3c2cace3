"""Rules, alerts and dashboards of deploy/, before promtool and before a real Prometheus that scrapes a busy Poplar.

Whatever an operator would see is asked of Prometheus: each recorded series, each alert, each panel of each dashboard
must have an answer under a load of all kinds, and the key figures must be what the clients know they did.
"""

import contextlib
import dataclasses
import math
import re
import subprocess
import time

import pytest
import yaml

import grafana
from busy_stand import FOUND, QUEUE, SLOTS, BusyStand
from prometheus import DEPLOYED, Prometheus, Refused
from waiting import Late, until

_TESTS = ("rules.test.yaml", "rules.days.test.yaml")
_WINDOW = 120  # seconds; all that happens lies within it
_TOLERANCE = 0.02

# Alerts that are pending or firing: while all is well, while a pool is full, when all has happened.
CALM = {("PoplarCertificateExpires", "warning", ""), ("PoplarCertificateExpires", "critical", "")}
AT_FULL = CALM | {("PoplarPoolExhausted", "warning", ""), ("PoplarPoolNearlyFull", "warning", ""),
                  ("PoplarUserMapRefused", "warning", "")}
STORM = CALM | {
    *(("PoplarAvailabilityBudgetBurn", severity, window)
      for severity, window in (("critical", "1h"), ("critical", "6h"), ("warning", "1d"), ("warning", "3d"))),
    *(("PoplarLatencyBudgetBurn", severity, window)
      for severity, window in (("critical", "1h"), ("critical", "6h"), ("warning", "1d"), ("warning", "3d"))),
    ("PoplarNodeDown", "warning", ""), ("PoplarNodesDown", "warning", ""), ("PoplarClusterDown", "critical", ""),
    ("PoplarClusterPanic", "critical", ""), ("PoplarPoolTimeouts", "critical", ""),
    ("PoplarUserMapRefused", "warning", ""),
    ("PoplarFileDescriptors", "critical", ""), ("PoplarAcceptErrors", "critical", "")}


def promtool(*arguments, text: str = None):
    done = subprocess.run(["promtool", *arguments], cwd=DEPLOYED, input=text, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


# --- what needs no Prometheus


def test_promtool_accepts_the_configuration_with_its_rules():
    code, said = promtool("check", "config", "prometheus.yaml")
    assert code == 0 and "FAILED" not in said, said
    assert promtool("check", "rules", "poplar.rules.yaml", "poplar.alerts.yaml")[0] == 0


def test_the_alerts_fire_when_they_should():
    code, said = promtool("test", "rules", *_TESTS)
    assert code == 0, said


def _groups(name):
    return yaml.safe_load((DEPLOYED / name).read_text())["groups"]


@pytest.mark.parametrize("name", _TESTS)
def test_the_tests_name_all_groups_in_the_order_of_the_files(name):
    """A group that isn't named is evaluated before or after what it goes by, as chance will have it."""
    every = [group["name"] for file in ("poplar.rules.yaml", "poplar.alerts.yaml") for group in _groups(file)]
    assert yaml.safe_load((DEPLOYED / name).read_text())["group_eval_order"] == every


def _alerts():
    return [rule for group in _groups("poplar.alerts.yaml") for rule in group["rules"]]


def _scenarios():
    return [each for name in _TESTS for each in yaml.safe_load((DEPLOYED / name).read_text())["tests"]]


def _key(alert):
    return alert["alert"], alert["labels"]["severity"], alert["labels"].get("window", "")


def _expected(check):
    """The labels of the alerts that a check of a scenario expects to be firing."""
    return [dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"])) for sample in check["exp_samples"]]


def untested(alerts, scenarios):
    """The keys of those alerts that no scenario sees fire, and not fire before or after."""
    seen = {_key(alert): False for alert in alerts}
    for scenario in scenarios:
        checks = [_expected(check) for check in scenario["promql_expr_test"] if 'alertstate="firing"' in check["expr"]]
        for name, severity, window in seen:
            key = {"alertname": name, "severity": severity, "window": window}
            fires = [any(labels.get("alertname") == name and all(key.get(label, value) == value
                                                                 for label, value in labels.items())
                         for labels in expected) for expected in checks]
            seen[name, severity, window] |= any(fires) and not all(fires)
    return [key for key, both in seen.items() if not both]


def test_each_alert_is_seen_firing_and_not_firing():
    alerts, scenarios = _alerts(), _scenarios()
    assert len(alerts) > 30
    assert untested(alerts, scenarios) == []
    forgotten = {"alert": "PoplarForgotten", "labels": {"severity": "info"}}
    assert untested([*alerts, forgotten], scenarios) == [("PoplarForgotten", "info", "")]


def shapeless(alerts, runbooks: str):
    """What is missing from alerts, and from the runbooks."""
    anchors = [line.removeprefix("## ").lower() for line in runbooks.splitlines() if line.startswith("## ")]
    found = [f"{anchor}: a runbook of no alert" for anchor in anchors
             if anchor not in {alert["alert"].lower() for alert in alerts}]
    for alert in alerts:
        name, notes = alert["alert"], alert["annotations"]
        if alert["labels"]["severity"] not in ("critical", "warning", "info"):
            found.append(f"{name}: what severity is that?")
        if not notes.get("summary") or not notes.get("description", "").endswith("."):
            found.append(f"{name}: no summary or no description")
        file, _, anchor = notes.get("runbook_url", "").partition("#")
        if file != "runbooks.md" or anchor != name.lower() or anchor not in anchors:
            found.append(f"{name}: no runbook")
    return found


def test_each_alert_has_a_runbook():
    alerts, runbooks = _alerts(), (DEPLOYED / "runbooks.md").read_text()
    assert shapeless(alerts, runbooks) == []
    sections = runbooks.split("\n## ")[1:]
    assert all("*Look first*" in section and "*do*" in section.lower() for section in sections)
    without = {**alerts[0], "annotations": {**alerts[0]["annotations"], "runbook_url": ""}}
    assert len(shapeless([without, *alerts[1:]], runbooks)) == 1
    assert shapeless(alerts, runbooks + "\n## PoplarOf\n") == ["poplarof: a runbook of no alert"]


# --- a real Prometheus


@dataclasses.dataclass
class Story:
    """What the stand did, and when it did what can't be seen afterwards."""
    stand: BusyStand
    prometheus: Prometheus
    calm: set          # alerts while all was well
    full: float = 0.0  # a moment at which the pool was full
    at_full: set = None
    killed: str = ""
    told: float = 0.0  # when all was over, and scraped


@pytest.fixture(scope="module")
def story(folder, start, authority, node_certificate, binary):
    with contextlib.ExitStack() as stack:
        stand = stack.enter_context(BusyStand(folder / "busy", start, authority, node_certificate, binary))
        prometheus = stack.enter_context(
            Prometheus(folder / "prometheus", f"127.0.0.1:{stand.proxy.admin_port}"))
        # rate() sees only what happens after the first scrape.
        until(lambda: prometheus.query("sum(poplar_logins_total) == 0"), "the first scrape")
        stand.read_mail()
        scraped(prometheus)
        made = Story(stand, prometheus, prometheus.alerts())
        stand.guess()
        stand.come_uninvited()
        stand.ask_the_directory()
        stand.ask_for_settings()
        stand.trace_somebody()
        stand.move_somebody()
        stand.spoil_the_map()
        with stand.full_pool():
            made.full = until(lambda: prometheus.query(f"timestamp(poplar_pool_waiting == {QUEUE})"),
                              "Prometheus to see the queue")[0][1]
            made.at_full = settled(prometheus, AT_FULL)
        with stand.waiting_in_vain():
            made.killed = stand.kill_under_a_session()
        stand.kill_a_whole_cluster()
        stand.proxy.idle()
        stand.run_out_of_descriptors()
        made.told = scraped(prometheus)
        yield made


def scraped(prometheus):
    """Waits until all that has happened so far was scraped, and the rules know it; when that was."""
    now = time.time()
    scrape = until(lambda: prometheus.query(f"timestamp(poplar_build_info) > {now}"), "a scrape")[0][1]
    for _ in range(2):  # alerts go by what the recording rules had recorded before
        now = time.time()
        until(lambda: prometheus.evaluated(now), "the rules")
    return scrape


def settled(prometheus, expected, seconds: float = 5.0):
    """The alerts, as soon as they are these; else those that there are in the end."""
    with contextlib.suppress(Late):
        until(lambda: prometheus.alerts() == expected, "the alerts", seconds)
    return prometheus.alerts()


def by(found, *names):
    """{label's value: number}, or {values: number} for several labels; without what is 0."""
    return {tuple(labels[name] for name in names) if len(names) > 1 else labels[names[0]]: number
            for labels, number in found if number}


def close(number: float, truth: float) -> bool:
    return math.isclose(number, truth, rel_tol=_TOLERANCE)


def test_a_live_scrape_satisfies_promtool(story):
    code, said = promtool("check", "metrics", text=story.stand.proxy.get("/metrics")[1])
    assert code == 0 and not said, said


def test_each_recorded_series_is_there_and_named_for_its_labels(story):
    rules = story.prometheus.rules("recording")
    assert len(rules) > 30
    for rule in rules:
        name = rule["name"]
        assert rule["health"] == "ok", rule
        found = story.prometheus.query(name)
        assert found and not all(math.isnan(number) for _, number in found), f"{name}: {found}"
        for labels, _ in found:
            assert set(labels) == {"__name__", *name.split(":")[0].split("_")}, f"{name}: {labels}"


def test_alerts_are_active_when_they_should_be_and_not_else(story):
    assert story.calm == CALM, "before anything went wrong"
    assert story.at_full == AT_FULL
    # While descriptors were short, a scrape may have failed: the alert for it ends with the next one.
    assert settled(story.prometheus, STORM) == STORM


def test_each_alerts_expression_can_be_evaluated(story):
    for rule in story.prometheus.rules("alerting"):
        assert rule["health"] == "ok" and not rule.get("lastError"), rule
        story.prometheus.query(rule["query"])
        for alert in rule["alerts"]:
            told = " ".join(alert["annotations"].values())
            assert "<error" not in told and "<no value>" not in told and "%!" not in told, told


# Panels for which no answer is the right one; none at present.
_SILENT = {}


@pytest.mark.parametrize("name", grafana.NAMES)
def test_each_panel_has_an_answer(story, name):
    dashboard = grafana.read(name)
    for title, text, legend, panel in grafana.expressions(dashboard):
        found = story.prometheus.query(grafana.substituted(text, f"{_WINDOW}s"))
        where = f"{name}, {title}: {text}"
        if (name, title) in _SILENT:
            continue
        assert any(not math.isnan(number) for _, number in found), f"nothing: {where}: {found}"
        for labels, _ in found:
            assert set(re.findall(r"{{(\w+)}}", legend)) <= set(labels), f"{where}: {legend} of {labels}"
        if panel and panel["type"] == "stat":
            assert len(found) == 1, f"one number, but several series: {where}"
        if panel and panel["type"] == "timeseries":
            shown = [re.sub(r"{{(\w+)}}", lambda match: labels[match[1]], legend) for labels, _ in found]
            assert len(set(shown)) == len(shown), f"two lines of one name: {where}: {shown}"
        for mapping in panel["fieldConfig"]["defaults"].get("mappings", []) if panel else ():
            assert {str(round(number)) for _, number in found} <= set(mapping["options"]), where


def test_a_wrong_expression_is_noticed(story):
    with pytest.raises(Refused):
        story.prometheus.query("rate(poplar_sessions_active)")
    assert story.prometheus.query("poplar_no_such_metric") == []


@pytest.fixture(scope="module")
def shown(story):
    """shown(dashboard, title, number of its query, when) is what a panel shows; rates as how often in all.

    rate() extends what it sees to where the next sample would be: in so short a story by some percent, which are taken
    off again.
    """
    good = 'poplar_logins_total{result="ok"}'
    extended = story.prometheus.value(f"sum(increase({good}[{_WINDOW}s])) / sum({good})", story.told)

    def ask(name, title, number=0, when=None):
        texts = [text for each, text, _, _ in grafana.expressions(grafana.read(name)) if each == title]
        found = story.prometheus.query(grafana.substituted(texts[number], f"{_WINDOW}s"), when or story.told)
        if "rate(" in texts[number] and " / " not in texts[number]:
            found = [(labels, value * _WINDOW / extended) for labels, value in found]
        return found
    return ask


def same(found, truth) -> bool:
    return set(found) == set(truth) and all(close(found[key], truth[key]) for key in truth)


def test_logins_are_what_clients_saw(story, shown):
    truth = dict(story.stand.truth.logins)
    assert by(story.prometheus.query("sum by (result) (poplar_logins_total)"), "result") == truth
    assert same(by(shown("poplar-overview", "Logins by result"), "result"), truth)
    failed, good = truth["backend_unavailable"], truth["ok"]
    assert close(shown("poplar-overview", "Failed logins")[0][1], failed / (failed + good))
    assert close(1 - shown("poplar-overview", "Logins answered")[0][1], failed / (failed + good))
    assert close(shown("poplar-abuse", "Wrong passwords")[0][1], truth["rejected"])
    rejected = truth["rejected"]
    assert close(shown("poplar-abuse", "Share of wrong passwords")[0][1], rejected / (rejected + good))


def test_commands_messages_and_bytes_are_what_clients_saw(story, shown):
    truth = story.stand.truth
    commands = by(story.prometheus.query("sum by (command) (poplar_commands_total)"), "command")
    assert commands == dict(truth.commands)
    assert same(by(shown("poplar-overview", "Commands"), "command"), truth.commands)
    assert story.prometheus.value("poplar_messages_retrieved_total") == truth.retrieved
    assert story.prometheus.value("poplar_deletes_committed_total") == truth.deleted
    assert close(shown("poplar-overview", "Messages", 0)[0][1], truth.retrieved)
    assert close(shown("poplar-overview", "Messages", 1)[0][1], truth.deleted)
    sent, received = truth.bytes(story.stand.crowd)  # counted when a session ends
    passed = by(story.prometheus.query("poplar_bytes_total"), "side", "direction")
    assert (passed["downstream", "received"], passed["downstream", "sent"]) == (sent, received)
    assert close(by(shown("poplar-overview", "Bytes"), "side", "direction")["downstream", "sent"], received)


def test_handshakes_are_what_clients_saw(story, shown):
    truth = story.stand.truth
    counted = by(story.prometheus.query('poplar_tls_handshakes_total{result="ok"}'), "version", "resumed")
    assert counted == truth.handshakes
    good = sum(truth.handshakes.values())
    resumed = sum(count for (_, resumed), count in truth.handshakes.items() if resumed == "yes")
    assert close(shown("poplar-tls", "Resumed handshakes")[0][1], resumed / good)
    assert by(story.prometheus.query('poplar_tls_handshakes_total{result!="ok"}'), "result") == {
        "error": truth.failed_handshakes}
    left = shown("poplar-tls", "Next certificate to expire")[0][1]
    assert 1.9 * 86400 < left < 2 * 86400
    assert by(shown("poplar-abuse", "Connections refused"), "reason").keys() == {"denied"}
    assert story.prometheus.value("sum(poplar_connections_rejected_total)") == truth.denied


def test_pools_are_what_they_were(story, shown):
    truth, full = story.stand.truth, story.full
    assert by(shown("poplar-pools", "Logins in the queue", when=full), "node") == {"small1": QUEUE}
    assert shown("poplar-overview", "Logins in queues", when=full)[0][1] == QUEUE
    assert by(shown("poplar-pools", "Slots", when=full), "node") == {"small1": 1}
    assert story.prometheus.value('poplar_pool_slots{node="small1"}') == SLOTS
    waiters = by(shown("poplar-pools", "What became of waiters"), "result")
    # A login right behind another's QUIT may have to wait for its slot, too: on a busy machine there are some.
    granted = waiters.pop("granted")
    assert truth.waiters["granted"] <= granted <= truth.logins["ok"]
    assert same(waiters, {"timeout": truth.waiters["timeout"]})
    takes = by(shown("poplar-pools", "Where logins get their connection"), "source")
    assert close(takes["parked"], truth.parked_reused) and set(takes) == {"parked", "warm", "new"}
    assert close(by(shown("poplar-pools", "What became of parked sessions"), "outcome")["reused"], truth.parked_reused)


def test_nodes_are_what_they_are(story, shown):
    alive = ({"node1", "node2"} - {story.killed}).pop()
    states = {labels["node"]: number for labels, number in shown("poplar-nodes", "State of nodes")}
    assert states == {alive: 0, story.killed: 2, "small1": 2, FOUND: 2}
    assert close(shown("poplar-nodes", "Usable nodes")[0][1], 1 / 4)
    assert shown("poplar-nodes", "Panics")[0][1] == 1
    seen = {labels["node"]: number for labels, number in shown("poplar-nodes", "Who sees which node")}
    assert seen == {alive: 1, story.killed: 0, "small1": 0, FOUND: 0}
    changed = {labels["node"] for labels, _ in shown("poplar-nodes", "Changes of state")}
    assert changed == {story.killed, "small1", FOUND}
    assert same(by(shown("poplar-overview", "Lost sessions"), "result"), {"resumed": 1})
    assert set(by(shown("poplar-nodes", "Failovers by node"), "node")) == {story.killed}


def test_places_are_what_they_were(story, shown):
    where = by(shown("poplar-places", "Questions to directories"), "result")
    assert same(where, {"found": 2})
    assert same(by(shown("poplar-places", "Where the answers came from"), "source"), {"asked": 1, "kept": 1})
    assert same(by(shown("poplar-places", "Logins of moved users"), "result"), {"landed": 1})
    assert shown("poplar-places", "Users moved")[0][1] == 1
    assert story.prometheus.value('poplar_move_sessions_ended_total{move="away"}') == 1
    assert shown("poplar-places", "Nodes by discovery")[0][1] == 1
    assert shown("poplar-places", "Age of what is known of nodes")[0][1] < 10


def test_mechanisms_sizes_and_failures_are_what_clients_did(story, shown):
    truth = story.stand.truth
    mechanisms = by(story.prometheus.query("sum by (mechanism) (poplar_logins_total)"), "mechanism")
    assert mechanisms == {"USER": sum(truth.logins.values())}
    sizes = by(story.prometheus.query("poplar_message_download_seconds_count"), "size")
    assert sizes == {"to_16KiB": truth.retrieved}
    failures = by(story.prometheus.query("poplar_tls_handshake_failures_total"), "reason")
    told = [line["failure"] for line in story.stand.proxy.sessions() if line["reason"] == "tls_handshake_failed"]
    assert len(told) == truth.failed_handshakes, told
    assert failures == {"certificate_rejected": truth.failed_handshakes}, (failures, told)
    firsts = story.prometheus.value("sum(poplar_command_first_byte_seconds_count)")
    assert firsts == sum(truth.commands.values()) == story.prometheus.value("sum(poplar_node_first_byte_seconds_count)")
    logins = story.prometheus.value("sum(poplar_node_login_seconds_count)")
    assert logins == truth.logins["ok"] - truth.parked_reused + 1  # and that of the session that went on elsewhere
    assert 0 < shown("poplar-overview", "Workers' time")[0][1] < 1


def test_settings_and_traces_are_what_they_were(story, shown):
    asked = by(shown("poplar-overview", "Mail clients that ask for their settings"), "form", "result")
    assert same(asked, {("thunderbird", "ok"): 1, ("none", "not_found"): 1})
    assert shown("poplar-overview", "Traces")[0][1] == 1
    assert shown("poplar-overview", "Lines missing from traces")[0][1] == 0


def test_a_poplar_that_is_gone_is_missed(story):
    """The last one here: there is no Poplar afterwards."""
    story.stand.disperse()
    story.stand.proxy.stop()
    gone = {("PoplarTargetDown", "warning", ""), ("PoplarAbsent", "critical", "")}
    until(lambda: gone <= story.prometheus.alerts(), "the alerts")
