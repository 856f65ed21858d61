"""Seconds of one step on XLA's simulated CPU devices: xla_step.py FILE AXIS=SIZE,… prints one JSON line."""
import json, pathlib, re, sys, time
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "xla"))
import simulated
text = open(sys.argv[1]).read()
sizes = dict(a.split("=") for a in sys.argv[2].split(","))
for name, size in sizes.items():
    text = re.sub(rf'"{name}"=\d+', f'"{name}"={size}', text)
devices = simulated.mesh_size(text)
text = re.sub(r"mhlo.num_partitions = \d+", f"mhlo.num_partitions = {devices}", text)
simulated.start(devices)
executable, types, _ = simulated.build(text)
inputs = list(simulated.values(types))
def once():
    start = time.time(); simulated.run(executable, inputs); return time.time() - start
once()      # warm
print(json.dumps({"seconds": min(once() for _ in range(2))}))
