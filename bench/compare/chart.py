"""The picture of results.json: what a reader looks at first."""

import svg
from failures import KILLED
from memory import FEW
from peers import UPSTREAM

# (of whom, its row, how it is called); Poplar's row is another one where sessions are parked.
_SHOWN = (("poplar", "poplar-unparked", "Poplar"), ("haproxy", "haproxy", "HAProxy"), ("nginx-mail", "nginx-mail", "nginx mail"),
          ("dovecot-proxy", "dovecot-proxy", "Dovecot's proxy"), ("perdition", "perdition", "Perdition"))
_LEFT, _TOP, _WIDTH, _PANEL = 150, 80, 120, 270
_OUT_OF_SCALE = "perdition"   # ten times what the others take: its bar would leave them none


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
        parts += (svg.text(left - 8, top + 13 + 28 * i, name, "", "end") for i, (_, name, _) in enumerate(rows))
        most = max((value for proxy, _, value in rows if proxy != _OUT_OF_SCALE), default=0)
        parts += svg.bars(left, top, _WIDTH, title, [(proxy, value, _words(value, most)) for proxy, _, value in rows], most)
    return svg.picture(2 * (_PANEL + _LEFT), _TOP + 2 * 220 - 40, "Poplar beside its peers", [
        svg.text(20, 28, "Poplar beside its peers, one core each: the shorter the better", "title"), *parts])


def _panel(results: dict, title: str, kind: str, part: str, figure: str, scale: float = 1):
    """(title, rows of (proxy, name, value))"""
    measured = results.get(kind, {}).get(part, {}).get("rows", {})
    rows = []
    for proxy, row, name in _SHOWN:
        row = "poplar" if kind == "failures" and proxy == "poplar" else row
        if figure in measured.get(row, {}):
            rows.append((proxy, name, measured[row][figure] / scale))
        if figure in measured.get(row + UPSTREAM, {}):
            rows.insert(0, (proxy, "upstream's TLS", measured[row + UPSTREAM][figure] / scale))
    return title, rows


def _words(value: float, most: float) -> str:
    words = f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"
    return words + (" …" if value > most else "")
