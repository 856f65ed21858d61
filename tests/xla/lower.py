"""Lowers the fixtures of tests/xla with JAX: python tests/xla/lower.py writes fixtures/*.mlir."""
import os, pathlib
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax, jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
import numpy as np

HERE = pathlib.Path(__file__).parent / "fixtures"

def mesh(x, y): return Mesh(np.array(jax.devices()).reshape(x, y), ("x", "y"))
def spec(m, *dims): return NamedSharding(m, P(*dims))
def constrain(m, a, *dims): return jax.lax.with_sharding_constraint(a, spec(m, *dims))
def arg(m, shape, dims, dtype=jnp.float32): return jax.ShapeDtypeStruct(shape, dtype, sharding=spec(m, *dims))

def mlp():
    m = mesh(2, 4)
    f = lambda x, a, b: jax.nn.relu(x @ a) @ b
    return f, (arg(m, (32, 64), ("x",)), arg(m, (64, 128), (None, "y")), arg(m, (128, 64), ("y",)))

def fsdp_step():
    m = mesh(4, 2)
    def loss(params, x, t):
        for a, b in params: x = x + jnp.tanh(x @ a) @ b
        return jnp.mean((x - t) ** 2)
    def step(params, x, t):
        l, g = jax.value_and_grad(loss)(params, x, t)
        return l, jax.tree.map(lambda p, d: p - .1 * d, params, g)
    layer = (arg(m, (64, 128), ("x", "y")), arg(m, (128, 64), ("y", "x")))
    return step, ([layer, layer], arg(m, (16, 64), ("x",)), arg(m, (16, 64), ("x",)))

def embedding():
    m = mesh(2, 4)
    def f(table, ids, out):
        y, pull = jax.vjp(lambda t: t[ids], table)
        return y * 2, pull(out)[0]
    return f, (arg(m, (64, 32), ("y",)), arg(m, (8, 16), ("x",), jnp.int32), arg(m, (8, 16, 32), ("x",)))

def decoder_step(sizes=(8, 16, 32, 4, 8, 64, 64, 2)):
    """Two layers under scan, attention and MLP, cross entropy, gradients, SGD: 2-D sharded weights (GSPMD paper, table 1)."""
    m = mesh(2, 4)
    B, S, M, H, D, F, V, L = sizes
    def layer(x, w):
        wq, wk, wv, wo, w1, w2 = w
        n = x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6)
        q, k, v = (jnp.einsum("bsm,mhd->bhsd", n, p) for p in (wq, wk, wv))
        logits = jnp.einsum("bhsd,bhtd->bhst", q, k) / 3.
        mask = jnp.arange(S)[:, None] >= jnp.arange(S)[None, :]
        att = jnp.einsum("bhst,bhtd->bhsd", jax.nn.softmax(jnp.where(mask, logits, -1e9)), v)
        x = constrain(m, x + jnp.einsum("bhsd,hdm->bsm", att, wo), "x", None, "y")
        return x + jax.nn.gelu(x @ w1) @ w2, None
    def loss(p, ids, labels):
        emb, ws = p
        x, _ = jax.lax.scan(layer, constrain(m, emb[ids], "x", None, "y"), ws)
        logits = jnp.einsum("bsm,vm->bsv", x, emb)
        return jnp.mean(jax.nn.logsumexp(logits, -1) - jnp.sum(jnp.where(jnp.arange(V) == labels[..., None], logits, 0), -1))
    def step(p, ids, labels):
        l, g = jax.value_and_grad(loss)(p, ids, labels)
        return l, jax.tree.map(lambda a, b: a - .1 * b, p, g)
    qkv = arg(m, (L, M, H, D), (None, "x", "y"))
    ws = (qkv, qkv, qkv, arg(m, (L, H, D, M), (None, "y", None, "x")), arg(m, (L, M, F), (None, "x", "y")), arg(m, (L, F, M), (None, "y", "x")))
    ids = arg(m, (B, S), ("x",), jnp.int32)
    return step, ((arg(m, (V, M), ("y", "x")), ws), ids, ids)

def uneven():
    m = mesh(4, 2)
    def f(x, w):
        y = constrain(m, jnp.tanh(x @ w), "x", "y")
        return y.sum(0), y
    return f, (arg(m, (30, 50), ()), arg(m, (50, 77), ()))

def argmax():
    """Over a sharded dim: each shard picks first."""
    return lambda x: (jnp.argmax(x, -1), jnp.max(x, 0)), (arg(mesh(2, 4), (16, 32), ("x", "y")),)

def sort():
    """Along a sharded dim: the axes go to the other dim and come back."""
    return lambda x: jnp.sort(x, -1), (arg(mesh(2, 4), (16, 32), ("x", "y")),)

def empty():
    """No elements, laid out and wanted whole: no collective may be asked to move them."""
    m = mesh(2, 4)
    return lambda x: (constrain(m, constrain(m, x[:0], "x", "y"), None, "x"), jnp.concatenate([x[:0], x])), (arg(m, (16, 8), ("x",)),)

def approx_top_k():
    """A custom_call that names a function of the module."""
    return lambda x: jax.lax.approx_max_k(x, 3), (arg(mesh(2, 4), (16, 8), ("x",)),)

def shard_map_ring():
    """A ring matmul on 3x2 devices, all axes manual: each step multiplies one block and passes it on."""
    m = Mesh(np.array(jax.devices()[:6]).reshape(3, 2), ("x", "y"))
    def g(a, b):
        i, n = jax.lax.axis_index("x"), 3
        def step(k, c):
            acc, b = c
            part = jax.lax.dynamic_slice_in_dim(a, (i - k) % n * b.shape[0], b.shape[0], 1)
            return acc + part @ b, jax.lax.ppermute(b, "x", [(q, (q + 1) % n) for q in range(n)])
        return jax.lax.fori_loop(0, n, step, (jnp.zeros((a.shape[0], b.shape[1])), b))[0]
    f = jax.shard_map(g, mesh=m, in_specs=(P("y", None), P("x", None)), out_specs=P("y", None), check_vma=False)
    return f, (arg(m, (10, 12), ("y",)), arg(m, (12, 5), ("x",)))

def shard_map_pipeline():
    """A pipeline over x, its microbatches sharded over y by the compiler: partial-manual, a scan, a chain of permutes."""
    m, S, M = mesh(4, 2), 4, 6
    def g(w, xs):
        i = jax.lax.axis_index("x")
        def tick(c, t):
            state, outs = c
            out = jnp.tanh(jnp.where(i == 0, jax.lax.dynamic_index_in_dim(xs, jnp.minimum(t, M - 1), 0, False), state) @ w[0])
            outs = jax.lax.dynamic_update_index_in_dim(outs, jnp.where(i == S - 1, out, 0.), jnp.maximum(t - (S - 1), 0), 0)
            return (jax.lax.ppermute(out, "x", [(j, j + 1) for j in range(S - 1)]), outs), None
        (_, outs), _ = jax.lax.scan(tick, (jnp.zeros(xs.shape[1:]), jnp.zeros(xs.shape)), jnp.arange(M + S - 1))
        return jax.lax.psum(outs, "x")
    f = jax.shard_map(g, mesh=m, in_specs=(P("x"), P()), out_specs=P(), axis_names={"x"}, check_vma=False)
    return f, (arg(m, (4, 8, 8), ("x",)), arg(m, (6, 4, 8), (None, "y")))

def shard_map_nested():
    """One shard_map in another, a gradient through both, a branch and a loop that differ along x."""
    m = mesh(2, 4)
    def inner(a): return jax.lax.psum(a, "y") * (1. + jax.lax.axis_index("y"))
    def outer(a, w):
        i = jax.lax.axis_index("x")
        b = jax.shard_map(inner, in_specs=P(None, "y"), out_specs=P(None, "y"), axis_names={"y"}, check_vma=False)(a @ w)
        b = jax.lax.cond(i == 1, lambda v: jnp.tanh(v), lambda v: v * 2., b)
        n, c = jax.lax.while_loop(lambda c: c[0] <= i, lambda c: (c[0] + 1, c[1] * 1.5), (jnp.int32(0), b))
        return jax.lax.psum(c, "x"), b + n
    f = jax.shard_map(outer, mesh=m, in_specs=(P("x", None), P()), out_specs=(P(), P("x", None)), axis_names={"x"}, check_vma=False)
    return f, (arg(m, (8, 16), ("x",)), arg(m, (16, 16), (None, "y")))

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for make in (mlp, fsdp_step, embedding, decoder_step, uneven, argmax, sort, empty, approx_top_k, shard_map_ring, shard_map_pipeline, shard_map_nested):
        f, args = make()
        (HERE / f"{make.__name__}.mlir").write_text(jax.jit(f).lower(*args).as_text())
    # For npm run bench:sim: every dim divides by 32 or 64.
    f, args = decoder_step((32, 16, 512, 64, 8, 1024, 2048, 2))
    (HERE.parents[1] / "bench" / "decoder_step.mlir").write_text(jax.jit(f).lower(*args).as_text())
    # With locations: explain shows the line of this file.
    f, args = mlp()
    (HERE / "mlp_debug.mlir").write_text(jax.jit(f).lower(*args).as_text(debug_info=True).replace(f"{HERE.parents[2]}/", ""))
