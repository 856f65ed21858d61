"""XLA's own GSPMD partitioning of annotated programs, and shardc's emitted ones beside it.

usage: measure.py < PROGRAMS.json — programs: [{"name", "text", "emitted"?}]; prints one JSON line per program: what both
move (meter.py) and, where an emitted program is given, the worst relative error of its results against the program on one
device (`xla_error`: XLA's own, which is not always small) and which arguments and results (counted through) lie otherwise
than XLA has them; `refused` where XLA does not take the emitted one, `error` where it does not take its own.
"""
import json, math, pathlib, re, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "xla"))
import simulated
from meter import meter
simulated.start(16)
from simulated import np, xc, GSPMDSharding
ALL = simulated.DEVICES

def placement(proto, rank):
    where = GSPMDSharding(simulated.DEVICES, xc.HloSharding.from_proto(proto)).devices_indices_map((4 * 27 * 25 * 16,) * rank)
    return {d.id: str(i) for d, i in where.items()}

def without_annotations(text):
    return re.sub(r', mhlo\.sharding = "[^"]*"|mhlo\.sharding = "[^"]*"(, )?', "", text)

def worst_error(truth, found):
    worst = 0.0
    for x, y in zip(truth, found, strict=True):
        x, y = x.astype(np.float64), y.astype(np.float64)
        assert x.shape == y.shape, f"{x.shape} against {y.shape}"
        worst = max(worst, float((np.abs(x - y) / (np.abs(x) + np.sqrt(np.mean(x * x)) + 1e-30)).max(initial=0)))
    return worst

def measure(text, emitted=None):
    counts = [math.prod(map(int, tile.split(","))) for tile in re.findall(r"devices=\[([\d,]+)\]", text)]
    n = max(counts, default=1)
    simulated.DEVICES = ALL[:n]
    xla, types, _ = simulated.build(text)
    figures = dict(xla=meter(xla.hlo_modules()[0].to_string(), n))
    if emitted is None: return figures
    inputs = list(simulated.values(types))
    a = simulated.run(xla, inputs)
    try:
        ours, _, _ = simulated.build(emitted)
        figures["shardc"] = meter(ours.hlo_modules()[0].to_string(), n)
        b = simulated.run(ours, inputs)
    except Exception as error: return dict(figures, refused=f"{type(error).__name__}: {str(error)[:300]}")
    simulated.DEVICES = ALL[:1]
    truth = simulated.run_on_one(simulated.build(without_annotations(text))[0], inputs)
    simulated.DEVICES = ALL[:n]
    held = lambda e: [*(e.get_parameter_shardings() or []), *(e.get_output_shardings() or [])]
    protos = zip(held(xla), held(ours))
    ranks = [v.ndim for v in [*inputs, *a]]
    otherwise = [i for i, ((p, q), rank) in enumerate(zip(protos, ranks)) if rank and placement(p, rank) != placement(q, rank)]
    return dict(figures, max_rel_error=worst_error(truth, b), xla_error=worst_error(truth, a), laid_out_otherwise=otherwise)

for entry in json.load(sys.stdin):
    try: figures = measure(entry["text"], entry.get("emitted"))
    except Exception as error: figures = dict(error=f"{type(error).__name__}: {str(error)[:300]}")
    print(json.dumps(dict(name=entry["name"], **figures)), flush=True)
