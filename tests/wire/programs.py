"""The programs of tests/wire, lowered with JAX: python tests/wire/programs.py [NAME…] writes fixtures/*.mlir."""
import sys
from lowering import B16, F, HERE, I, I8, PROGRAMS, On, jax, jnp, lax, lower, program, softmax

# --- attention ---------------------------------------------------------------------------------------------------------
def mha(on, b, h, s, B=8, S=16, M=32, H=4, D=8):
    """Multi-head attention: batch, heads and sequence on the axes named."""
    def f(x, wq, wk, wv, wo):
        q, k, v = (jnp.einsum("bsm,mhd->bhsd", x, w) for w in (wq, wk, wv))
        p = softmax(jnp.einsum("bhsd,bhtd->bhst", q, k) / 3.)
        return jnp.einsum("bhsd,hdm->bsm", jnp.einsum("bhst,bhtd->bhsd", p, v), wo)
    w = on.arg((M, H, D), None, h)
    return f, (on.arg((B, S, M), b, s), w, w, w, on.arg((H, D, M), h))

program("attention", "heads-2x4", lambda: mha(On(x=2, y=4), "x", "y", None))
program("attention", "sequence-4x2", lambda: mha(On(x=4, y=2), "y", None, "x"))
program("attention", "uneven-2x4", lambda: mha(On(x=2, y=4), "x", "y", None, B=6, H=6))

def gqa(on, b, h, B=8, S=16, M=32, H=8, K=4, D=8):
    """Grouped queries, causal mask, rotary positions; bf16 with f32 softmax."""
    def f(x, wq, wkv, wo):
        q = jnp.einsum("bsm,mkgd->bkgsd", x, wq.reshape(M, K, H // K, D))
        k, v = jnp.einsum("bsm,cmkd->cbksd", x, wkv)
        angle = jnp.arange(S)[:, None] / (10 ** jnp.arange(D // 2))
        def rotate(t):
            a, c = jnp.split(t.astype(F), 2, -1)
            return jnp.concatenate([a * jnp.cos(angle) - c * jnp.sin(angle), a * jnp.sin(angle) + c * jnp.cos(angle)], -1).astype(B16)
        logits = jnp.einsum("bkgsd,bktd->bkgst", rotate(q), rotate(k)).astype(F)
        p = softmax(jnp.where(jnp.tril(jnp.ones((S, S), bool)), logits, -1e9)).astype(B16)
        o = jnp.einsum("bkgst,bktd->bskgd", p, v).reshape(x.shape[0], S, H, D)
        return jnp.einsum("bshd,hdm->bsm", o, wo)
    return f, (on.arg((B, S, M), b, dtype=B16), on.arg((M, H, D), None, h, dtype=B16), on.arg((2, M, K, D), None, None, h, dtype=B16), on.arg((H, D, M), h, dtype=B16))

program("gqa", "heads-2x4", lambda: gqa(On(x=2, y=4), "x", "y"))
program("gqa", "fsdp-8", lambda: (lambda on: (gqa(on, "x", None)[0], (on.arg((8, 16, 32), "x", dtype=B16), on.arg((32, 8, 8), "x", dtype=B16), on.arg((2, 32, 4, 8), None, "x", dtype=B16), on.arg((8, 8, 32), None, "x", dtype=B16))))(On(x=8)))

def fused(on, m, how, B=4, S=16, M=32, H=8, K=8, D=6):
    """Queries, keys and values from one projection, sharded on its columns: a device's columns are not its heads."""
    def f(x, w, wo):
        h = x @ w
        if how == "reshape": q, k, v = jnp.moveaxis(h.reshape(B, S, 3, H, D), 2, 0)
        else: q, k, v = (t.reshape(B, S, -1, D) for t in jnp.split(h, (H * D, (H + K) * D), -1))
        k, v = (jnp.repeat(t, H // K, 2) for t in (k, v))
        o = jnp.einsum("bhst,bthd->bshd", softmax(jnp.einsum("bshd,bthd->bhst", q, k)), v)
        return o.reshape(B, S, H * D) @ wo
    return f, (on.arg((B, S, M), "x" if m == "y" else None), on.arg((M, (H + 2 * K) * D), None, m), on.arg((H * D, M), m))

program("fused-projection", "split-8", lambda: fused(On(x=8), "x", "split"))
program("fused-projection", "grouped-2x4", lambda: fused(On(x=2, y=4), "y", "split", K=2, D=8))
program("fused-projection", "reshape-8", lambda: fused(On(x=8), "x", "reshape"))
program("fused-projection", "uneven-8", lambda: fused(On(x=8), "x", "split", H=6, K=6))

def parallel(on, d, m, B=4, S=16, M=32, H=8, D=8, N=128):
    """PaLM's block: attention with one key head beside a gated MLP, all from one projection."""
    def f(x, w, wo, wf):
        q, k, v, gate, up = jnp.split(x @ w, [H * D, H * D + D, H * D + 2 * D, H * D + 2 * D + N], -1)
        p = softmax(jnp.einsum("bshd,btd->bhst", q.reshape(B, S, H, D), k))
        return jnp.einsum("bhst,btd->bshd", p, v).reshape(B, S, H * D) @ wo + (jax.nn.silu(gate) * up) @ wf
    return f, (on.arg((B, S, M), d), on.arg((M, (H + 2) * D + 2 * N), d, m), on.arg((H * D, M), m, d), on.arg((N, M), m, d))

program("parallel-block", "columns-8", lambda: parallel(On(x=8), None, "x"))
program("parallel-block", "2d-2x4", lambda: parallel(On(x=2, y=4), "x", "y"))

def cross(on, B=4, S=8, T=32, M=32):
    """Keys and values sharded on their sequence: the softmax runs over a sharded dim."""
    def f(q, k, v): return jnp.einsum("bst,btm->bsm", softmax(jnp.einsum("bsm,btm->bst", q, k) / 6.), v)
    return f, (on.arg((B, S, M), "x"), on.arg((B, T, M), "x", "y"), on.arg((B, T, M), "x", "y"))

program("cross-attention", "kv-2x4", lambda: cross(On(x=2, y=4)))

def ulysses(on, B=4, S=32, H=8, D=8):
    """Sequence outside, heads inside, by constraints: all_to_alls."""
    def f(x, wq, wo):
        q, k, v = jnp.einsum("bsm,cmhd->cbshd", x, wq)
        q, k, v = (on.pin(t, None, None, ("x", "y")) for t in (q, k, v))
        o = jnp.einsum("bhst,bthd->bshd", softmax(jnp.einsum("bshd,bthd->bhst", q, k)), v)
        return jnp.einsum("bshd,hdm->bsm", on.pin(o, None, ("x", "y")), wo)
    return f, (on.arg((B, S, H * D), None, ("x", "y")), on.arg((3, H * D, H, D)), on.arg((H, D, H * D)))

program("ulysses", "sequence-4x2", lambda: ulysses(On(x=4, y=2)))

def window(on, B=4, S=32, W=4, D=16):
    """Local attention: every block of W sees itself and the one before (a roll along the sharded sequence)."""
    def f(q, k, v):
        q, k, v = (t.reshape(B, S // W, W, D) for t in (q, k, v))
        k, v = (jnp.concatenate([jnp.roll(t, 1, 1), t], 2) for t in (k, v))
        return jnp.einsum("bnst,bntd->bnsd", softmax(jnp.einsum("bnsd,bntd->bnst", q, k)), v).reshape(B, S, D)
    a = on.arg((B, S, D), "y", "x")
    return f, (a, a, a)

program("window-attention", "sequence-4x2", lambda: window(On(x=4, y=2)))

def decode(on, kv, B=8, T=32, H=4, D=8):
    """One step with a cache: written at a position, read whole."""
    def f(cache_k, cache_v, q, k, v, at):
        cache_k, cache_v = (lax.dynamic_update_slice(c, n[:, None], (0, at, 0, 0)) for c, n in ((cache_k, k), (cache_v, v)))
        seen = jnp.arange(T) <= at
        p = softmax(jnp.where(seen, jnp.einsum("bhd,bthd->bht", q, cache_k), -1e9))
        return jnp.einsum("bht,bthd->bhd", p, cache_v), cache_k, cache_v
    c = on.arg((B, T, H, D), *kv)
    n = on.arg((B, H, D), kv[0], kv[2] if len(kv) > 2 else None)
    return f, (c, c, n, n, n, on.arg((), dtype=I))

program("decode", "kv-sequence-2x4", lambda: decode(On(x=2, y=4), ("x", "y")), ("fwd",))
program("decode", "kv-heads-4x2", lambda: decode(On(x=4, y=2), ("x", None, "y")), ("fwd",))
program("decode", "kv-uneven-2x4", lambda: decode(On(x=2, y=4), ("x", "y"), T=30), ("fwd",))

# --- transformers ------------------------------------------------------------------------------------------------------
def norm(x): return x * lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6)

def block(on, shard, B=8, S=16, M=32, Fd=64, L=2):
    """Scanned MLP blocks with residuals: megatron's layout, or sequence-parallel between them."""
    def f(ws, x):
        def layer(x, w):
            a, b = w
            x = on.pin(x + jax.nn.gelu(norm(x) @ a) @ b, *shard)
            return x, None
        return lax.scan(layer, x, ws)[0]
    return f, ((on.arg((L, M, Fd), None, None, "y"), on.arg((L, Fd, M), None, "y")), on.arg((B, S, M), *shard))

program("mlp-blocks", "megatron-2x4", lambda: block(On(x=2, y=4), ("x",)))
program("mlp-blocks", "sequence-2x4", lambda: block(On(x=2, y=4), ("x", "y")))
program("mlp-blocks", "uneven-2x4", lambda: block(On(x=2, y=4), ("x",), B=6, Fd=70))

def accumulate(on, steps=4, B=8, M=32, Fd=64):
    """Gradients summed over micro-batches in a loop: one reduction, after it."""
    def f(ws, xs):
        def loss(ws, x): return jnp.mean((jnp.tanh(x @ ws[0]) @ ws[1] - x) ** 2)
        def step(acc, x): return jax.tree.map(jnp.add, acc, jax.grad(loss)(ws, x)), None
        total, _ = lax.scan(step, jax.tree.map(jnp.zeros_like, ws), xs)
        return jax.tree.map(lambda w, g: w - .1 * g, ws, total)
    return f, ((on.arg((M, Fd), None, "y"), on.arg((Fd, M), "y")), on.arg((steps, B, M), None, "x"))

program("micro-batches", "data-4x2", lambda: accumulate(On(x=4, y=2)), ("fwd",))
def zero(on, B=16, M=32, Fd=64):
    """Adam with states sharded over the data axis (ZeRO): reduce_scatter, update, all_gather."""
    def f(w, m, v, x, t):
        g = jax.grad(lambda w: jnp.mean((jax.nn.relu(x @ w) - t) ** 2))(w)
        g = on.pin(g, "x")
        m, v = .9 * m + .1 * g, .99 * v + .01 * g * g
        return on.pin(w - m / (jnp.sqrt(v) + 1e-6)), m, v
    s = on.arg((M, Fd), "x")
    return f, (on.arg((M, Fd)), s, s, on.arg((B, M), "x"), on.arg((B, Fd), "x"))

program("zero-adam", "data-8", lambda: zero(On(x=8)), ("fwd",))

def xent(on, layouts, B=16, M=32, V=64):
    """Cross entropy over a sharded vocabulary, with a tied embedding."""
    def f(emb, x, labels):
        logits = x @ emb.T
        return jnp.mean(jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, labels[:, None], -1)[:, 0])
    return f, (on.arg((V, M), *layouts), on.arg((B, M), "x"), on.arg((B,), "x", dtype=I))

program("cross-entropy", "vocabulary-2x4", lambda: xent(On(x=2, y=4), ("y",)))
program("cross-entropy", "fsdp-4x2", lambda: xent(On(x=4, y=2), ("y", "x")))
program("cross-entropy", "uneven-2x4", lambda: xent(On(x=2, y=4), ("y",), V=70))

def lora(on, B=16, M=64, R=4):
    def f(ab, x, w): return x @ w + (x @ ab[0]) @ ab[1]
    return f, ((on.arg((M, R)), on.arg((R, M), None, "y")), on.arg((B, M), "x"), on.arg((M, M), None, "y"))

program("lora", "megatron-2x4", lambda: lora(On(x=2, y=4)))

# --- experts -----------------------------------------------------------------------------------------------------------
def moe_dense(on, e, G=4, S=16, M=16, E=8, C=4, Fd=32):
    """GShard's dispatch by einsum: groups outside, experts inside."""
    def f(ws, x, gate):
        w1, w2 = ws
        p = softmax(jnp.einsum("gsm,me->gse", x, gate))
        pick = jax.nn.one_hot(jnp.argmax(p, -1), E)
        place = jnp.cumsum(pick, 1) * pick - 1
        mask = pick[..., None] * jax.nn.one_hot(place.astype(I), C)
        inside = jnp.einsum("gsec,gsm->egcm", mask, x)
        out = jnp.einsum("egcf,efm->egcm", jax.nn.relu(jnp.einsum("egcm,emf->egcf", inside, w1)), w2)
        return jnp.einsum("gsec,egcm->gsm", mask * p[..., None], out)
    return f, ((on.arg((E, M, Fd), *e), on.arg((E, Fd, M), *e)), on.arg((G, S, M), "x"), on.arg((M, E)))

program("moe-einsum", "experts-4x2", lambda: moe_dense(On(x=4, y=2), ("x",)))
program("moe-einsum", "experts-hidden-4x2", lambda: (lambda on: (moe_dense(on, ("x",))[0], ((on.arg((8, 16, 32), "x", None, "y"), on.arg((8, 32, 16), "x", "y")),) + moe_dense(on, ("x",))[1][1:]))(On(x=4, y=2)))
program("moe-einsum", "uneven-4x2", lambda: moe_dense(On(x=4, y=2), ("x",), E=6))

def moe_sorted(on, T=32, M=16, E=8, Fd=32):
    """Tokens sorted by expert, equal shares, and put back."""
    def f(ws, x, gate):
        w1, w2 = ws
        order = jnp.argsort(jnp.argmax(x @ gate, -1))
        inside = x[order].reshape(E, T // E, M)
        out = jnp.einsum("etf,efm->etm", jax.nn.relu(jnp.einsum("etm,emf->etf", inside, w1)), w2).reshape(T, M)
        return jnp.zeros_like(x).at[order].set(out)
    return f, ((on.arg((E, M, Fd), "x"), on.arg((E, Fd, M), "x")), on.arg((T, M), "x"), on.arg((M, E)))

program("moe-sorted", "experts-4x2", lambda: moe_sorted(On(x=4, y=2)))

# --- convolution -------------------------------------------------------------------------------------------------------
def conv(on, rank, shards, size=16, C=8, stride=1):
    """Two convolutions, a norm over the batch and the space, a pool; the space sharded."""
    dims = ("NHWDC"[: rank + 1] + "C", "HWD"[:rank] + "IO", "NHWDC"[: rank + 1] + "C")
    def f(ws, x):
        a, b = ws
        x = jax.nn.relu(lax.conv_general_dilated(x, a, (stride,) * rank, "SAME", dimension_numbers=dims))
        mean = jnp.mean(x, tuple(range(rank + 1)), keepdims=True)
        x = (x - mean) * lax.rsqrt(jnp.mean((x - mean) ** 2, tuple(range(rank + 1)), keepdims=True) + 1e-5)
        x = lax.conv_general_dilated(x, b, (1,) * rank, "SAME", dimension_numbers=dims)
        return lax.reduce_window(x, -jnp.inf, lax.max, (1,) + (2,) * rank + (1,), (1,) + (2,) * rank + (1,), "VALID")
    return f, ((on.arg((3,) * rank + (4, C)), on.arg((3,) * rank + (C, C))), on.arg((4,) + (size,) * rank + (4,), *shards))

program("conv1d", "space-8", lambda: conv(On(x=8), 1, (None, "x"), 64))
program("conv2d", "space-2x4", lambda: conv(On(x=2, y=4), 2, ("x", "y")))
program("conv2d", "both-2x4", lambda: conv(On(x=2, y=4), 2, (None, "x", "y")))
program("conv2d", "uneven-2x4", lambda: conv(On(x=2, y=4), 2, ("x", "y"), 18))
program("conv3d", "space-2x2x2", lambda: conv(On(x=2, y=2, z=2), 3, (None, "x", "y", "z"), 8))
program("conv2d-strided", "space-4x2", lambda: conv(On(x=4, y=2), 2, ("y", "x"), stride=2))

def depthwise(on, C=16, size=16):
    def f(w, p, x):
        x = lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=C)
        return jax.nn.relu(x) @ p
    return f, (on.arg((3, 3, 1, C), None, None, None, "y"), on.arg((C, C), "y"), on.arg((8, size, size, C), "x", None, None, "y"))

program("depthwise", "features-2x4", lambda: depthwise(On(x=2, y=4)))

def heat(on, N=32):
    """A stencil with periodic borders: rolls along both sharded dims, in a loop."""
    def f(u):
        def step(u, _): return u + .1 * (sum(jnp.roll(u, s, d) for s in (1, -1) for d in (0, 1)) - 4 * u), None
        return lax.scan(step, u, None, length=5)[0]
    return f, (on.arg((N, N), "x", "y"),)

program("heat", "grid-2x4", lambda: heat(On(x=2, y=4)))
program("heat", "uneven-2x4", lambda: heat(On(x=2, y=4), 30))

# --- recurrences -------------------------------------------------------------------------------------------------------
def rnn(on, w, T=8, B=8, M=32):
    """GRU over time; the weights are read at every step."""
    def f(ws, xs, h):
        wx, wh = ws
        def step(h, x):
            z, r, n = jnp.split(x @ wx + h @ wh, 3, -1)
            h = (1 - jax.nn.sigmoid(z)) * jnp.tanh(n * jax.nn.sigmoid(r)) + jax.nn.sigmoid(z) * h
            return h, h
        return lax.scan(step, h, xs)
    return f, ((on.arg((M, 3 * M), *w), on.arg((M, 3 * M), *w)), on.arg((T, B, M), None, "x"), on.arg((B, M), "x"))

program("gru", "fsdp-4x2", lambda: rnn(On(x=4, y=2), ("x",)))
program("gru", "features-2x4", lambda: rnn(On(x=2, y=4), (None, "y")))
program("gru", "uneven-4x2", lambda: rnn(On(x=4, y=2), ("x",), B=6, M=30))

def ssm(on, T=32, B=4, M=16):
    """A linear recurrence by associative scan along a sharded time."""
    def f(a, x):
        a = jax.nn.sigmoid(a)
        def join(l, r): return l[0] * r[0], r[0] * l[1] + r[1]
        return lax.associative_scan(join, (a, x), axis=1)[1]
    t = on.arg((B, T, M), "x", None, "y")
    return f, (t, t)

program("scan-ssm", "features-2x4", lambda: ssm(On(x=2, y=4)))

def pipeline(on, batch, S=4, N=8, B=16, M=32):
    """GPipe as one program: a buffer of stages shifts by one per tick."""
    def f(ws, xs):
        def tick(state, t):
            buffer, out = state
            x = xs[jnp.minimum(t, N - 1)]
            buffer = on.pin(jnp.concatenate([x[None], buffer[:-1]]), "x")
            buffer = on.pin(jnp.tanh(jnp.einsum("sbm,smn->sbn", buffer, ws)), "x")
            return (buffer, lax.dynamic_update_index_in_dim(out, buffer[-1], jnp.maximum(t - S + 1, 0), 0)), None
        return lax.scan(tick, (jnp.zeros((S, B, M)), jnp.zeros((N, B, M))), jnp.arange(N + S - 1))[0][1]
    return f, (on.arg((S, M, M), "x"), on.arg((N, B, M), None, batch))

program("pipeline", "stages-4x2", lambda: pipeline(On(x=4, y=2), "y"))
program("pipeline", "stages-8", lambda: pipeline(On(x=8), None, S=8))
program("pipeline", "uneven-8", lambda: pipeline(On(x=8), None, S=12))

def circular(on, S=4, N=6, B=8, M=16):
    """The stages' buffer rolls: what leaves the last stage enters the first again."""
    def f(ws, buffer):
        def tick(buffer, _): return on.pin(jnp.roll(jnp.tanh(jnp.einsum("sbm,smn->sbn", buffer, ws)), 1, 0), "x"), None
        return lax.scan(tick, buffer, None, length=N)[0]
    return f, (on.arg((S, M, M), "x"), on.arg((S, B, M), "x", "y"))

program("circular-pipeline", "stages-4x2", lambda: circular(On(x=4, y=2)))

# --- search, tables, spectra, solvers -----------------------------------------------------------------------------------
def beam(on, v, B=4, K=4, V=64, M=16, T=3):
    """Steps of beam search: scores over a sharded vocabulary, top_k over beams and words, states gathered."""
    def f(emb, out, state):
        def step(carry, _):
            state, score, last = carry
            state = jnp.tanh(state + emb[last])
            logp = jax.nn.log_softmax(state @ out, -1) + score[..., None]
            score, at = lax.top_k(logp.reshape(B, K * V), K)
            state = jnp.take_along_axis(state, (at // V)[..., None], 1)
            return (state, score, at % V), at % V
        return lax.scan(step, (state, jnp.zeros((B, K)), jnp.zeros((B, K), I)), None, length=T)
    return f, (on.arg((V, M), v), on.arg((M, V), None, v), on.arg((B, K, M), "x"))

program("beam-search", "vocabulary-2x4", lambda: beam(On(x=2, y=4), "y"), ("fwd",))
program("beam-search", "uneven-2x4", lambda: beam(On(x=2, y=4), "y", V=70), ("fwd",))

def bags(on, t, V=64, M=16, N=64, B=16):
    """An embedding bag: rows gathered and summed by segment."""
    def f(table, ids, segments): return jax.ops.segment_sum(table[ids], segments, num_segments=B)
    i = on.arg((N,), "x", dtype=I)
    return f, (on.arg((V, M), *t), i, i)

program("embedding-bag", "rows-4x2", lambda: bags(On(x=4, y=2), ("y",)))
program("embedding-bag", "columns-2x4", lambda: bags(On(x=2, y=4), (None, "y")))
program("embedding-bag", "uneven-4x2", lambda: bags(On(x=4, y=2), ("y",), V=65, N=60))

def dlrm(on, V=64, M=16, B=16, K=4):
    """Tables sharded over all devices, dense features over the batch, pairwise products."""
    def f(ws, tables, dense, ids):
        e = jnp.stack([jnp.take(t, ids[:, i], 0) for i, t in enumerate(tables)] + [jax.nn.relu(dense @ ws[0])], 1)
        pairs = jnp.einsum("bim,bjm->bij", e, e).reshape(B, -1)
        return pairs @ ws[1]
    return f, ((on.arg((8, M)), on.arg(((K + 1) ** 2, 1))), [on.arg((V, M), ("x", "y"))] * K, on.arg((B, 8), ("x", "y")), on.arg((B, K), ("x", "y"), dtype=I))

program("dlrm", "tables-2x4", lambda: dlrm(On(x=2, y=4)))

def fnet(on, shards, B=8, S=16, M=16):
    def f(w, x): return jax.nn.gelu(jnp.real(jnp.fft.fft(jnp.fft.fft(x, axis=-1), axis=-2)) @ w)
    return f, (on.arg((M, M), None, "y"), on.arg((B, S, M), *shards))

program("fft-layer", "batch-4x2", lambda: fnet(On(x=4, y=2), ("x",)))
program("fft-layer", "sequence-4x2", lambda: fnet(On(x=4, y=2), (None, "x")), ("fwd",))

def solve(on, shards, B=8, N=16):
    def f(a, b):
        l = lax.linalg.cholesky(a + N * jnp.eye(N))
        y = lax.linalg.triangular_solve(l, b, left_side=True, lower=True)
        return lax.linalg.triangular_solve(l, y, left_side=True, lower=True, transpose_a=True)
    return f, (on.arg((B, N, N), *shards), on.arg((B, N, 4), *shards[:2]))

program("cholesky-solve", "batch-4x2", lambda: solve(On(x=4, y=2), (("x", "y"),)))
program("cholesky-solve", "matrix-4x2", lambda: solve(On(x=4, y=2), ("x", "y")), ("fwd",))

def quantised(on, x, w, B=16, M=64, N=32):
    """int8 by int8 in int32, scaled per row and column."""
    def f(x, w, scale):
        peak = jnp.max(jnp.abs(x), -1, keepdims=True)
        q = jnp.round(x / peak * 127).astype(I8)
        y = lax.dot_general(q, w, (((1,), (0,)), ((), ())), preferred_element_type=I)
        return y.astype(F) * scale * peak / 127
    return f, (on.arg((B, M), *x), on.arg((M, N), *w, dtype=I8), on.arg((N,), w[1] if len(w) > 1 else None))

program("quantised-dot", "columns-2x4", lambda: quantised(On(x=2, y=4), ("x",), (None, "y")), ("fwd",))
program("quantised-dot", "contracting-2x4", lambda: quantised(On(x=2, y=4), ("x", "y"), ("y",)), ("fwd",))
program("quantised-dot", "uneven-2x4", lambda: quantised(On(x=2, y=4), ("x", "y"), ("y",), M=62), ("fwd",))

def dots(on, a, b, rows=64, N=64):
    def f(a, b): return a @ b
    return f, (on.arg((rows, N), *a), on.arg((N, N), *b))

program("dot", "same-axis-8", lambda: dots(On(x=8), ("x",), (None, "x")))
program("dot", "crossed-2x4", lambda: dots(On(x=2, y=4), ("x", "y"), ("x", "y")))
program("dot", "transposed-4x2", lambda: dots(On(x=4, y=2), ("x", "y"), ("y", "x")))
program("dot", "one-side-2x4", lambda: dots(On(x=2, y=4), (None, ("x", "y")), ()))
program("dot", "small-left-2x4", lambda: dots(On(x=2, y=4), ("x",), ("x",), 512), ("fwd",))
program("dot", "idle-axis-2x4", lambda: dots(On(x=2, y=4), ("x",), ("x",)), ("fwd",))
program("dot", "idle-axis-right-2x4", lambda: dots(On(x=2, y=4), (None, "x"), (None, "x")), ("fwd",))
program("dot", "one-side-batch-2x4", lambda: dots(On(x=2, y=4), ("x", "y"), ()), ("fwd",))
program("dot", "rows-rows-2x2x2", lambda: dots(On(x=2, y=2, z=2), (("x", "y"), "z"), (("z", "x"), "y")))

def ranking(on, N=64, K=8):
    """sort, top_k, cumulative sums along a sharded dim."""
    def f(x): return jnp.sort(x, -1), lax.top_k(x, K)[0], jnp.cumsum(x, -1), lax.cummax(x, 1)
    return f, (on.arg((8, N), "x", "y"),)

program("ranking", "both-2x4", lambda: ranking(On(x=2, y=4)), ("fwd",))

def unet(on, N=16, C=4):
    """Down, up and a skip: strided and transposed convolutions, a concatenation of features."""
    d = ("NHWC", "HWIO", "NHWC")
    def f(ws, x):
        a, b, c = ws
        down = jax.nn.relu(lax.conv_general_dilated(x, a, (2, 2), "SAME", dimension_numbers=d))
        up = lax.conv_transpose(down, b, (2, 2), "SAME", dimension_numbers=d)
        return lax.conv_general_dilated(jnp.concatenate([x, up], -1), c, (1, 1), "SAME", dimension_numbers=d)
    return f, ((on.arg((3, 3, C, 2 * C)), on.arg((3, 3, 2 * C, C)), on.arg((3, 3, 2 * C, C))), on.arg((2, N, N, C), "x", "y"))

program("unet", "space-2x4", lambda: unet(On(x=2, y=4)))

import borders, methods, sequences, sorting, workloads  # more families

# --- dims that no two layouts pad alike --------------------------------------------------------------------------------
def swapped(on, M=13, N=14, K=10):
    """One value over x, y, then over y, x: 13 rows are 2 shards of 7, and 4 of 4."""
    def f(a, b):
        d = on.pin(jnp.tanh(on.pin(a @ b, "x", "y")), "y", "x")
        return on.pin(d @ on.pin(b.T, "x"), "x")
    return f, (on.arg((M, K), "x"), on.arg((K, N), None, "y"))

program("swapped", "uneven-2x4", lambda: swapped(On(x=2, y=4)))

def residual(on, B=10, M=30, Fd=54):
    """An MLP whose model dim is over x in the weights, over y in the others' place, and whole in between."""
    def f(x, w1, w2): return jax.nn.gelu(norm(x) @ w1) @ w2 + x
    return f, (on.arg((B, M), ("x", "y")), on.arg((M, Fd), "x", "y"), on.arg((Fd, M), "y", "x"))

program("residual", "uneven-2x4", lambda: residual(On(x=2, y=4)))

def tied(on, V=37, M=10, B=6, S=4):
    """One table of words for both ends, its columns over x; the matrix between has the same dim over y too: 10 over 2 and over 4."""
    def f(table, w, x): return jnp.tanh(table[x] @ w) @ table.T
    return f, (on.arg((V, M), "y", "x"), on.arg((M, M), "x", "y"), on.arg((B, S), "x", dtype=I))

program("tied", "uneven-2x4", lambda: tied(On(x=2, y=4)))

def small_cnn(on, B=6, N=13, C=4):
    """Rows of an image that do not divide, twice halved."""
    def f(x, w1, w2):
        conv = lambda x, w, s: lax.conv_general_dilated(x, w, (s,), "SAME", dimension_numbers=("NHC", "HIO", "NHC"))
        return conv(jax.nn.relu(conv(x, w1, 1)), w2, 2)
    return f, (on.arg((B, N, C), "x", "y"), on.arg((3, C, 6)), on.arg((3, 6, C)))

program("small-cnn", "uneven-2x4", lambda: small_cnn(On(x=2, y=4)))

def few_heads(on, B=4, S=8, M=24, H=8, K=2, D=6):
    """Queries' heads over 4 devices, 2 heads of keys and values."""
    def f(x, wq, wk, wv, wo):
        q, k, v = (jnp.einsum("bsm,mhd->bshd", x, w) for w in (wq, wk, wv))
        p = softmax(jnp.einsum("bskgd,btkd->bkgst", q.reshape(B, S, K, H // K, D), k))
        return jnp.einsum("bshd,hdm->bsm", jnp.einsum("bkgst,btkd->bskgd", p, v).reshape(B, S, H, D), wo)
    few = on.arg((M, K, D))
    return f, (on.arg((B, S, M), "x"), on.arg((M, H, D), None, "y"), few, few, on.arg((H, D, M), "y"))

program("few-heads", "heads-2x4", lambda: few_heads(On(x=2, y=4)))

def contrast(on, B=16, D=16, E=10):
    """All pairs of two batches over all devices."""
    def f(a, b, wa, wb):
        u, v = a @ wa, b @ wb
        logits = 10 * (u / jnp.linalg.norm(u, axis=-1, keepdims=True)) @ (v / jnp.linalg.norm(v, axis=-1, keepdims=True)).T
        own = jnp.arange(B)
        return -jnp.mean(jax.nn.log_softmax(logits, -1)[own, own] + jax.nn.log_softmax(logits, 0)[own, own])
    rows, w = on.arg((B, D), ("x", "y")), on.arg((D, E), None, "y")
    return f, (rows, rows, w, w)

program("contrast", "uneven-4x2", lambda: contrast(On(x=4, y=2)))

if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PROGRAMS:
        try: (HERE / f"{name}.mlir").write_text(lower(name))
        except Exception as e: print(name, type(e).__name__, str(e)[:300])
