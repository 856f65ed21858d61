"""XLA's own figures: python tests/wire/measure.py [NAME…] measures fixtures/*.mlir and writes figures.json.

Per program: wire bytes and matrix flops of one device, and what each device holds of each result.
"""
import json, pathlib, sys
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "xla"))
import simulated
from meter import meter

names = sys.argv[1:] or sorted(p.stem for p in (HERE / "fixtures").glob("*.mlir"))
simulated.start(8)
FIGURES = HERE / "figures.json"
figures = json.loads(FIGURES.read_text()) if FIGURES.exists() and sys.argv[1:] else {}
for name in names:
    try:
        executable, _, results = simulated.build((HERE / "fixtures" / f"{name}.mlir").read_text())
        m = meter(executable.hlo_modules()[0].to_string(), 8)
        figures[name] = dict(bytes=m["total"], flops=m["flops"], count=m["count"], kinds=m["bytes"])
    except Exception as e: print(name, type(e).__name__, str(e)[:300])
FIGURES.write_text("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in sorted(figures.items())) + "\n}\n")
