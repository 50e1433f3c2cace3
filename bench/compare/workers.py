"""One worker of Poplar against two. Proxy, nodes and load share all cores of the machine, in both cases."""

from bench import Bench, Nodes, in_rounds, warm_and_measure
from peers import PoplarUnparked

TITLE = "Workers"
PARTS = ("one and two",)
_POLLS = 4000
FREE_CORES = 4   # of a machine on which two workers, nodes and load don't take each other's


def measure(bench: Bench, _part: str) -> dict:
    names = bench.chosen(["poplar-unparked"]) and ["1", "2"]
    rows = in_rounds("workers", bench.rounds, names, lambda workers: _one(bench, int(workers)))
    result = {"cores": len(bench.cores), "rows": rows}
    if all("cpu_us" in row for row in rows.values()) and rows:
        result["throughput_ratio"] = rows["2"]["sessions_per_second"] / rows["1"]["sessions_per_second"]
        result["cpu_ratio"] = rows["2"]["cpu_us"] / rows["1"]["cpu_us"]
    return result


def _one(bench: Bench, workers: int) -> dict:
    with Nodes(bench, core=bench.cores) as nodes:
        front = PoplarUnparked(bench.stand(nodes.ports, core=bench.cores))
        front.workers = workers
        with front:
            return warm_and_measure(front, ("poll", "--resume"), bench.count(_POLLS), core=bench.cores)
