"""Order, and scans, along the only dim there is, and that is sharded, for tests/wire: no other dim could take its axes."""
import jax, jax.numpy as jnp
from jax import lax
from lowering import F, I, On, program

def line(f, *dtypes, N=1024, results=True, beside=()):
    """Values of one dim over all devices; results laid out so too where they are as long."""
    on = On(x=8)
    def g(*args): return jax.tree.map(lambda r: on.pin(r, "x") if results and r.shape == (N,) else r, f(*args))
    return g, (*(on.arg((N,), "x", dtype=t) for t in dtypes or (F,)), *(on.arg(*a) for a in beside))

two_keys = lambda k, a, b: lax.sort((k, a, b), num_keys=2)
shuffle = lambda x, key: jax.random.permutation(jax.random.wrap_key_data(key.astype(jnp.uint32)), x)

def recurrence(a, b):
    """h[i] = a[i] · h[i-1] + b[i]"""
    return lax.associative_scan(lambda l, r: (l[0] * r[0], l[1] * r[0] + r[1]), (a, b))[1]

program("sort", "line-8", lambda: line(jnp.sort), ("fwd",))
program("sort", "uneven-8", lambda: line(jnp.sort, N=1001), ("fwd",))
program("sort-integers", "line-8", lambda: line(jnp.sort, I), ("fwd",))
program("sort-two-keys", "line-8", lambda: line(two_keys, I, F, F), ("fwd",))
program("sort-key-value", "line-8", lambda: line(lax.sort_key_val, F, F))
program("argsort", "uneven-8", lambda: line(jnp.argsort, N=1001), ("fwd",))
program("top-k", "uneven-8", lambda: line(lambda x: lax.top_k(x, 16), N=1001))
program("approx-top-k", "uneven-8", lambda: line(lambda x: lax.approx_max_k(x, 16), N=1001), ("fwd",))
program("median", "uneven-8", lambda: line(jnp.median, N=1001), ("fwd",))
program("shuffle", "line-8", lambda: line(shuffle, beside=[((2,), None)]), ("fwd",))
program("largest-sorted", "line-8", lambda: line(lambda x: jnp.sort(x, descending=True)[:10]), ("fwd",))
program("recurrence", "line-8", lambda: line(recurrence, F, F))
program("recurrence", "uneven-8", lambda: line(recurrence, F, F, N=1001), ("fwd",))
program("cumulative-logsumexp", "line-8", lambda: line(lax.cumlogsumexp), ("grad",))
program("search-by-sort", "line-8", lambda: line(lambda x, q: jnp.searchsorted(x, q, method="sort"), F, F), ("fwd",))
