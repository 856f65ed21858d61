"""JAX programs of many kinds, each under several annotations, and what Shardy's own pipeline makes of them.

Writes a JSON list of {"name", "text", "functions"} to standard output: the lowered module, and per function the shardings
of arguments, results and ops' results after sdy-propagation-pipeline. Programs that this JAX cannot lower are left out by
name on standard error. Needs eight simulated devices.
"""
import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.shard_map import shard_map
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

from oracle import after_pipeline

F32, I32, BF16 = jnp.float32, jnp.int32, jnp.bfloat16
WIDE = Mesh(np.array(jax.devices()).reshape(2, 4), ("x", "y"))
CUBE = Mesh(np.array(jax.devices()).reshape(2, 2, 2), ("x", "y", "z"))
U = P.UNCONSTRAINED


def mlp_loss(w1, w2, x, t):
    return ((jnp.tanh(x @ w1) @ w2 - t) ** 2).mean()


def attention(q, k, v):
    return jnp.einsum("bhqk,bhkd->bhqd", jax.nn.softmax(jnp.einsum("bhqd,bhkd->bhqk", q, k)), v)


def moe(x, gate, w):
    routed = jax.nn.one_hot(jnp.argmax(x @ gate, -1), gate.shape[1])
    return jnp.einsum("te,td,edf->tf", routed, x, w)


def beam(scores, state):
    best, index = lax.top_k(scores.reshape(scores.shape[0], -1), 4)
    return best, jnp.take_along_axis(state, index % state.shape[1], axis=1)


def lstm(x, w, u):
    def cell(carry, xt):
        h, c = carry
        i, f, g, o = jnp.split(xt @ w + h @ u, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h
    zeros = jnp.zeros((x.shape[1], u.shape[0]))
    return lax.scan(cell, (zeros, zeros), x)


@jax.jit
def gelu_twice(x):
    return jax.nn.gelu(jax.nn.gelu(x))


def called(x, w):
    return gelu_twice(x @ w) + gelu_twice(x).sum(-1, keepdims=True)


def conv(x, k):
    return lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


# name: (function, argument shapes and types, annotations: one list of specs per way to shard it)
PROGRAMS = {
    "mlp": (lambda x, w, v: jax.nn.relu(x @ w) @ v, [(16, 32), (32, 64), (64, 32)],
            [[("x",), (None, "y"), ("y",)], [("x", "y"), (), ()], [(), ("x", "y"), ("y", "x")], [(("x", "y"),), (), ()]]),
    "grad": (jax.grad(mlp_loss, (0, 1)), [(32, 64), (64, 16), (16, 32), (16, 16)],
             [[(None, "y"), ("y",), ("x",), ("x",)], [("x", "y"), ("y", "x"), (("x", "y"),), ()], [("y",), (None, "x"), ("x",), ()]]),
    "norm": (lambda x, g: (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * g, [(16, 32), (32,)],
             [[("x", "y"), ("y",)], [(None, "x"), ()], [(("y", "x"),), ("x",)]]),
    "attention": (attention, [(4, 8, 16, 8)] * 3,
                  [[("x", "y")] * 3, [("x", None, "y")] * 3, [("x", None, "y"), ("x", "y"), ("x",)], [(None, "y", "x")] * 3]),
    "scan": (lambda x, w: lax.scan(lambda c, wi: (jnp.tanh(c @ wi), c.sum()), x, w), [(8, 32), (4, 32, 32)],
             [[("x",), (None, None, "y")], [("x", "y"), ("x",)], [(), (None, "y")]]),
    "lstm": (lstm, [(5, 8, 16), (16, 64), (16, 64)], [[(None, "x"), (None, "y"), (None, "y")], [(), ("y",), ("x",)]]),
    "cond": (lambda p, x: lax.cond(p > 0, lambda a: a * 2, jnp.sin, x), [((), I32), (16, 32)], [[(), ("x", "y")], [(), (None, "y")]]),
    "switch": (lambda i, x, y: lax.switch(i, [jnp.add, jnp.multiply, jnp.subtract], x, y), [((), I32), (16, 32), (16, 32)],
               [[(), ("x",), (None, "y")], [(), ("x", "y"), ("y", "x")]]),
    "while": (lambda x: lax.while_loop(lambda c: c[1].sum() < 100.0, lambda c: (c[0] + 1, c[1] * 2 + 1), (0, x)), [(16, 32)],
              [[("x", "y")], [(None, ("x", "y"))]]),
    "nested_loops": (lambda x: lax.fori_loop(0, 3, lambda i, a: lax.fori_loop(0, 2, lambda j, b: b @ b + i, a), x), [(16, 16)],
                     [[("x", "y")], [("y",)]]),
    "gather": (lambda t, i: t[i], [(64, 32), ((16,), I32)], [[("y",), ("x",)], [(None, "y"), ("x",)], [("x", "y"), ()]]),
    "scatter": (lambda t, i, u: t.at[i].add(u), [(64, 32), ((16,), I32), (16, 32)],
                [[("y",), ("x",), ("x",)], [(None, "y"), (), (None, "y")]]),
    "segments": (lambda x, i: jax.ops.segment_sum(x, i, 8), [(16, 32), ((16,), I32)], [[("x", "y"), ("x",)], [(), ()]]),
    "moe": (moe, [(32, 16), (16, 8), (8, 16, 32)], [[("x",), (), ("y",)], [(), (None, "y"), ("y", None, "x")]]),
    "beam": (beam, [(4, 8, 16), (4, 8)], [[("x", "y"), ("x",)], [("x", None, "y"), (None, "y")]]),
    "sort": (lambda x: jnp.sort(x, -1), [(16, 32)], [[("x", "y")], [(None, "x")]]),
    "top_k": (lambda x: lax.top_k(x, 4), [(16, 32)], [[("x", "y")], [("y",)]]),
    "argmax": (lambda x: (jnp.argmax(x, -1), jnp.max(x, 0)), [(16, 32)], [[("x", "y")], [(None, "y")]]),
    "cumsum": (lambda x: jnp.cumsum(x, 1), [(16, 32)], [[("x", "y")], [("x",)]]),
    "reshape": (lambda x: x.reshape(16, 4, 8).transpose(1, 0, 2).reshape(4, 128), [(16, 32)], [[("x", "y")], [("y", "x")], [(None, ("x", "y"))]]),
    "flatten": (lambda x, w: x.reshape(-1, 8) @ w, [(8, 4, 8), (8, 8)], [[("x", "y"), ()], [("x", None, "y"), ("y",)]]),
    "concat": (lambda a, b: jnp.concatenate([a, b], 1), [(16, 32), (16, 32)], [[("x", "y")] * 2, [("x",), (None, "y")]]),
    "roll": (lambda a: jnp.roll(a, 3, 1), [(16, 32)], [[("x", "y")], [(None, "x")]]),
    "pad": (lambda a: jnp.pad(a, ((1, 1), (0, 4))), [(16, 32)], [[("x", "y")], [("y",)]]),
    "slices": (lambda a: a[:8, ::2] + a[8:, 1::2], [(16, 32)], [[("x", "y")], [(None, "y")]]),
    "update": (lambda c, u, i: lax.dynamic_update_slice(c, u, (0, i, 0)), [(4, 32, 16), (4, 1, 16), ((), I32)],
               [[("x", None, "y"), ("x", None, "y"), ()], [("x", "y"), (), ()]]),
    "conv": (conv, [(8, 16, 16, 8), (3, 3, 8, 16)], [[("x", "y"), ()], [("x",), (None, None, None, "y")], [(None, None, None, "y"), ()]]),
    "conv_grad": (jax.grad(lambda x, k: (conv(x, k) ** 2).sum(), (0, 1)), [(8, 16, 16, 8), (3, 3, 8, 16)], [[("x", "y"), ()], [("x",), (None, None, None, "y")]]),
    "vmap": (jax.vmap(lambda a, b: a @ b), [(8, 16, 16), (8, 16, 16)], [[("x",), ("x", None, "y")], [("x", "y"), (None, "y")]]),
    "bf16": (lambda x, w: (x @ w).astype(F32).sum(), [((16, 32), BF16), ((32, 64), BF16)], [[("x",), (None, "y")], [("x", "y"), ("y",)]]),
    "calls": (called, [(16, 32), (32, 32)], [[("x",), (None, "y")], [("x", "y"), ("y", "x")]]),
    "remat": (jax.grad(lambda w, x: jax.checkpoint(lambda a: jnp.tanh(a @ w) @ w.T)(x).sum()), [(32, 64), (16, 32)], [[(None, "y"), ("x",)], [("x", "y"), ()]]),
    "cross_entropy": (jax.value_and_grad(lambda z, t: -jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1).mean()),
                      [(16, 32), ((16,), I32)], [[("x", "y"), ("x",)], [(None, "y"), ()]]),
    "mask": (lambda a: jnp.where(jnp.tril(jnp.ones((16, 16), bool)), a, -1e9), [(16, 16)], [[("x", "y")], [("y",)]]),
    "priorities": (lambda x, w: jnp.tanh(x @ w) @ w.T, [(16, 32), (32, 64)], [[("x",), ("x", "y")], [("y", "x"), ("x",)]]),
}


def inside(mesh):
    """Constraints open and closed, and manual computations, full and partial."""
    con = lambda a, *spec: lax.with_sharding_constraint(a, NamedSharding(mesh, P(*spec)))
    full = shard_map(lambda a, b: lax.psum(a @ b, "y"), mesh=mesh, in_specs=(P("x", "y"), P("y", None)), out_specs=P("x", None), check_rep=False)
    return {
        "constraint": (lambda x, w: con(con(x, "x", None) @ w, "x", "y"), [(16, 32), (32, 64)], [[(None, "y"), ("x",)], [(), ()]]),
        "open_constraint": (lambda x, w: con(x @ w, U, "y") * 2, [(16, 32), (32, 64)], [[("x",), ()], [(), ("y",)]]),
        "two_constraints": (lambda x: con(x, "x", None) + con(x, None, "y"), [(16, 32)], [[()], [("y",)]]),
        "manual": (lambda x, w: full(jnp.sin(x), w) + 1, [(16, 32), (32, 64)], [[(), ()], [("x", "y"), ("y",)]]),
    }


def arguments(shapes, specs, mesh):
    for shape, spec in zip(shapes, specs):
        shape, dtype = shape if len(shape) == 2 and not isinstance(shape[1], int) else (shape, F32)
        yield jax.ShapeDtypeStruct(shape, dtype, sharding=NamedSharding(mesh, P(*spec)))


def main():
    out = []
    for mesh in (WIDE, CUBE):
        for name, (function, shapes, ways) in {**PROGRAMS, **inside(mesh)}.items():
            for i, specs in enumerate(ways if mesh is WIDE else ways[:1]):
                label = f"{name}/{i} on {'x'.join(map(str, mesh.devices.shape))}"
                try:
                    text = jax.jit(function).lower(*arguments(shapes, specs, mesh)).as_text()
                except Exception as error:  # another JAX may lack something
                    print(f"{label}: {str(error).splitlines()[0]}", file=sys.stderr)
                    continue
                out.append({"name": label, "text": text, **after_pipeline(text)})
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
