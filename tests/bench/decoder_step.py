"""Writes decoder_step.mlir: the training step of a two-layer decoder (mean loss, momentum), sharded in two dimensions."""
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AbstractMesh, AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

B, T, V, D, H, K, F, L = 32, 16, 2048, 512, 64, 8, 1024, 2
mesh = AbstractMesh((2, 4), ("x", "y"), axis_types=(AxisType.Auto,) * 2)
shape = {
    "embed": ((V, D), P("y", "x")),
    "wq": ((L, D, H, K), P(None, "x", "y", None)),
    "wk": ((L, D, H, K), P(None, "x", "y", None)),
    "wv": ((L, D, H, K), P(None, "x", "y", None)),
    "wo": ((L, H, K, D), P(None, "y", None, "x")),
    "w1": ((L, D, F), P(None, "x", "y")),
    "w2": ((L, F, D), P(None, "y", "x")),
}


def at(x, *axes):
    return jax.lax.with_sharding_constraint(x, NamedSharding(mesh, P(*axes)))


def norm(x):
    return x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)


def layer(x, w):
    h = at(norm(x), "x", None, "y")
    q, k, v = (jnp.einsum("btd,dhk->bthk", h, w[n]) for n in ("wq", "wk", "wv"))
    scores = jnp.einsum("bthk,bshk->bhts", q, k) / np.sqrt(K)
    scores = jnp.where(np.tril(np.ones((T, T), bool)), scores, -1e9)
    mixed = jnp.einsum("bhts,bshk->bthk", jax.nn.softmax(scores, axis=-1), v)
    x = at(x + jnp.einsum("bthk,hkd->btd", mixed, w["wo"]), "x", None, "y")
    h = jax.nn.gelu(jnp.einsum("btd,df->btf", norm(x), w["w1"]))
    return at(x + jnp.einsum("btf,fd->btd", h, w["w2"]), "x", None, "y"), None


def loss(params, tokens, targets):
    embed = params["embed"]
    x = at(embed[tokens], "x", None, "y")
    x, _ = jax.lax.scan(layer, x, {n: w for n, w in params.items() if n != "embed"})
    logits = jnp.einsum("btd,vd->btv", norm(x), embed)
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), targets[..., None], axis=-1, mode="clip")
    return -jnp.mean(picked)


def step(params, momentum, tokens, targets):
    value, grads = jax.value_and_grad(loss)(params, tokens, targets)
    momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, grads)
    return value, jax.tree.map(lambda p, m: p - 1e-3 * m, params, momentum), momentum


def spec(dims, axes, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(dims, dtype, sharding=NamedSharding(mesh, axes))


params = {n: spec(*s) for n, s in shape.items()}
tokens = spec((B, T), P("x", None), jnp.int32)
text = jax.jit(step).trace(params, params, tokens, tokens).lower(lowering_platforms=("cpu",)).as_text()
pathlib.Path(__file__).with_name("decoder_step.mlir").write_text(text)
