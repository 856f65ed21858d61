"""Edges of sharded dims for tests/wire: pads that read the other end, windows whose results do not divide, rows written and read one by one."""
import jax, jax.numpy as jnp
from jax import lax
from lowering import F, I, On, program

def stencil(on, mode, dims, shape):
    """Neighbours' sums in every direction, beyond the border by `mode`."""
    def f(x):
        p = jnp.pad(x, [(1, 1)] * x.ndim, mode=mode)
        inside = lambda d, at: lax.slice_in_dim(p, at, at + x.shape[d], axis=d)
        cut = lambda t, d: t[tuple(slice(None) if e == d else slice(1, -1) for e in range(x.ndim))]
        return sum(cut(inside(d, at), d) for d in range(x.ndim) for at in (0, 2)) - 2 * x.ndim * x
    return f, (on.arg(shape, *dims),)

for mode in ("edge", "wrap", "reflect"):
    program(f"stencil-{mode}", "rows-2x4", lambda mode=mode: stencil(On(x=2, y=4), mode, ("x",), (64, 16)))
    program(f"stencil-{mode}", "grid-4x2", lambda mode=mode: stencil(On(x=4, y=2), mode, ("x", "y"), (32, 32)))

def pools(on, B=4, N=32, C=4):
    """Pools of 3 by 3, between convolutions: 32 places become 10 or 11."""
    dims = ("NHWC", "HWIO", "NHWC")
    def f(x, w, v):
        h = jax.nn.relu(lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=dims))
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 3, 3, 1), "VALID")
        h = lax.conv_general_dilated(h, v, (1, 1), "SAME", dimension_numbers=dims)
        return h, lax.reduce_window(h, 0., lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME") / 9
    return f, (on.arg((B, N, N, C), None, "x", "y"), on.arg((3, 3, C, 8)), on.arg((3, 3, 8, C)))

program("pools", "space-4x2", lambda: pools(On(x=4, y=2)))
program("pools", "rows-8", lambda: pools(On(x=8, y=1)))

def rows(on, B=8, T=32, K=4, D=8, M=32):
    """A cache sharded on heads: every sequence writes at a place of its own, reads the three before, and adds to what is there."""
    def f(cache, x, wk, at):
        new = jnp.einsum("bm,mkd->bkd", x, wk)
        written = jax.vmap(lambda c, n, p: lax.dynamic_update_slice(c, n[None], (p, 0, 0)))(cache, new, at)
        last = jax.vmap(lambda c, p: lax.dynamic_slice(c, (p, 0, 0), (3, K, D)))(written, at - 2)
        return written, last.mean(1), written.at[jnp.arange(B), at].add(new)
    return f, (on.arg((B, T, K, D), "x", None, "y"), on.arg((B, M), "x"), on.arg((M, K, D), None, "y"), on.arg((B,), "x", dtype=I))

program("cache-rows", "heads-2x4", lambda: rows(On(x=2, y=4)))
program("cache-rows", "uneven-2x4", lambda: rows(On(x=2, y=4), K=6))
