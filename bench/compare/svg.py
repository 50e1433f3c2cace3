"""What pictures are made of: SVG that is legible on light and on dark pages. A proxy has one colour in all of them."""

import html

_COLORS = {"poplar": ("#2a78d6", "#4f9bf0"), "haproxy": ("#d9572b", "#ea7a4f"), "nginx-mail": ("#12835a", "#35b583"),
           "dovecot-proxy": ("#6a4fc4", "#a795f2"), "perdition": ("#a87400", "#d9a520")}   # light, dark
_INK, _MUTED, _GRID = ("#1f2328", "#e6edf3"), ("#59636e", "#9198a1"), ("#d1d9e0", "#3d444d")


def _style() -> str:
    def rules(dark: int) -> str:
        lines = [f"text{{fill:{_INK[dark]}}} .muted{{fill:{_MUTED[dark]}}}", f".grid{{stroke:{_GRID[dark]}}}"]
        for name, colors in _COLORS.items():
            lines.append(f".line.{name}{{stroke:{colors[dark]}}} .bar.{name}{{fill:{colors[dark]}}}")
        return " ".join(lines)
    return (f"<style>text{{font:13px system-ui,sans-serif}} .title{{font-weight:600;font-size:15px}} "
            f".line{{fill:none;stroke-width:2;stroke-linejoin:round}} {rules(0)} "
            f"@media (prefers-color-scheme: dark){{{rules(1)}}}</style>")


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="grid"/>'


def picture(width: int, height: int, title: str, parts) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{html.escape(title)}">{_style()}{"".join(parts)}</svg>\n')


def bars(left: float, top: float, width: float, title: str, rows, most=None):
    """Rows of (proxy, value, words); one bar each with its words behind it, none longer than that of `most`."""
    most = most or max((value for _, value, _ in rows), default=0) or 1
    yield text(left, top - 12, title, "title")
    for row, (proxy, value, words) in enumerate(rows):
        y, length = top + 28 * row, width * min(value, most) / most
        yield f'<rect x="{left}" y="{y}" width="{length:.1f}" height="16" rx="3" class="bar {proxy}"/>'
        yield text(left + length + 6, y + 13, words)
