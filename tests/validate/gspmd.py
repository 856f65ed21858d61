"""Lowers one row of the GSPMD paper's dense transformers: gspmd.py LAYERS MODEL FFN HEADS BATCH writes StableHLO to stdout.

A decoder as the paper has it (section 5.1): gated GELU, attention with heads of 128, all matrix products in bf16, layers under scan and
rematerialised (one activation saved per layer), the 2-D "finalized" shardings of its table 1, gradients and an Adafactor-like update.
"""
import os, sys
os.environ.update(XLA_FLAGS="--xla_force_host_platform_device_count=8", JAX_PLATFORMS="cpu")
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

L, M, F, N, B = (int(a) for a in sys.argv[1:6])
S, K, V = 1024, 128, 32000
mesh = Mesh(np.array(jax.devices()).reshape(2, 4), ("x", "y"))
def at(*dims): return NamedSharding(mesh, P(*dims))
def arg(shape, dims, dtype=jnp.bfloat16): return jax.ShapeDtypeStruct(shape, dtype, sharding=at(*dims))
def pin(a, *dims): return jax.lax.with_sharding_constraint(a, at(*dims))

def norm(x): return (x * jax.lax.rsqrt(jnp.mean(jnp.square(x.astype(jnp.float32)), -1, keepdims=True) + 1e-6).astype(x.dtype))

@jax.checkpoint
def layer(x, w):
    q, k, v, o, a, g, b = w
    h = norm(x)
    qh, kh, vh = (pin(jnp.einsum("bsm,mnd->bsnd", h, p), "x", None, "y", None) for p in (q, k, v))
    logits = jnp.einsum("bsnd,btnd->bnst", qh, kh).astype(jnp.float32) * K ** -.5
    causal = jnp.arange(S)[:, None] >= jnp.arange(S)[None, :]
    probs = jax.nn.softmax(jnp.where(causal, logits, -1e9)).astype(x.dtype)
    c = pin(jnp.einsum("bnst,btnd->bsnd", probs, vh), "x", None, "y", None)
    x = x + pin(jnp.einsum("bsnd,ndm->bsm", c, o), "x", None, "y")
    h = norm(x)
    up = pin(jax.nn.gelu(h @ a) * (h @ g), "x", None, "y")
    return pin(x + up @ b, "x", None, "y")

def loss(p, ids, labels):
    emb, ws = p
    x = pin(emb[ids], "x", None, "y")
    x, _ = jax.lax.scan(lambda x, w: (layer(x, w), None), x, ws)
    logits = pin(jnp.einsum("bsm,vm->bsv", norm(x), emb), "x", None, "y").astype(jnp.float32)
    at_label = jnp.sum(jnp.where(jnp.arange(V) == labels[..., None], logits, 0), -1)
    return jnp.mean(jax.nn.logsumexp(logits, -1) - at_label)

def step(p, ids, labels):
    l, g = jax.value_and_grad(loss)(p, ids, labels)
    return l, jax.tree.map(lambda w, d: w - (1e-3 * d * jax.lax.rsqrt(jnp.mean(jnp.square(d.astype(jnp.float32))) + 1e-9).astype(d.dtype)), p, g)

qkv = arg((L, M, N, K), (None, "x", "y", None))
up = arg((L, M, F), (None, "x", "y"))
params = (arg((V, M), ("y", "x")), (qkv, qkv, qkv, arg((L, N, K, M), (None, "y", None, "x")), up, up, arg((L, F, M), (None, "y", "x"))))
ids = arg((B, S), ("x", None), jnp.int32)
print(jax.jit(step, donate_argnums=0).lower(params, ids, ids).as_text())
