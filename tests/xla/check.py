"""Runs an emitted program on XLA's simulated CPU devices beside XLA's own partitioning of the original.

usage: check.py ORIGINAL.mlir EMITTED.mlir — prints one JSON line: worst relative error, wire bytes and counts of both.
Wire bytes per device, ring algorithms, n bytes, group g: all-gather n_out(g-1)/g, reduce-scatter n_in(g-1)/g,
all-reduce 2n(g-1)/g, all-to-all n(g-1)/g, collective-permute n; loops times their known trip counts.
"""
import collections, json, math, os, re, sys
original, emitted = (open(p).read() for p in sys.argv[1:3])
sizes = re.search(r"sdy\.mesh @\S+ = <\[(.*?)\]", emitted)[1]
N = math.prod(int(n) for n in re.findall(r"=(\d+)", sizes))
os.environ.update(XLA_FLAGS=f"--xla_force_host_platform_device_count={N}", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="2")
import jax, numpy as np
from jax._src import compiler
from jax._src.interpreters import mlir as jmlir
from jax._src.lib import xla_client as xc
from jax._src.lib.mlir import ir
from jax._src.sharding_impls import GSPMDSharding

DEVICES = tuple(jax.devices()[:N])
NUMPY = dict(f32=np.float32, i32=np.int32, i1=np.bool_, f64=np.float64)
BYTES = dict(pred=1, s8=1, u8=1, s16=2, u16=2, f16=2, bf16=2, s32=4, u32=4, f32=4, s64=8, u64=8, f64=8)

def build(text):
    options = compiler.get_compile_options(num_replicas=1, num_partitions=N, device_assignment=np.arange(N).reshape(1, N))
    flags = options.executable_build_options
    flags.use_spmd_partitioning, flags.use_shardy_partitioner = True, True
    flags.allow_spmd_sharding_propagation_to_output = [True]
    with jmlir.make_ir_context():
        module = ir.Module.parse(text)
        main = next(o for o in module.body.operations if o.operation.name == "func.func" and o.attributes["sym_name"].value == "main")
        inputs = [str(t) for t in ir.FunctionType(main.attributes["function_type"].value).inputs]
        return DEVICES[0].client.compile_and_load(module, xc.DeviceList(DEVICES), options), inputs

def values(types):
    rng = np.random.default_rng(0)
    for t in types:
        *dims, element = re.match(r"tensor<(.*)>", t)[1].split("x")
        shape = tuple(map(int, dims))
        dtype = NUMPY[element]
        yield rng.integers(0, 7, shape).astype(dtype) if element[0] == "i" else (0.1 * rng.standard_normal(shape)).astype(dtype)

def run(executable, inputs):
    placed = [jax.device_put(v, GSPMDSharding(DEVICES, xc.HloSharding.from_proto(p))) for v, p in zip(inputs, executable.get_parameter_shardings())]
    parts = executable.execute_sharded(placed).disassemble_into_single_device_arrays()
    whole = []
    for p, shards in zip(executable.get_output_shardings(), parts):
        sharding = xc.HloSharding.from_proto(p)
        tiles = [1] * shards[0].ndim if sharding.is_replicated() else sharding.tile_assignment_dimensions()[: shards[0].ndim]
        shape = tuple(s * t for s, t in zip(shards[0].shape, tiles))
        whole.append(np.asarray(jax.make_array_from_single_device_arrays(shape, GSPMDSharding(DEVICES, sharding), list(shards))))
    return whole

def group(line):
    if m := re.search(r"replica_groups=\[\d+,(\d+)\]<=", line): return int(m[1])
    if m := re.search(r"replica_groups=\{\{([\d,]+)\}", line): return len(m[1].split(","))
    if m := re.search(r"replica_groups=mesh\[(.*?)\](?:, device_ids=\(.*?\))? \{(.*?)\}", line):
        size = {k: int(v) for k, v in re.findall(r"'([^']+)'=(\d+)", m[1])}
        return math.prod(int(sub) if sub else size[name] for name, sub in re.findall(r"'([^']+)'(?::\(\d+\)(\d+))?", m[2]))
    return N

def meter(text):
    bodies, entry, name = {}, None, None
    for line in text.splitlines():
        if m := re.match(r"(ENTRY )?%?([\w.\-]+) \(.*\) -> .*\{$", line):
            name = m[2]; bodies[name] = []
            if m[1]: entry = name
        elif name: bodies[name].append(line)
    count, wire = collections.Counter(), collections.Counter()
    def walk(body, times):
        for line in bodies.get(body, []):
            m = re.match(r"\s*(?:ROOT )?%?[\w.\-]+ = (.*?) ([a-z][\w\-]*)\(", line)
            if not m: continue
            op = m[2]
            if op == "while":
                trips = re.search(r"known_trip_count[^\d]*(\d+)", line)
                walk(re.search(r"body=%?([\w.\-]+)", line)[1], times * int(trips[1]) if trips else times)
            elif op in ("call", "fusion", "conditional"):
                for ref in re.findall(r"(?:calls|to_apply)=%?([\w.\-]+)", line): walk(ref, times)
            kind = op.removesuffix("-start").replace("-", "_")
            if kind not in ("all_gather", "all_reduce", "reduce_scatter", "all_to_all", "collective_permute"): continue
            n = sum(math.prod([BYTES[t], *(int(d) for d in dims.split(",") if d)]) for t, dims in re.findall(r"\b([a-z]+\d*)\[([\d,]*)\]", m[1]) if t in BYTES)
            g = group(line)
            if g == 1 and kind != "collective_permute": continue
            factor = {"all_gather": (g - 1) / g, "all_reduce": 2 * (g - 1) / g, "reduce_scatter": g - 1, "all_to_all": (g - 1) / g, "collective_permute": 1}[kind]
            count[kind] += times; wire[kind] += n * factor * times
    walk(entry, 1)
    return dict(count=dict(count), bytes={k: round(v) for k, v in wire.items()}, total=round(sum(wire.values())))

a, types = build(original)
b, _ = build(emitted)
inputs = list(values(types))
worst = 0.0
for x, y in zip(run(a, inputs), run(b, inputs), strict=True):
    x, y = x.astype(np.float64), y.astype(np.float64)
    assert x.shape == y.shape, f"{x.shape} against {y.shape}"
    worst = max(worst, float((np.abs(x - y) / (np.abs(x) + np.sqrt(np.mean(x * x)) + 1e-30)).max(initial=0)))
print(json.dumps(dict(max_rel_error=worst, xla=meter(a.hlo_modules()[0].to_string()), shardc=meter(b.hlo_modules()[0].to_string()))))
