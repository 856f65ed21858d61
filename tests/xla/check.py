"""Runs emitted programs on XLA's simulated CPU devices beside XLA's own partitioning of the originals.

usage: check.py ORIGINAL.mlir EMITTED.mlir [ORIGINAL EMITTED ...] prints a JSON line per pair: worst relative error, what both
move and multiply (meter.py), and how many results lie otherwise than XLA lays them.
"""
import json, sys
import simulated
from meter import meter

texts = [open(p).read() for p in sys.argv[1:]]
pairs = list(zip(texts[::2], texts[1::2], strict=True))
simulated.start(max(simulated.mesh_size(emitted) for _, emitted in pairs))
np = simulated.np

def difference(x, y):
    assert x.shape == y.shape, f"{x.shape} against {y.shape}"
    wide = np.complex128 if np.iscomplexobj(x) else np.float64
    x, y = x.astype(wide), y.astype(wide)
    finite = np.isfinite(x)
    if (finite != np.isfinite(y)).any(): return float("inf")
    x, y = x[finite], y[finite]
    return float((np.abs(x - y) / (np.abs(x) + np.sqrt(np.mean(np.abs(x) ** 2)) + 1e-30)).max()) if x.size else 0.0

def compare(original, emitted):
    n = simulated.mesh_size(emitted)
    simulated.use(n)
    a, types, results = simulated.build(original)
    b, _, _ = simulated.build(emitted)
    inputs = list(simulated.values(types))
    worst = max((difference(x, y) for x, y in zip(simulated.run(a, inputs), simulated.run(b, inputs), strict=True)), default=0.0)
    moved = sum(p != q for p, q in zip(simulated.held(a, results), simulated.held(b, results)) if p is not None and q is not None)
    return dict(max_rel_error=worst, laid_out_otherwise=moved, xla=meter(a.hlo_modules()[0].to_string(), n), shardc=meter(b.hlo_modules()[0].to_string(), n))

for original, emitted in pairs: print(json.dumps(compare(original, emitted)))
