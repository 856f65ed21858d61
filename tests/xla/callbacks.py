"""Host callbacks: without argument, prints the programs as JAX lowers them, {name: text}; with `run`, takes {name: emitted} on
stdin and prints {name: {xla: [calls, result], shardc: [calls, result]}}: how often the host is called, and the first number."""
import json, sys
import simulated

simulated.start(8)
jax, np, xc = simulated.jax, simulated.np, simulated.xc
import jax.numpy as jnp
from jax.experimental import io_callback
from jax.sharding import NamedSharding, PartitionSpec

mesh = jax.make_mesh((2, 4), ("x", "y"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
argument = jax.ShapeDtypeStruct((8, 16), jnp.float32, sharding=NamedSharding(mesh, PartitionSpec("x", None)))
like = jax.ShapeDtypeStruct((8, 16), jnp.float32)
calls = []

def twice(a): calls.append(1); return 2 * np.asarray(a)
def told(a): jax.debug.callback(lambda s: calls.append(1), a.sum()); return a + 1

PROGRAMS = dict(
    debug=told,
    result=lambda a: io_callback(twice, like, a) + 1,
    loop=lambda a: jax.lax.fori_loop(0, 3, lambda i, v: told(v), a),
    branch=lambda a: jax.lax.cond(a.sum() > -1e9, told, lambda v: v, a),
    per_shard=lambda a: jax.shard_map(told, mesh=mesh, in_specs=PartitionSpec("x", "y"), out_specs=PartitionSpec("x", "y"))(a),
)
lowered = {name: jax.jit(f).lower(argument) for name, f in PROGRAMS.items()}

def run(text, callbacks):
    calls.clear()
    with simulated.jmlir.make_ir_context():
        module = simulated.ir.Module.parse(text)
        devices = xc.DeviceList(simulated.DEVICES)
        executable = simulated.DEVICES[0].client.compile_and_load(module, devices, simulated.options_for(text), callbacks)
    [result] = simulated.run(executable, [np.arange(128, dtype=np.float32).reshape(8, 16)])
    jax.effects_barrier()
    return [len(calls), float(result[0, 1])]

if sys.argv[1:] != ["run"]: print(json.dumps({name: one.as_text() for name, one in lowered.items()}))
else:
    emitted, found = json.load(sys.stdin), {}
    for name, one in lowered.items():
        callbacks = one._lowering.compile_args["host_callbacks"]
        found[name] = dict(xla=run(one.as_text(), callbacks), shardc=run(emitted[name], callbacks))
    print(json.dumps(found))
