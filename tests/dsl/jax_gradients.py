"""Values and gradients of small models by JAX, for gradients.test.ts: python tests/dsl/jax_gradients.py > tests/dsl/jax-gradients.json

Argument i of a model is sin(0.37 j + i) * scale over its flat elements j, in both languages."""
import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

jax.config.update("jax_enable_x64", True)


def arg(i, shape, scale=0.5):
    n = int(np.prod(shape))
    return jnp.asarray(np.sin(0.37 * np.arange(n) + i).reshape(shape) * scale, jnp.float64)


def mlp(x, w1, b1, w2):
    h = jax.nn.gelu(x @ w1 + b1)
    logits = h @ w2
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(4), jnp.array([0, 2, 1, 2])])


def attention(x, wq, wk, wv, g):
    n = x * lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * g
    q, k, v = (jnp.einsum("bsd,dhk->bhsk", n, w) for w in (wq, wk, wv))
    s = jnp.einsum("bhqk,bhsk->bhqs", q, k) / 2.0
    s = jnp.where(jnp.tril(jnp.ones((5, 5), bool)), s, -1e9)
    return jnp.sum(jnp.square(jnp.einsum("bhqs,bhsk->bhqk", jax.nn.softmax(s), v)))


def rnn(h, w, xs):
    def step(h, x):
        h = jnp.tanh(h @ w + x)
        return h, jnp.sum(h * h)

    h, ys = lax.scan(step, h, xs)
    return jnp.sum(h) + jnp.sum(ys * jnp.arange(1.0, 6.0))


def reverse_scan(c, xs):
    c, ys = lax.scan(lambda c, x: (c * x + jnp.sin(c), c * c), c, xs, reverse=True)
    return c + jnp.sum(ys[1:] * ys[:-1])


def branches(x, y):
    a = lax.cond(x[0] > 0, lambda u, v: jnp.sum(jnp.sin(u) * v), lambda u, v: jnp.sum(u * u), x, y)
    b = lax.switch(2, [lambda u: u[0], lambda u: u[1] * u[2], lambda u: jnp.exp(u[0]) * jnp.sum(u)], y)
    return a * b


def nested(w, x):
    def outer(c, x):
        def inner(i, c):
            return jnp.where(i == 1, c * c, jnp.sin(c @ w + x))

        return lax.fori_loop(0, 3, inner, c), None

    return jnp.sum(lax.scan(outer, x[0], x)[0])


def convnet(x, k1, k2):
    h = lax.conv_general_dilated(x, k1, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    h = lax.reduce_window(jax.nn.silu(h), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    h = lax.conv_general_dilated(h, k2, (2, 1), ((1, 0), (0, 1)), rhs_dilation=(1, 2), dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=2)
    return jnp.sum(jnp.square(h))


def indexing(table, x):
    rows = table[jnp.array([[3, 1], [0, 3]])]
    top, where = lax.top_k(x, 2)
    ordered = jnp.sort(x, axis=0)
    best = jnp.take_along_axis(x, jnp.argmax(x, 1)[:, None], 1)
    spread = jnp.zeros((5, 4)).at[jnp.array([1, 1, 4])].add(x)
    sliced = lax.dynamic_slice(x, (1, 1), (2, 2))
    return jnp.sum(rows**2) + jnp.sum(top * jnp.cos(where * 1.0)) + jnp.sum(ordered * x) + jnp.sum(best) + jnp.sum(spread**3) + jnp.prod(sliced) + jax.nn.logsumexp(jnp.cumsum(x, 1)) + jnp.max(x)


def second(x, y):
    f = lambda x: jnp.sum(jnp.tanh(x * y) ** 2 / (1 + x * x))
    return jnp.sum(jax.grad(f)(x) * y)


def second_scan(x, w):
    def f(x):
        return jnp.sum(lax.scan(lambda c, v: (jnp.sin(c * w) + v, c), x, jnp.stack([x, w]))[1])

    return jnp.sum(jax.grad(f)(x) ** 2)


def manual(x, w, v):
    """Every collective of a shard_map, a loop and a branch that differs between devices."""

    def body(x, w, v):
        i = lax.axis_index("x")
        h = jnp.tanh(x @ w) + v
        g = lax.all_gather(h, "x", axis=0, tiled=True) * (i + 1.0)
        r = lax.psum_scatter(g, "x", scatter_dimension=0, tiled=True)
        p = lax.ppermute(r * v, "x", [(0, 1)]) + lax.ppermute(h, "x", [(0, 1), (1, 0)])
        t = lax.all_to_all(p, "x", split_axis=1, concat_axis=0, tiled=True)
        c, _ = lax.scan(lambda c, u: (jnp.tanh(c @ w[:4] + u), None), r, jnp.stack([h, r]))
        own = v + 0.0 * i  # JAX sums v's cotangent within the branch, where only one device would come
        z = lax.cond(i == 0, lambda: jnp.sum(t) * own[0], lambda: jnp.sum(t * t))
        total = lax.psum(z + jnp.sum(jnp.sin(c)), "x")
        return total * jnp.sum(v * v), t

    mesh = jax.make_mesh((2,), ("x",), axis_types=(jax.sharding.AxisType.Auto,))
    total, t = jax.shard_map(body, mesh=mesh, in_specs=(P("x"), P(), P()), out_specs=(P(), P(None, "x")))(x, w, v)
    return total + jnp.sum(t * jnp.cos(t))


def numbers(x, y):
    """Complex numbers, Fourier transforms, factorisations."""
    z = lax.complex(x, y)
    f = jnp.fft.fft(z * jnp.exp(1j * z)) / (2 + z * jnp.conj(z))
    r = jnp.fft.irfft(jnp.fft.rfft(x) * jnp.fft.rfft(y))
    a = jnp.einsum("ij,kj->ik", x, x) + 2 * jnp.eye(3)
    l = jnp.linalg.cholesky(a)
    s = lax.linalg.triangular_solve(l, y, left_side=True, lower=True)
    return jnp.sum(jnp.abs(f)) + jnp.sum(jnp.imag(f) * y) + jnp.sum(r**2) + jnp.sum(jnp.sin(l)) + jnp.sum(s**2)


def special(x, y):
    p = 1.5 + x * x
    return jnp.sum(lax.digamma(p)) + jnp.sum(lax.polygamma(jnp.ones_like(p), p)) + jnp.sum(jnp.cumprod(x) * y) + jnp.sum(lax.cumprod(y, reverse=True) * x) + jnp.sum(lax.cummax(x) * y)


MODELS = {
    "manual": (manual, [(4, 6), (6, 4), (4,)]),
    "numbers": (numbers, [(3, 6), (3, 6)]),
    "special": (special, [(5,), (5,)]),
    "mlp": (mlp, [(4, 6), (6, 8), (8,), (8, 3)]),
    "attention": (attention, [(2, 5, 6), (6, 2, 4), (6, 2, 4), (6, 2, 4), (6,)]),
    "rnn": (rnn, [(2, 3), (3, 3), (5, 2, 3)]),
    "reverseScan": (reverse_scan, [(), (4,)]),
    "branches": (branches, [(3,), (3,)]),
    "nested": (nested, [(3, 3), (2, 3)]),
    "convnet": (convnet, [(1, 8, 6, 2), (3, 3, 2, 4), (2, 2, 2, 4)]),
    "indexing": (indexing, [(4, 3), (3, 4)]),
    "second": (second, [(5,), (5,)]),
    "secondScan": (second_scan, [(3,), (3,)]),
}

out = {}
for name, (f, shapes) in MODELS.items():
    args = [arg(i, s) for i, s in enumerate(shapes)]
    value, grads = jax.value_and_grad(f, argnums=tuple(range(len(args))))(*args)
    out[name] = {"shapes": shapes, "value": float(value), "grads": [[float(f"{v:.7g}") for v in np.ravel(g)] for g in grads]}
json.dump(out, sys.stdout, separators=(",", ":"))
