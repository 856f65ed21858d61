"""XLA's own figures: python tests/wire/measure.py [NAME…] measures fixtures/*.mlir and writes figures.json.

Per program: wire bytes and matrix flops of one device, and which tile of each result each device holds.
"""
import json, math, pathlib, sys
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "xla"))
import simulated
from meter import meter

simulated.start(8)
from jax._src.lib import xla_client as xc

def tiles(sharding):
    """Per device the tile that it holds, a digit per dim; empty for a result that all hold whole."""
    s = xc.HloSharding.from_proto(sharding)
    if s.is_replicated(): return ""
    sizes, devices = list(s.tile_assignment_dimensions()), list(s.tile_assignment_devices())
    rank = len(sizes) - (1 if s.replicate_on_last_tile_dim() else len(s.subgroup_types()))
    held = {}
    for at, device in enumerate(devices):
        digits = [at // math.prod(sizes[i + 1:]) % sizes[i] for i in range(rank)]
        held[device] = "".join(map(str, digits))
    return " ".join(held[d] for d in sorted(held)) if math.prod(sizes[:rank]) > 1 else ""

def figures_of(text):
    simulated.use(devices := simulated.mesh_size(text))
    executable, _, _ = simulated.build(text)
    m = meter(executable.hlo_modules()[0].to_string(), devices)
    return dict(bytes=m["total"], flops=m["flops"], count=m["count"], kinds=m["bytes"], results=[tiles(s) for s in executable.get_output_shardings()])

if __name__ == "__main__":
    FIGURES = HERE / "figures.json"
    names = sys.argv[1:] or sorted(p.stem for p in (HERE / "fixtures").glob("*.mlir"))
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() and sys.argv[1:] else {}
    for name in names:
        try: figures[name] = figures_of((HERE / "fixtures" / f"{name}.mlir").read_text())
        except Exception as e: print(name, type(e).__name__, str(e)[:300])
    FIGURES.write_text("{\n" + ",\n".join(f" {json.dumps(k)}: {json.dumps(v, sort_keys=True)}" for k, v in sorted(figures.items())) + "\n}\n")
