"""Real XLA on simulated CPU devices: `start(n)` before anything else of JAX, then compile, run, and ask what lies where."""
import math, os, re

def mesh_size(text):
    """Devices of the first mesh in a module's text."""
    return math.prod(int(n) for n in re.findall(r"=(\d+)", re.search(r"sdy\.mesh @\S+ = <\[(.*?)\]", text)[1]))

def start(devices):
    global jax, np, md, compiler, jmlir, xc, ir, GSPMDSharding, DEVICES, NUMPY
    os.environ.update(XLA_FLAGS=f"--xla_force_host_platform_device_count={devices}", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="2", JAX_ENABLE_X64="1")
    import jax, numpy as np, ml_dtypes as md
    from jax._src import compiler
    from jax._src.interpreters import mlir as jmlir
    from jax._src.lib import xla_client as xc
    from jax._src.lib.mlir import ir
    from jax._src.sharding_impls import GSPMDSharding
    from jaxlib import lapack
    lapack._lapack.initialize()  # JAX does so when it lowers a call of it; text that has one is not lowered here
    use(devices)
    NUMPY = dict(f16=np.float16, bf16=md.bfloat16, f32=np.float32, f64=np.float64, i1=np.bool_, i8=np.int8, i16=np.int16, i32=np.int32, i64=np.int64,
                 ui8=np.uint8, ui16=np.uint16, ui32=np.uint32, ui64=np.uint64, **{"complex<f32>": np.complex64, "complex<f64>": np.complex128})

def use(devices):
    """As many of those started."""
    global DEVICES
    DEVICES = tuple(jax.devices()[:devices])

def options_for(text):
    n = len(DEVICES)
    options = compiler.get_compile_options(num_replicas=1, num_partitions=n, device_assignment=np.arange(n).reshape(1, n))
    flags = options.executable_build_options
    flags.use_spmd_partitioning, flags.use_shardy_partitioner = True, "mhlo.sharding" not in text
    flags.allow_spmd_sharding_propagation_to_output = [True]
    return options

def build_text(text):
    """The executable, of text that XLA parses itself: its parser knows dialects that JAX's does not."""
    return DEVICES[0].client.compile_and_load(text.encode(), xc.DeviceList(DEVICES), options_for(text))

def build(text):
    """The executable, and the types of arguments and results."""
    with jmlir.make_ir_context():
        module = ir.Module.parse(text)
        main = next(o for o in module.body.operations if o.operation.name == "func.func" and o.attributes["sym_name"].value == "main")
        signature = ir.FunctionType(main.attributes["function_type"].value)
        inputs, results = ([str(t) for t in types] for types in (signature.inputs, signature.results))
        return DEVICES[0].client.compile_and_load(module, xc.DeviceList(DEVICES), options_for(text)), inputs, results

def shape_of(t):
    m = re.match(r"tensor<((?:\d+x)*)(.*)>$", t)
    return tuple(int(d) for d in m[1].split("x")[:-1]), m[2]

def values(types, seed=0):
    """Small floats; integers over what the program may index, a few of them out of range; scalars small."""
    rng = np.random.default_rng(seed)
    top = max([8] + [d for t in types for d in shape_of(t)[0]])
    for t in types:
        shape, element = shape_of(t)
        if element[0] == "c": yield (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(NUMPY[element])
        elif element[0] in "fb": yield (0.1 * rng.standard_normal(shape)).astype(NUMPY[element])
        elif element == "i1": yield rng.integers(0, 2, shape).astype(bool)
        elif not shape: yield np.asarray(rng.integers(1, 8), NUMPY[element])
        else:
            most = min(top, 7) if "8" in element else top
            wild = rng.integers(0 if element[0] == "u" else -most, 2 * most, shape)
            yield np.where(rng.random(shape) < .05, wild, rng.integers(0, most, shape)).astype(NUMPY[element])

def run_on_one(executable, inputs):
    """Of a program for one device, which has no shardings."""
    parts = executable.execute_sharded([jax.device_put(v, DEVICES[0]) for v in inputs]).disassemble_into_single_device_arrays()
    return [np.asarray(shards[0]) for shards in parts]

def run(executable, inputs):
    if executable.get_parameter_shardings() is None: return run_on_one(executable, inputs)
    place = lambda p: GSPMDSharding(DEVICES, xc.HloSharding.from_proto(p))
    placed = [jax.device_put(v, place(p)) for v, p in zip(inputs, executable.get_parameter_shardings())]
    parts = executable.execute_sharded(placed).disassemble_into_single_device_arrays()
    whole = []
    for p, shards in zip(executable.get_output_shardings(), parts):
        sharding = xc.HloSharding.from_proto(p)
        tiles = [1] * shards[0].ndim if sharding.is_replicated() else sharding.tile_assignment_dimensions()[: shards[0].ndim]
        shape = tuple(s * t for s, t in zip(shards[0].shape, tiles))
        whole.append(np.asarray(jax.make_array_from_single_device_arrays(shape, GSPMDSharding(DEVICES, sharding), list(shards))))
    return whole

def held(executable, results):
    """Per result: the slice that each device holds, as text; None where XLA lays it out unevenly."""
    found = []
    for p, t in zip(executable.get_output_shardings(), results):
        try: where = GSPMDSharding(DEVICES, xc.HloSharding.from_proto(p)).devices_indices_map(shape_of(t)[0])
        except Exception: found.append(None); continue
        found.append(";".join(",".join(f"{i.start or 0}:{'' if i.stop is None else i.stop}" for i in where[d]) for d in DEVICES))
    return found
