"""Runs an emitted program on XLA's simulated CPU devices beside XLA's own partitioning of the original.

usage: check.py ORIGINAL.mlir EMITTED.mlir — prints one JSON line: worst relative error, what both move and multiply (meter.py),
and how many results lie otherwise than XLA lays them.
"""
import json, sys
import simulated
from meter import meter
original, emitted = (open(p).read() for p in sys.argv[1:3])
N = simulated.mesh_size(emitted)
simulated.start(N)
np = simulated.np

a, types, results = simulated.build(original)
b, _, _ = simulated.build(emitted)
inputs = list(simulated.values(types))
worst = 0.0
for x, y in zip(simulated.run(a, inputs), simulated.run(b, inputs), strict=True):
    assert x.shape == y.shape, f"{x.shape} against {y.shape}"
    wide = np.complex128 if np.iscomplexobj(x) else np.float64
    x, y = x.astype(wide), y.astype(wide)
    finite = np.isfinite(x)
    if (finite != np.isfinite(y)).any(): worst = float("inf"); break
    x, y = x[finite], y[finite]
    if x.size: worst = max(worst, float((np.abs(x - y) / (np.abs(x) + np.sqrt(np.mean(np.abs(x) ** 2)) + 1e-30)).max()))
moved = sum(p != q for p, q in zip(simulated.held(a, results), simulated.held(b, results)) if p is not None and q is not None)
print(json.dumps(dict(max_rel_error=worst, laid_out_otherwise=moved, xla=meter(a.hlo_modules()[0].to_string(), N), shardc=meter(b.hlo_modules()[0].to_string(), N))))
