"""JAX programs of many kinds, each under several annotations, lowered to StableHLO.

Writes a JSON list of {"name", "text"} to standard output. Programs that this JAX cannot lower are named on standard error.
Needs eight simulated devices.
"""
import json
import os
import re
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental.shard_alike import shard_alike
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P

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


def attention_decode(q, cache, new, i):
    cache = lax.dynamic_update_slice(cache, new, (0, i, 0, 0))
    weights = jax.nn.softmax(jnp.einsum("bhd,bthd->bht", q, cache))
    return jnp.einsum("bht,bthd->bhd", weights, cache), cache


def moe_dispatch(x, gate):
    probabilities = jax.nn.softmax(x @ gate)
    weight, expert = lax.top_k(probabilities, 2)
    order = jnp.argsort(expert.reshape(-1))
    tokens = jnp.repeat(x, 2, 0)[order]
    counts = jax.ops.segment_sum(jnp.ones_like(order), expert.reshape(-1), gate.shape[1])
    return tokens, counts, weight


def layers(x, ws):
    def layer(h, w):
        h = h + jax.nn.gelu(h @ w["in"]) @ w["out"]
        return h, jnp.abs(h).max()
    return lax.scan(jax.checkpoint(layer), x, ws)


@jax.custom_vjp
def clip_grad(x):
    return x * 2


clip_grad.defvjp(lambda x: (x * 2, x), lambda x, g: (jnp.clip(g, -1, 1) * jnp.sign(x),))


def twice_called(x, w):
    f = jax.jit(lambda a, b: jnp.tanh(a @ b))
    return f(x, w) + f(f(x, w), w.T @ w).sum(0)


def pool_grad(x):
    return jax.grad(lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME").sum())(x)


def convolve(dims, kernel, strides=None, padding="SAME", **rest):
    def run(x, k):
        n = len(dims[0]) - 2
        return lax.conv_general_dilated(x, k, strides or (1,) * n, padding, dimension_numbers=dims, **rest)
    return run


def quantised(x, w, scale):
    wide = lax.dot_general(x, w, (((1,), (0,)), ((), ())), preferred_element_type=I32)
    return wide.astype(F32) * scale


ROW, COL = [("x",), (None, "y")], [("x", "y"), ("y", "x")]

PROGRAMS |= {
    "decode": (attention_decode, [(4, 8, 16), (4, 32, 8, 16), (4, 1, 8, 16), ((), I32)],
               [[("x", "y"), ("x", None, "y"), ("x", None, "y"), ()], [("x",), ("x", "y"), (), ()]]),
    "moe_dispatch": (moe_dispatch, [(32, 16), (16, 8)], [[("x",), ()], [("x", "y"), (None, "y")]]),
    "layers": (lambda x, a, b: layers(x, {"in": a, "out": b}), [(16, 32), (4, 32, 64), (4, 64, 32)],
               [[("x",), (None, None, "y"), (None, "y")], [("x", "y"), (None, "x"), (None, None, "x")]]),
    "layers_grad": (jax.grad(lambda x, a, b: layers(x, {"in": a, "out": b})[0].sum(), (1, 2)), [(16, 32), (4, 32, 64), (4, 64, 32)],
                    [[("x",), (None, "x", "y"), (None, "y", "x")]]),
    "custom_vjp": (jax.grad(lambda x, w: clip_grad(x @ w).sum(), 1), [(16, 32), (32, 64)], [ROW, COL]),
    "twice_called": (twice_called, [(32, 64), (64, 64)], [ROW, COL, [(None, "x"), ("y",)]]),
    "pool_grad": (pool_grad, [(4, 8, 8, 4)], [[("x", "y")], [(None, None, "y", "x")]]),
    "conv1d": (convolve(("NWC", "WIO", "NWC"), 3), [(8, 32, 8), (3, 8, 16)], [[("x", "y"), ()], [(None, None, "y"), (None, "y")]]),
    "conv3d": (convolve(("NDHWC", "DHWIO", "NDHWC"), 3), [(2, 8, 8, 8, 4), (3, 3, 3, 4, 8)], [[("x", "y"), ()], [(), (None, None, None, None, "y")]]),
    "depthwise": (convolve(("NHWC", "HWIO", "NHWC"), 3, feature_group_count=8), [(4, 8, 8, 8), (3, 3, 1, 8)], [[("x", None, None, "y"), ()]]),
    "dilated": (convolve(("NHWC", "HWIO", "NHWC"), 3, rhs_dilation=(2, 2)), [(4, 16, 16, 8), (3, 3, 8, 8)], [[("x", "y"), ()], [(None, "x"), (None, None, "y")]]),
    "transposed_conv": (lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME"), [(4, 8, 8, 8), (3, 3, 8, 8)], [[("x", "y"), ()]]),
    "average_pool": (lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4, [(4, 8, 8, 4)], [[("x", "y")]]),
    "take_along": (lambda a, i: jnp.take_along_axis(a, i, 1), [(16, 32), ((16, 4), I32)], [[("x", "y"), ("x",)], [(None, "y"), ()]]),
    "gather_2d": (lambda t, i, j: t[i, :, j], [(8, 16, 32), ((4,), I32), ((4,), I32)], [[("x", "y"), (), ()], [(None, "y", "x"), ("x",), ("x",)]]),
    "embed_batch": (lambda t, i: t[i], [(64, 16), ((8, 4), I32)], [[("y",), ("x",)], [(None, "y"), ("x", "y")]]),
    "scatter_set": (lambda t, i, u: t.at[:, i].set(u), [(16, 32), ((4,), I32), (16, 4)], [[("x", "y"), (), ("x",)], [(None, "y"), (), ()]]),
    "scatter_max": (lambda t, i, u: t.at[i].max(u), [(64, 16), ((8,), I32), (8, 16)], [[("y",), ("x",), ("x",)], [(None, "y"), ("x",), ()]]),
    "scatter_mul": (lambda t, i, u: t.at[i].mul(u), [(64, 16), ((8,), I32), (8, 16)], [[("x",), (), (None, "y")]]),
    "dynamic_index": (lambda a, i: lax.dynamic_index_in_dim(a, i, 0, False), [(8, 16, 32), ((), I32)], [[("x", "y"), ()], [(None, "x", "y"), ()]]),
    "histogram": (lambda i: jnp.bincount(i, length=16), [((64,), I32)], [[("x",)], [(("x", "y"),)]]),
    "searchsorted": (lambda a, b: jnp.searchsorted(a, b), [(64,), (16,)], [[("x",), ("y",)]]),
    "argsort": (lambda a: jnp.argsort(a, 0), [(16, 32)], [[("x", "y")], [(None, "y")]]),
    "sort_pairs": (lambda a, b: lax.sort((a, b), dimension=1, num_keys=1), [(16, 32), (16, 32)], [[("x", "y"), ("x",)], [("y",), (None, "x")]]),
    "unique_like": (lambda a: jnp.cumsum(jnp.sort(a)[1:] != jnp.sort(a)[:-1]), [(64,)], [[("x",)]]),
    "cumulative": (lambda a: (jnp.cumprod(a, 0), lax.cummax(a, axis=1), lax.cumlogsumexp(a, axis=0)), [(16, 32)], [[("x", "y")], [(None, "y")]]),
    "associative": (lambda a: lax.associative_scan(jnp.maximum, a, axis=0), [(16, 32)], [[("x", "y")], [(None, "x")]]),
    "fft": (lambda a: jnp.abs(jnp.fft.fft(a, axis=-1)), [(16, 32)], [[("x", "y")], [("y",)]]),
    "rfft2": (lambda a: jnp.fft.irfft2(jnp.fft.rfft2(a)), [(8, 16, 32)], [[("x", "y")], [(None, None, "y")]]),
    "cholesky": (lambda a: jnp.linalg.cholesky(a @ a.transpose(0, 2, 1)), [(8, 16, 16)], [[("x", "y")], [(None, "x", "y")]]),
    "solve": (lambda a, b: jax.scipy.linalg.solve_triangular(a, b, lower=True), [(16, 16), (16, 8)], [[("x", "y"), ("x",)], [(), (None, "y")]]),
    "qr": (lambda a: jnp.linalg.qr(a), [(8, 16, 8)], [[("x",)], [(None, "x", "y")]]),
    "eigh": (lambda a: jnp.linalg.eigh(a), [(8, 16, 16)], [[("x",)], [("x", "y")]]),
    "svd": (lambda a: jnp.linalg.svd(a, full_matrices=False), [(8, 16, 8)], [[("x", "y")]]),
    "lu": (lambda a: lax.linalg.lu(a), [(8, 16, 16)], [[("x",)], [("x", "y")]]),
    "special": (lambda a: jax.scipy.special.erfinv(jnp.tanh(a)) + lax.lgamma(a) + lax.digamma(a) + jax.scipy.special.erfc(a), [(16, 32)], [[("x", "y")], [(None, "x")]]),
    "bessel": (lambda a: jax.scipy.special.i0e(a) + jax.scipy.special.betainc(1.0, 2.0, jax.nn.sigmoid(a)), [(16, 32)], [[("x", "y")]]),
    "trigonometry": (lambda a: jnp.arctan2(jnp.sinh(a), jnp.cosh(a)) + jnp.arcsin(jnp.tanh(a)) + jnp.arccosh(a * a + 1), [(16, 32)], [[("x", "y")]]),
    "dropout": (lambda k, a: jnp.where(jax.random.bernoulli(k, 0.5, a.shape), a, 0), [((2,), jnp.uint32), (16, 32)], [[(), ("x", "y")], [(), (None, "y")]]),
    "complex": (lambda a, b: jnp.real((a + 1j * b) * jnp.conj(a)), [(16, 32), (16, 32)], [[("x", "y"), ("x",)]]),
    "integers": (lambda a: (a ^ (a >> 3)) % 7 + lax.population_count(a) + lax.clz(a), [((16, 32), I32)], [[("x", "y")]]),
    "bits": (lambda a: lax.bitcast_convert_type(lax.bitcast_convert_type(a, jnp.uint8), F32), [(16, 32)], [[("x", "y")]]),
    "quantised": (quantised, [((16, 32), jnp.int8), ((32, 64), jnp.int8), (64,)], [[("x",), (None, "y"), ("y",)]]),
    "outer": (lambda a, b: jnp.outer(a, b), [(16,), (32,)], [[("x",), ("y",)], [("y",), ("x",)], [(("x", "y"),), ()]]),
    "batched_transposed": (lambda a, b: jnp.einsum("bij,bkj->bik", a, b), [(8, 16, 32), (8, 16, 32)], [[("x", "y"), ("x", None, "y")], [("x", None, "y"), ("x", None, "y")]]),
    "contract_two": (lambda a, b: jnp.einsum("bijk,jkl->bil", a, b), [(4, 8, 4, 8), (4, 8, 16)], [[("x", None, "y"), ("y",)], [(None, None, None, "y"), (None, "y", "x")]]),
    "triangle": (lambda a: jnp.einsum("ij,jk,ki->i", a, a, a), [(16, 16)], [[("x", "y")]]),
    "split_heads": (lambda x, w: (x @ w).reshape(8, 16, 4, 16).transpose(0, 2, 1, 3), [(8, 16, 32), (32, 64)], [[("x",), (None, "y")], [("x", "y"), ()]]),
    "merge_heads": (lambda x, w: x.transpose(0, 2, 1, 3).reshape(8, 16, 64) @ w, [(8, 4, 16, 16), (64, 32)], [[("x", "y"), ("y",)], [("y",), ()]]),
    "tile": (lambda a: jnp.tile(a, (2, 3)), [(16, 32)], [[("x", "y")]]),
    "repeat": (lambda a: jnp.repeat(a, 2, 0), [(16, 32)], [[("x", "y")]]),
    "stack": (lambda a, b: jnp.stack([a, b], 1).sum(0), [(16, 32), (16, 32)], [[("x", "y"), ("y",)]]),
    "flip": (lambda a: jnp.flip(a, 1) + a[::-1], [(16, 32)], [[("x", "y")], [(None, "y")]]),
    "squeeze": (lambda a: jnp.expand_dims(a.squeeze(1), 0) * 2, [(16, 1, 32)], [[("x", None, "y")], [("y",)]]),
    "diagonal": (lambda a: jnp.diagonal(a) + jnp.trace(a), [(16, 16)], [[("x", "y")]]),
    "unused_carry": (lambda a: lax.fori_loop(0, 5, lambda i, c: (c[0] * 2, c[1] + i), (a, a.sum(0)))[0], [(16, 32)], [[("x", "y")]]),
    "vmapped_while": (jax.vmap(lambda a: lax.while_loop(lambda c: c.sum() < 50, lambda c: c * 2 + 1, a)), [(8, 16)], [[("x", "y")], [("x",)]]),
    "nested_cond": (lambda p, a: lax.cond(p > 0, lambda b: lax.cond(p > 2, jnp.sin, jnp.cos, b), lambda b: b @ b, a), [((), I32), (16, 16)], [[(), ("x", "y")]]),
    "cond_in_scan": (lambda a, xs: lax.scan(lambda c, x: (lax.cond(x.sum() > 0, lambda v: v + x, lambda v: v * 2, c), c.mean()), a, xs), [(16, 32), (4, 16, 32)],
                     [[("x",), (None, None, "y")], [(), (None, "x", "y")]]),
    "scan_reversed": (lambda a, xs: lax.scan(lambda c, x: (c * 0.5 + x, c), a, xs, reverse=True), [(16, 32), (6, 16, 32)], [[("x",), (None, "x", "y")]]),
    "map": (lambda xs: lax.map(lambda a: jax.nn.softmax(a @ a.T), xs), [(4, 16, 32)], [[(None, "x", "y")], [("x", "y")]]),
    "barrier": (lambda a, w: lax.optimization_barrier((a @ w, a))[0] + 1, [(16, 32), (32, 64)], [ROW, COL]),
    "alike": (lambda a, b: shard_alike(a, b)[0] @ shard_alike(a * 2, b + 1)[1].T, [(16, 32), (16, 32)], [[("x", "y"), ()], [(), ("y",)]]),
    "adam": (lambda p, g, m, v: (p - 0.01 * (0.9 * m + 0.1 * g) * lax.rsqrt(0.99 * v + 0.01 * g * g + 1e-8), 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g), [(32, 64)] * 4,
             [[("x", "y"), (), ("x",), (None, "y")], [(("x", "y"),), (), (("x", "y"),), (("x", "y"),)]]),
}


def inside(mesh):
    """Constraints open and closed, manual computations full, partial and in loops."""
    con = lambda a, *spec: lax.with_sharding_constraint(a, NamedSharding(mesh, P(*spec)))
    manual = lambda f, ins, outs, axes=None: jax.shard_map(
        f, mesh=mesh, in_specs=ins, out_specs=outs, check_vma=False, **({} if axes is None else {"axis_names": axes}))
    n = mesh.shape["y"]
    full = manual(lambda a, b: lax.psum(a @ b, "y"), (P("x", "y"), P("y", None)), P("x", None))
    partial = manual(lambda a: jnp.tanh(a) * lax.axis_index("x"), P("x"), P("x"), {"x"})
    ring = manual(lambda a: lax.fori_loop(0, n, lambda i, c: lax.ppermute(c, "y", [(j, (j + 1) % n) for j in range(n)]) + a, a), P("x", "y"), P("x", "y"))
    exchange = manual(lambda a: lax.all_to_all(a, "y", 1, 0, tiled=True), P("x", "y"), P(("x", "y")))
    gathered = manual(lambda a: lax.all_gather(a, "y", axis=1, tiled=True), P("x", "y"), P("x", None))
    scattered = manual(lambda a: lax.psum_scatter(a, "y", scatter_dimension=1, tiled=True), P("x", None), P("x", "y"))
    return {
        "constraint": (lambda x, w: con(con(x, "x", None) @ w, "x", "y"), [(16, 32), (32, 64)], [[(None, "y"), ("x",)], [(), ()]]),
        "open_constraint": (lambda x, w: con(x @ w, U, "y") * 2, [(16, 32), (32, 64)], [[("x",), ()], [(), ("y",)]]),
        "two_constraints": (lambda x: con(x, "x", None) + con(x, None, "y"), [(16, 32)], [[()], [("y",)]]),
        "constraint_chain": (lambda x: con(con(con(x, "x"), None, "y"), "y", "x") @ x.T, [(16, 32)], [[()], [("x",)]]),
        "constraint_in_scan": (lambda x, ws: lax.scan(lambda c, w: (con(jnp.tanh(c @ w), "x", U), None), x, ws)[0], [(16, 32), (4, 32, 32)], [[(), (None, "y")], [(None, "y"), ()]]),
        "constraint_in_cond": (lambda p, x: lax.cond(p > 0, lambda a: con(a, "x", None), lambda a: con(a, None, "y"), x), [((), I32), (16, 32)], [[(), ()], [(), ("y",)]]),
        "manual": (lambda x, w: full(jnp.sin(x), w) + 1, [(16, 32), (32, 64)], [[(), ()], [("x", "y"), ("y",)]]),
        "partly_manual": (lambda x, w: partial(x) @ w, [(16, 32), (32, 64)], [[(), (None, "y")], [(None, "y"), ("y",)]]),
        "manual_in_scan": (lambda x: lax.scan(lambda c, _: (partial(c) + 1, None), x, None, 3)[0], [(16, 32)], [[(None, "y")], [("x",)]]),
        "ring": (lambda x: ring(x * 2) / 3, [(16, 32)], [[("x", "y")], [()]]),
        "exchange": (lambda x: exchange(x).sum(1), [(16, 32)], [[("x", "y")]]),
        "gathered": (lambda x: scattered(gathered(x)), [(16, 32)], [[("x", "y")], [("x",)]]),
        "uneven": (lambda x, w: con(jnp.tanh(con(x, "x", "y") @ w), "x").sum(1), [(30, 50), (50, 77)], [[(), ()]]),
    }


def prioritised(text):
    """The first annotated dim of every second argument waits for priority 1, that of the others goes first."""
    head, rest = text.split("-> (", 1)
    count = iter(range(1000))
    return re.sub(r'\[\{("\w+"[^}]*)\}', lambda m: f"[{{{m[1]}}}p{next(count) % 2}", head) + "-> (" + rest


def opened(text):
    """Every annotated dim of the arguments may take more axes."""
    head, rest = text.split("-> (", 1)
    opened_dim = lambda m: "{" + ", ".join([*([m[1]] if m[1] else []), "?"]) + "}"
    shardings = r"(?<=#sdy.sharding<@mesh, )\[.*?\](?=[,>])"
    return re.sub(shardings, lambda s: re.sub(r"\{([^}]*)\}", opened_dim, s[0]), head) + "-> (" + rest


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
                out.append({"name": label, "text": text})
                if i == 0 and mesh is WIDE and len(shapes) > 1:
                    out.append({"name": f"{label}, priorities", "text": prioritised(text)})
                    out.append({"name": f"{label}, open", "text": opened(text)})
    json.dump(out, sys.stdout)


if __name__ == "__main__":
    main()
