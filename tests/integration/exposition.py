"""Single series of Poplar's metrics, by label."""

import re

_LINE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$', re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def series(proxy, name: str):
    """[(labels, value)] of one metric."""
    return [(dict(_LABEL.findall(labels)), float(value))
            for found, labels, value in _LINE.findall(proxy.get("/metrics")[1]) if found == name]


def value(proxy, name: str, **labels) -> float:
    """The sum of those series that have these labels; there must be one."""
    every = series(proxy, name)
    chosen = [number for has, number in every if labels.items() <= has.items()]
    assert chosen, f"no {name} with {labels}, only: {every}"
    return sum(chosen)
