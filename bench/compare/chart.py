"""The picture of results.json: what a reader looks at first."""

import svg
from failures import KILLED
from memory import FEW
from peers import UPSTREAM

# (of whom, its row, how it is called); Poplar's row is another one where sessions are parked.
_SHOWN = (("poplar", "poplar-unparked", "Poplar"), ("haproxy", "haproxy", "HAProxy"), ("nginx-mail", "nginx-mail", "nginx mail"),
          ("dovecot-proxy", "dovecot-proxy", "Dovecot's proxy"), ("perdition", "perdition", "Perdition"))
_LEFT, _TOP, _WIDTH, _PANEL = 175, 80, 150, 250
# What takes ten times as much as the others: its bar would leave them none, and is cut.
_MAY_BE_CUT = ("dovecot-proxy", "perdition")


def draw(results: dict) -> str:
    """Empty while nothing of it has been measured."""
    panels = (_panel(results, "CPU of a poll, µs", "cpu", "poll, resumed", "cpu_us"),
              _panel(results, "CPU of a GB of mail, s", "cpu", "download 75 KiB x 10", "cpu_us", 1e6),
              _panel(results, "Memory of an idle session, KiB", "memory", f"{FEW:,} sessions", "total_kib"),
              _panel(results, "Failed when a node dies", "failures", KILLED, "failed"))
    if not any(rows for _, rows in panels):
        return ""
    parts = []
    for number, (title, rows) in enumerate(panels):
        left, top = _LEFT + number % 2 * (_PANEL + _LEFT), _TOP + number // 2 * 220
        parts += (svg.text(left - 8, top + 13 + 28 * i, name, "", "end") for i, (_, name, *_) in enumerate(rows))
        most = 1.5 * max((value for proxy, _, value, _ in rows if proxy not in _MAY_BE_CUT), default=0)
        if number == len(panels) - 1:   # failures: none is cut
            most = max((value for _, _, value, _ in rows), default=0)
        parts += svg.bars(left, top, _WIDTH, title,
                          [(proxy, value, words + (" …" if value > most else "")) for proxy, _, value, words in rows], most)
    return svg.picture(2 * (_PANEL + _LEFT), _TOP + 2 * 220 - 40, "Poplar beside its peers", [
        svg.text(20, 28, "Poplar beside its peers, one core each: the shorter the better", "title"), *parts])


def _panel(results: dict, title: str, kind: str, part: str, figure: str, scale: float = 1):
    """(title, rows of (proxy, name, value, words))"""
    measured = results.get(kind, {}).get(part, {}).get("rows", {})
    rows = []
    for proxy, row, name in _SHOWN:
        row = "poplar" if kind == "failures" and proxy == "poplar" else row
        for which, words in (UPSTREAM, f"{name}, upstream's TLS"), ("", name):
            if figure in measured.get(row + which, {}):
                rows.append((proxy, words, *_value(measured[row + which], figure, scale)))
    return title, rows


def _value(row: dict, figure: str, scale: float):
    value = row[figure] / scale
    if figure == "failed":
        return value, f"{row['failed']} of {row['sessions']:,}"
    return value, f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
