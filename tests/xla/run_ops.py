"""Runs StableHLO modules on XLA: JSON on stdin, [{module, devices, inputs: [{dtype, shape, bytes}]}]; JSON on stdout, per
module its results as {dtype, shape, bytes}, or {error}. Bytes are base64, little-endian, narrow types a byte each."""
import base64, json, os, sys
jobs = json.load(sys.stdin)
count = max(j["devices"] for j in jobs)
# Most of the time is LLVM's, on code that runs once.
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_parallel_codegen_split_count=1"
os.environ.update(XLA_FLAGS=f"--xla_force_host_platform_device_count={count} {QUICK}", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="3")
import jax, ml_dtypes, numpy as np
from jax._src import compiler
from jax._src.interpreters import mlir as jmlir
from jax._src.lib import xla_client as xc
from jax._src.lib.mlir import ir
from jax._src.sharding_impls import GSPMDSharding

jax.config.update("jax_enable_x64", True)
NAMES = {"pred": "bool_", "c64": "complex64", "c128": "complex128", "bf16": "bfloat16", "f16": "float16", "f32": "float32", "f64": "float64"}

def numpy_type(name):
    if name in NAMES: return np.dtype(getattr(np, NAMES[name], None) or getattr(ml_dtypes, NAMES[name]))
    kind, rest = {"i": "int", "u": "uint", "f": "float"}[name[0]], name[1:]
    if kind == "float": rest = rest.replace("e", "_e", 1)
    return np.dtype(getattr(np, kind + rest, None) or getattr(ml_dtypes, kind + rest))

def build(text, devices):
    n = len(devices)
    options = compiler.get_compile_options(num_replicas=1, num_partitions=n, device_assignment=np.arange(n).reshape(1, n))
    flags = options.executable_build_options
    flags.use_spmd_partitioning, flags.use_shardy_partitioner = n > 1, True
    if n > 1: flags.allow_spmd_sharding_propagation_to_output = [True]
    with jmlir.make_ir_context():
        return devices[0].client.compile_and_load(ir.Module.parse(text), xc.DeviceList(devices), options)

def run(job):
    devices = tuple(jax.devices()[: job["devices"]])
    executable = build(job["module"], devices)
    values = [np.frombuffer(base64.b64decode(i["bytes"]), numpy_type(i["dtype"])).reshape(i["shape"]) for i in job["inputs"]]
    if len(devices) == 1:
        outs = [np.asarray(o[0]) for o in executable.execute_sharded([jax.device_put(v, devices[0]) for v in values]).disassemble_into_single_device_arrays()]
        return [dict(bytes=base64.b64encode(np.ascontiguousarray(o).tobytes()).decode()) for o in outs]
    shardings = executable.get_parameter_shardings()
    placed = [jax.device_put(v, GSPMDSharding(devices, xc.HloSharding.from_proto(p))) for v, p in zip(values, shardings)]
    parts = executable.execute_sharded(placed).disassemble_into_single_device_arrays()
    whole = []
    for p, shards in zip(executable.get_output_shardings(), parts):
        sharding = xc.HloSharding.from_proto(p)
        tiles = [1] * shards[0].ndim if sharding.is_replicated() else sharding.tile_assignment_dimensions()[: shards[0].ndim]
        shape = tuple(s * t for s, t in zip(shards[0].shape, tiles))
        o = np.asarray(jax.make_array_from_single_device_arrays(shape, GSPMDSharding(devices, sharding), list(shards)))
        whole.append(dict(bytes=base64.b64encode(np.ascontiguousarray(o).tobytes()).decode()))
    return whole

out = []
for job in jobs:
    try: out.append(run(job))
    except Exception as error: out.append(dict(error=str(error)[:2000]))
json.dump(out, sys.stdout)
