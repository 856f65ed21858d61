#!/usr/bin/env python3
"""Runs a program that shardc emitted on real XLA devices, over as many processes as there are hosts.

On one machine, as a rehearsal: two processes with four simulated CPU devices each, which talk over TCP as hosts do.
    shardc model.mlir --emit stablehlo=out.mlir
    python examples/run_on_xla.py out.mlir --local 2x4 --check model.mlir

On a pod, the same on every host (jax.distributed finds coordinator and ids by itself on Cloud TPU, Slurm, Kubernetes):
    python examples/run_on_xla.py out.mlir --inputs inputs.npz --outputs results.npz
    python examples/run_on_xla.py out.mlir --coordinator host0:1234 --processes 16 --process 3      # or by hand

Inputs: an .npz with one global array per argument, in order; without it, random numbers from --seed, the same on every
host. Results: an .npz of global arrays, written by process 0. --check ORIGINAL compiles the program that shardc was given
with XLA's own partitioner on the same devices and compares. The last line of process 0 is JSON: seconds per run, shapes,
and the worst |a-b| / (|a| + rms(a)).

The number of devices must be that of the mesh in the file. Device i of the mesh is the i-th of jax.devices(), which on a
TPU slice follows the hosts; mesh axes that talk most belong on chips that are neighbours. Needs jax 0.10.
"""
import argparse, json, math, os, re, socket, subprocess, sys, time

def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="StableHLO as shardc emits it")
    parser.add_argument("--inputs", help=".npz, one array per argument in order")
    parser.add_argument("--outputs", help=".npz to write")
    parser.add_argument("--check", metavar="ORIGINAL", help="the program that shardc was given, to compare with")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeat", type=int, default=1, help="timed runs")
    parser.add_argument("--local", metavar="PxD", help="start P processes here, with D CPU devices each")
    parser.add_argument("--coordinator", help="host:port of process 0")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--process", type=int)
    parser.add_argument("--cpu-devices", type=int, help="simulated CPU devices of this process")
    return parser.parse_args()

def start_locally(args):
    """One process per simulated host; all are ended when one fails."""
    processes, devices = map(int, args.local.split("x"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rest = [a for i, a in enumerate(sys.argv[1:]) if a != "--local" and sys.argv[i] != "--local" and not a.startswith("--local=")]
    started = [
        subprocess.Popen([sys.executable, __file__, *rest, "--coordinator", f"127.0.0.1:{port}", "--processes", str(processes),
                          "--process", str(i), "--cpu-devices", str(devices)])
        for i in range(processes)
    ]
    try:
        while any(p.poll() is None for p in started):
            if any(p.poll() not in (None, 0) for p in started): break
            time.sleep(0.05)
    finally:
        for p in started:
            if p.poll() is None: p.terminate()
    codes = [p.wait() for p in started]
    sys.exit(next((c if c > 0 else 1 for c in codes if c != 0), 0))

ARGS = arguments()
if ARGS.local: start_locally(ARGS)

if ARGS.cpu_devices:
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + f" --xla_force_host_platform_device_count={ARGS.cpu_devices}"
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import jax, ml_dtypes, numpy as np
from jax._src import compiler
from jax._src.interpreters import mlir
from jax._src.lib import xla_client
from jax._src.lib.mlir import ir
from jax._src.sharding_impls import GSPMDSharding
from jax.experimental import multihost_utils

DTYPES = dict(f16=np.float16, bf16=ml_dtypes.bfloat16, f32=np.float32, f64=np.float64, i1=np.bool_, f8E4M3FN=ml_dtypes.float8_e4m3fn,
              f8E5M2=ml_dtypes.float8_e5m2, i4=ml_dtypes.int4, ui4=ml_dtypes.uint4, **{"complex<f32>": np.complex64, "complex<f64>": np.complex128},
              **{f"{s}i{b}": np.dtype(f"{'u' if s else ''}int{b}") for s in ("", "u") for b in (8, 16, 32, 64)})

class Program:
    """A StableHLO module compiled for all devices of all processes."""

    def __init__(self, path, devices):
        self.devices = tuple(devices)
        n = len(self.devices)
        options = compiler.get_compile_options(num_replicas=1, num_partitions=n, device_assignment=np.array([d.id for d in devices]).reshape(1, n))
        build = options.executable_build_options
        text = open(path).read()
        build.use_spmd_partitioning, build.use_shardy_partitioner = True, "mhlo.sharding" not in text
        build.allow_spmd_sharding_propagation_to_output = [True]
        with mlir.make_ir_context():
            module = ir.Module.parse(text)
            main = next(o for o in module.body.operations if o.operation.name == "func.func" and o.attributes["sym_name"].value == "main")
            kind = ir.FunctionType(main.attributes["function_type"].value)
            self.inputs, self.outputs = ([parse_type(str(t)) for t in side] for side in (kind.inputs, kind.results))
            self.executable = devices[0].client.compile_and_load(module, xla_client.DeviceList(tuple(d for d in devices)), options)

    def sharding(self, proto):
        return GSPMDSharding(self.devices, xla_client.HloSharding.from_proto(proto))

    def place(self, values):
        """Each process puts its own shards on its own devices."""
        protos = self.executable.get_parameter_shardings() or []
        return [jax.make_array_from_callback(v.shape, self.sharding(p), lambda index, v=v: v[index]) for v, p in zip(values, protos, strict=True)]

    def run(self, placed):
        results = self.executable.execute_sharded(placed).disassemble_into_single_device_arrays()
        protos = self.executable.get_output_shardings() or []
        return [jax.make_array_from_single_device_arrays(shape, self.sharding(p), list(shards))
                for (shape, _), p, shards in zip(self.outputs, protos, results, strict=True)]

def parse_type(text):
    found = re.match(r"tensor<((?:\d+x)*)(.*)>$", text)
    if not found or found[2] not in DTYPES: sys.exit(f"an argument or result of type {text} cannot be fed here")
    return tuple(int(n) for n in found[1].split("x")[:-1]), np.dtype(DTYPES[found[2]])

def devices_of(path):
    """The size of the mesh that the file names."""
    found = re.search(r"sdy\.mesh @[\w\"]+ = <\[(.*?)\]", open(path).read())
    if not found: sys.exit(f"{path} names no mesh: is it a program that shardc emitted?")
    return math.prod(int(n) for n in re.findall(r"=(\d+)", found[1]))

def inputs_for(program):
    if ARGS.inputs:
        held = np.load(ARGS.inputs)
        given = [held[name] for name in held.files]
        wanted = program.inputs
        if len(given) != len(wanted): sys.exit(f"{ARGS.inputs} holds {len(given)} arrays, the program takes {len(wanted)}")
        for i, (a, (shape, dtype)) in enumerate(zip(given, wanted)):
            if a.shape != shape: sys.exit(f"input {i} has shape {a.shape}, the program takes {shape}")
        return [a.astype(dtype) for a, (_, dtype) in zip(given, wanted)]
    rng = np.random.default_rng(ARGS.seed)
    small = lambda shape, dtype: rng.integers(0, 5, shape) if dtype.kind in "iub" else 0.1 * rng.standard_normal(shape)
    return [np.asarray(small(shape, dtype)).astype(dtype) for shape, dtype in program.inputs]

def worst_error(a, b):
    a, b = (np.asarray(x).astype(np.complex128 if np.iscomplexobj(x) else np.float64) for x in (a, b))
    if a.size == 0: return 0.0
    return float((np.abs(a - b) / (np.abs(a) + np.sqrt(np.mean(np.abs(a) ** 2)) + 1e-30)).max())

def main():
    if ARGS.coordinator:
        if ARGS.cpu_devices: jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(ARGS.coordinator, ARGS.processes, ARGS.process)
    elif not ARGS.cpu_devices:
        try: jax.distributed.initialize()
        except ValueError: pass  # no cluster: the devices of this host
    count = devices_of(ARGS.program)
    devices = jax.devices()[:count]
    if len(devices) < count: sys.exit(f"the program is for {count} devices; {jax.process_count()} processes have {len(devices)}")
    program = Program(ARGS.program, devices)
    values = inputs_for(program)
    placed = program.place(values)
    results = jax.block_until_ready(program.run(placed))
    start = time.perf_counter()
    for _ in range(ARGS.repeat): jax.block_until_ready(program.run(placed))
    seconds = (time.perf_counter() - start) / max(1, ARGS.repeat)
    whole = [np.asarray(multihost_utils.process_allgather(r, tiled=True)) for r in results]
    report = dict(processes=jax.process_count(), devices=count, results=[[list(w.shape), str(w.dtype)] for w in whole], seconds=seconds)
    if ARGS.check:
        original = Program(ARGS.check, devices)
        wanted = [np.asarray(multihost_utils.process_allgather(r, tiled=True)) for r in original.run(original.place(values))]
        report["max_rel_error"] = max([worst_error(a, b) for a, b in zip(wanted, whole, strict=True)], default=0.0)
    if jax.process_index() == 0:
        if ARGS.outputs: np.savez(ARGS.outputs, *whole)
        print(json.dumps(report), flush=True)

main()
