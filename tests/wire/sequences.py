"""Models of sequences for tests/wire: attention of many kinds, recurrences, decoding."""
import jax, jax.numpy as jnp
from jax import lax
from lowering import F, I, On, program, softmax

def norm(x, g=1.): return x * lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * g
def ln(x): 
    m = jnp.mean(x, -1, keepdims=True); v = jnp.mean((x - m) ** 2, -1, keepdims=True)
    return (x - m) * lax.rsqrt(v + 1e-6)
def rope(t, axis=1):
    s, d = t.shape[axis], t.shape[-1]
    ang = jnp.arange(s)[:, None] / (100. ** (jnp.arange(d // 2) / (d // 2)))
    ang = ang.reshape((s,) + (1,) * (t.ndim - axis - 2) + (d // 2,))
    a, b = jnp.split(t, 2, -1)
    return jnp.concatenate([a * jnp.cos(ang) - b * jnp.sin(ang), a * jnp.sin(ang) + b * jnp.cos(ang)], -1)

def llama(on, b, s, tp, fs, B=8, S=16, M=32, H=8, K=4, D=4, Fd=64, V=64, L=2, remat=True):
    def f(emb, ws, tokens):
        x = on.pin(emb[tokens], b, s)
        def layer(x, w):
            wq, wk, wv, wo, w1, w3, w2, g1, g2 = w
            h = norm(x, g1)
            q = rope(jnp.einsum("bsm,mhd->bshd", h, wq)); k = rope(jnp.einsum("bsm,mkd->bskd", h, wk)); v = jnp.einsum("bsm,mkd->bskd", h, wv)
            q = q.reshape(B, S, K, H // K, D)
            p = jnp.einsum("bskgd,btkd->bkgst", q, k) / D ** .5
            p = softmax(jnp.where(jnp.tril(jnp.ones((S, S), bool)), p, -1e9))
            o = jnp.einsum("bkgst,btkd->bskgd", p, v).reshape(B, S, H, D)
            x = on.pin(x + jnp.einsum("bshd,hdm->bsm", o, wo), b, s)
            h = norm(x, g2)
            return on.pin(x + (jax.nn.silu(h @ w1) * (h @ w3)) @ w2, b, s), None
        x, _ = lax.scan(jax.checkpoint(layer) if remat else layer, x, ws)
        return norm(x) @ emb.T
    ws = (on.arg((L, M, H, D), None, fs, tp), on.arg((L, M, K, D), None, fs, tp), on.arg((L, M, K, D), None, fs, tp), on.arg((L, H, D, M), None, tp, None, fs),
          on.arg((L, M, Fd), None, fs, tp), on.arg((L, M, Fd), None, fs, tp), on.arg((L, Fd, M), None, tp, fs), on.arg((L, M)), on.arg((L, M)))
    return f, (on.arg((V, M), tp, fs), ws, on.arg((B, S), b, dtype=I))
program("llama", "fsdp-tp-2x4", lambda: llama(On(x=2, y=4), "x", None, "y", "x"))
program("llama", "fsdp-8", lambda: llama(On(x=8), "x", None, None, "x"))
program("llama", "sequence-tp-2x4", lambda: llama(On(x=2, y=4), "x", "y", "y", None, remat=False))

def t5(on, b, tp, B=8, S=16, T=8, M=32, H=4, D=8, Fd=64, V=64):
    def attend(w, x, y, bias):
        q = jnp.einsum("bsm,mhd->bhsd", x, w[0]); k = jnp.einsum("btm,mhd->bhtd", y, w[1]); v = jnp.einsum("btm,mhd->bhtd", y, w[2])
        return jnp.einsum("bhsd,hdm->bsm", jnp.einsum("bhst,bhtd->bhsd", softmax(jnp.einsum("bhsd,bhtd->bhst", q, k) + bias), v), w[3])
    def mlp(w, x): return jax.nn.relu(norm(x) @ w[0]) @ w[1]
    def f(emb, rel, enc, dec, src, tgt):
        pos = jnp.clip(jnp.arange(S)[None] - jnp.arange(S)[:, None] + 8, 0, 15)
        bias = jnp.transpose(rel[pos], (2, 0, 1))
        x = emb[src]; x = x + attend(enc[0], norm(x), norm(x), bias); x = x + mlp(enc[1], x)
        y = emb[tgt]; causal = jnp.where(jnp.tril(jnp.ones((T, T), bool)), 0., -1e9)
        y = y + attend(dec[0], norm(y), norm(y), causal); y = y + attend(dec[1], norm(y), norm(x), 0.); y = y + mlp(dec[2], y)
        logits = norm(y) @ emb.T
        return jnp.mean(jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, jnp.roll(tgt, -1, 1)[..., None], -1)[..., 0])
    a = lambda: (on.arg((M, H, D), None, tp), on.arg((M, H, D), None, tp), on.arg((M, H, D), None, tp), on.arg((H, D, M), tp))
    m = lambda: (on.arg((M, Fd), None, tp), on.arg((Fd, M), tp))
    return f, (on.arg((V, M), tp), on.arg((16, H), None, tp), (a(), m()), (a(), a(), m()), on.arg((B, S), b, dtype=I), on.arg((B, T), b, dtype=I))
program("t5", "megatron-2x4", lambda: t5(On(x=2, y=4), "x", "y"))
program("t5", "data-8", lambda: t5(On(x=8), "x", None))

def mamba(on, b, tp, B=4, S=16, M=16, E=32, N=4, W=4):
    def f(win, conv, wx, wdt, alog, wout, x):
        xz = x @ win; u, z = jnp.split(xz, 2, -1)
        u = lax.conv_general_dilated(u, conv, (1,), [(W - 1, 0)], dimension_numbers=("NHC", "HIO", "NHC"), feature_group_count=E)
        u = jax.nn.silu(u)
        bc = u @ wx; Bm, C = jnp.split(bc, 2, -1)
        dt = jax.nn.softplus(u * wdt)
        dA = jnp.exp(dt[..., None] * -jnp.exp(alog)); dB = dt[..., None] * Bm[:, :, None, :] * u[..., None]
        def step(h, t):
            a, bb, c = t
            h = a * h + bb
            return h, jnp.einsum("ben,bn->be", h, c)
        _, y = lax.scan(step, jnp.zeros((B, E, N)), tuple(jnp.moveaxis(t, 1, 0) for t in (dA, dB, C)))
        return (jnp.moveaxis(y, 0, 1) * jax.nn.silu(z)) @ wout
    return f, (on.arg((M, 2 * E), None, tp), on.arg((W, 1, E), None, None, tp), on.arg((E, 2 * N), tp), on.arg((E,), tp), on.arg((E, N), tp), on.arg((E, M), tp), on.arg((B, S, M), b))
program("mamba", "features-2x4", lambda: mamba(On(x=2, y=4), "x", "y"))
program("mamba", "batch-4x2", lambda: mamba(On(x=4, y=2), "x", None))

def ssd(on, b, c, B=4, S=32, H=4, D=8, N=4, Q=8):
    """Chunked linear attention with decay (Mamba2/RetNet), chunks sharded."""
    def f(q, k, v, g):
        lg = jax.nn.log_sigmoid(g)
        r = lambda t: t.reshape((B, S // Q, Q) + t.shape[2:])
        q, k, v, lg = map(r, (q, k, v, lg))
        cum = jnp.cumsum(lg, 2)
        intra = jnp.einsum("bcqhn,bckhn->bchqk", q, k) * jnp.where(jnp.tril(jnp.ones((Q, Q), bool)), jnp.exp(jnp.moveaxis(cum[:, :, :, None] - cum[:, :, None], -1, 2)), 0.)
        y = jnp.einsum("bchqk,bckhd->bcqhd", intra, v)
        state = jnp.einsum("bckhn,bckhd->bchnd", k * jnp.exp(cum[:, :, -1:] - cum)[..., None], v)
        def step(h, t): s, d = t; return h * jnp.exp(d)[..., None, None] + s, h
        _, before = lax.scan(step, jnp.zeros((B, H, N, D)), (jnp.moveaxis(state, 1, 0), jnp.moveaxis(cum[:, :, -1], 1, 0)))
        y = y + jnp.einsum("bcqhn,cbhnd->bcqhd", q * jnp.exp(cum)[..., None], before)
        return y.reshape(B, S, H, D)
    return f, (on.arg((B, S, H, N), b, c), on.arg((B, S, H, N), b, c), on.arg((B, S, H, D), b, c), on.arg((B, S, H), b, c))
program("ssd", "chunks-2x4", lambda: ssd(On(x=2, y=4), "x", "y"))
program("ssd", "heads-2x4", lambda: (lambda on: (ssd(on, None, None)[0], (on.arg((4, 32, 4, 4), "x", None, "y"), on.arg((4, 32, 4, 4), "x", None, "y"), on.arg((4, 32, 4, 8), "x", None, "y"), on.arg((4, 32, 4), "x", None, "y"))))(On(x=2, y=4)))

def seqpar(on, b, tp, B=4, S=16, M=32, H=4, D=8, Fd=64):
    """Megatron sequence parallelism: layer norms on sequence shards, gathers and reduce_scatters around the blocks."""
    def f(ws, x):
        wqkv, wo, w1, w2, g, be = ws
        h = on.pin(ln(x) * g + be, b)
        q, k, v = (jnp.einsum("bsm,mhd->bhsd", h, w) for w in wqkv)
        o = jnp.einsum("bhst,bhtd->bhsd", softmax(jnp.einsum("bhsd,bhtd->bhst", q, k)), v)
        x = x + on.pin(jnp.einsum("bhsd,hdm->bsm", o, wo), b, tp)
        h = on.pin(ln(x) * g + be, b)
        return x + on.pin(jax.nn.gelu(h @ w1) @ w2, b, tp)
    w = on.arg((M, H, D), None, tp)
    return f, (((w, w, w), on.arg((H, D, M), tp), on.arg((M, Fd), None, tp), on.arg((Fd, M), tp), on.arg((M,)), on.arg((M,))), on.arg((B, S, M), b, tp))
program("sequence-parallel", "tp-2x4", lambda: seqpar(On(x=2, y=4), "x", "y"))
program("sequence-parallel", "tp-1x8", lambda: seqpar(On(y=4, z=2), "z", "y"))

def speculate(on, b, v, B=8, T=32, V=64, M=16, G=4):
    """Draft tokens verified by the target model at once; accepted prefix written into the sequence."""
    def f(emb, seq, pos, draft, q, u):
        h = jnp.cumsum(emb[draft], 1)
        p = softmax(h @ emb.T)
        pd = jnp.take_along_axis(p, draft[..., None], -1)[..., 0]; qd = jnp.take_along_axis(q, draft[..., None], -1)[..., 0]
        ok = u < pd / (qd + 1e-6); n = jnp.cumprod(ok.astype(I), 1).sum(1)
        res = jnp.maximum(p - q, 0.); nxt = jnp.argmax(jnp.take_along_axis(res, jnp.minimum(n, G - 1)[:, None, None], 1)[:, 0], -1)
        toks = jnp.where(jnp.arange(G)[None] < n[:, None], draft, nxt[:, None])
        seq = jax.vmap(lambda s, t, i: lax.dynamic_update_slice(s, t, (i,)))(seq, toks, pos)
        return seq, pos + n + 1, nxt
    return f, (on.arg((V, M), v), on.arg((B, T), b, dtype=I), on.arg((B,), b, dtype=I), on.arg((B, G), b, dtype=I), on.arg((B, G, V), b, None, v), on.arg((B, G), b))
program("speculate", "vocabulary-2x4", lambda: speculate(On(x=2, y=4), "x", "y"), ("fwd",))
program("speculate", "batch-8", lambda: speculate(On(x=8), "x", None), ("fwd",))

def paged(on, pg, h, B=8, Np=32, Q=4, H=4, D=8, K=4):
    """Paged KV cache: pages gathered by a block table, new token scattered to its page."""
    def f(kp, vp, table, lens, q, k, v):
        page = jnp.take_along_axis(table, (lens // Q)[:, None], 1)[:, 0]
        kp = kp.at[page, lens % Q].set(k); vp = vp.at[page, lens % Q].set(v)
        ks, vs = (t[table].reshape(B, K * Q, H, D) for t in (kp, vp))
        s = jnp.einsum("bhd,bthd->bht", q, ks); s = jnp.where(jnp.arange(K * Q)[None, None] <= lens[:, None, None], s, -1e9)
        return jnp.einsum("bht,bthd->bhd", softmax(s), vs), kp, vp
    c = on.arg((Np, Q, H, D), pg, None, h); n = on.arg((B, H, D), "x", h)
    return f, (c, c, on.arg((B, K), "x", dtype=I), on.arg((B,), "x", dtype=I), n, n, n)
program("paged", "heads-2x4", lambda: paged(On(x=2, y=4), None, "y"), ("fwd",))
program("paged", "pages-2x4", lambda: paged(On(x=2, y=4), "y", None), ("fwd",))

def flash(on, b, s, B=4, S=32, H=4, D=8, Q=8):
    """Online softmax over chunks of keys in a scan."""
    def f(q, k, v):
        kc, vc = (jnp.moveaxis(t.reshape(B, S // Q, Q, H, D), 1, 0) for t in (k, v))
        def step(c, kv):
            m, l, o = c; k, v = kv
            s = jnp.einsum("bshd,bqhd->bhsq", q, k); mn = jnp.maximum(m, s.max(-1)); p = jnp.exp(s - mn[..., None]); a = jnp.exp(m - mn)
            return (mn, l * a + p.sum(-1), o * a[..., None] + jnp.einsum("bhsq,bqhd->bhsd", p, v)), None
        (m, l, o), _ = lax.scan(step, (jnp.full((B, H, S), -1e9), jnp.zeros((B, H, S)), jnp.zeros((B, H, S, D))), (kc, vc))
        return jnp.moveaxis(o / l[..., None], 1, 2)
    a = on.arg((B, S, H, D), b, s)
    return f, (a, a, a)
program("flash", "sequence-2x4", lambda: flash(On(x=2, y=4), "x", "y"))
program("flash", "heads-2x4", lambda: (lambda on: (flash(on, None, None)[0], (on.arg((4, 32, 4, 8), "x", None, "y"),) * 3))(On(x=2, y=4)))

def ring(on, B=4, S=32, H=2, D=8):
    P = jax.sharding.PartitionSpec; n = on.mesh.shape["y"]
    def f(q, k, v):
        def local(q, k, v):
            def step(c, _):
                k, v, m, l, o = c
                s = jnp.einsum("bshd,bqhd->bhsq", q, k); mn = jnp.maximum(m, s.max(-1)); p = jnp.exp(s - mn[..., None]); a = jnp.exp(m - mn)
                l, o = l * a + p.sum(-1), o * a[..., None] + jnp.einsum("bhsq,bqhd->bhsd", p, v)
                k, v = (lax.ppermute(t, "y", [(i, (i + 1) % n) for i in range(n)]) for t in (k, v))
                return (k, v, mn, l, o), None
            z = lambda *s: lax.pcast(jnp.zeros(s), ("x", "y"), to="varying")
            b, s = q.shape[:2]
            (_, _, m, l, o), _ = lax.scan(step, (k, v, z(b, H, s) - 1e9, z(b, H, s), z(b, H, s, D)), None, length=n)
            return jnp.moveaxis(o / l[..., None], 1, 2)
        sp = P("x", "y"); return jax.shard_map(local, mesh=on.mesh, in_specs=(sp,) * 3, out_specs=sp)(q, k, v)
    a = on.arg((B, S, H, D), "x", "y")
    return f, (a, a, a)
program("ring", "sequence-2x4", lambda: ring(On(x=2, y=4)))

def vit(on, b, tp, B=8, N=16, Pz=4, M=32, H=4, Fd=64, Cl=10):
    def f(we, pos, cls, wqkv, wo, w1, w2, head, img):
        p = img.reshape(B, N // Pz, Pz, N // Pz, Pz, 3).transpose(0, 1, 3, 2, 4, 5).reshape(B, -1, Pz * Pz * 3)
        x = jnp.concatenate([jnp.broadcast_to(cls, (B, 1, M)), p @ we], 1) + pos
        h = ln(x); qkv = (h @ wqkv).reshape(B, -1, 3, H, M // H); q, k, v = (qkv[:, :, i] for i in range(3))
        o = jnp.einsum("bhst,bthd->bshd", softmax(jnp.einsum("bshd,bthd->bhst", q, k) / 3.), v).reshape(B, -1, M)
        x = x + o @ wo; x = x + jax.nn.gelu(ln(x) @ w1) @ w2
        return ln(x)[:, 0] @ head
    return f, (on.arg((48, M)), on.arg((17, M)), on.arg((M,)), on.arg((M, 3 * M), None, tp), on.arg((M, M), tp), on.arg((M, Fd), None, tp), on.arg((Fd, M), tp), on.arg((M, Cl)), on.arg((B, N, N, 3), b))
program("vit", "megatron-2x4", lambda: vit(On(x=2, y=4), "x", "y"))
program("vit", "data-8", lambda: vit(On(x=8), "x", None))

def bert(on, b, tp, B=8, S=16, M=32, Fd=64, V=64, K=4):
    def f(emb, seg, pos, w1, w2, wt, tokens, segs, at, labels):
        x = ln(emb[tokens] + seg[segs] + pos)
        x = ln(x + jax.nn.gelu(x @ w1) @ w2)
        h = jnp.take_along_axis(x, at[..., None], 1)
        logits = ln(jax.nn.gelu(h @ wt)) @ emb.T
        lp = jax.nn.log_softmax(logits, -1)
        return -jnp.sum(jax.nn.one_hot(labels, V) * lp) / (B * K)
    return f, (on.arg((V, M), tp), on.arg((2, M)), on.arg((S, M)), on.arg((M, Fd), None, tp), on.arg((Fd, M), tp), on.arg((M, M)), on.arg((B, S), b, dtype=I), on.arg((B, S), b, dtype=I), on.arg((B, K), b, dtype=I), on.arg((B, K), b, dtype=I))
program("bert", "megatron-2x4", lambda: bert(On(x=2, y=4), "x", "y"))
program("bert", "data-8", lambda: bert(On(x=8), "x", None))

def lstm(on, b, tp, B=8, T=8, S=8, M=16):
    """LSTM with attention over an encoded source at every step."""
    def f(wi, wh, wa, wo, xs, mem):
        def step(c, x):
            h, cc = c
            z = x @ wi + h @ wh; i, g, o, fg = jnp.split(z, 4, -1)
            cc = jax.nn.sigmoid(fg) * cc + jax.nn.sigmoid(i) * jnp.tanh(g); h = jax.nn.sigmoid(o) * jnp.tanh(cc)
            a = softmax(jnp.einsum("bm,bsm->bs", h @ wa, mem)); ctx = jnp.einsum("bs,bsm->bm", a, mem)
            return (jnp.tanh(jnp.concatenate([h, ctx], -1) @ wo), cc), h
        return lax.scan(step, (jnp.zeros((B, M)), jnp.zeros((B, M))), xs)[1]
    return f, (on.arg((M, 4 * M), None, tp), on.arg((M, 4 * M), None, tp), on.arg((M, M), None, tp), on.arg((2 * M, M), tp), on.arg((T, B, M), None, b), on.arg((B, S, M), b))
program("lstm", "features-2x4", lambda: lstm(On(x=2, y=4), "x", "y"))
program("lstm", "data-8", lambda: lstm(On(x=8), "x", None))

def depths(on, b, s, B=4, S=32, M=16, C=8, Fd=32):
    """Mixture of depths: the top tokens of a sequence pass a block, the rest skip it."""
    def f(r, w1, w2, x):
        score = (x @ r)[..., 0]; v, at = lax.top_k(score, C)
        t = jnp.take_along_axis(x, at[..., None], 1)
        t = jax.nn.gelu(t @ w1) @ w2 * jax.nn.sigmoid(v)[..., None]
        return jax.vmap(lambda x, i, t: x.at[i].add(t))(x, at, t)
    return f, (on.arg((M, 1)), on.arg((M, Fd), None, "y" if s is None else None), on.arg((Fd, M), "y" if s is None else None), on.arg((B, S, M), b, s))
program("depths", "tp-2x4", lambda: depths(On(x=2, y=4), "x", None))
program("depths", "sequence-2x4", lambda: depths(On(x=2, y=4), "x", "y"))

def mla(on, b, tp, B=4, S=16, M=32, H=4, D=8, R=8, Dr=4):
    """DeepSeek's latent attention."""
    def f(wdq, wuq, wdkv, wuk, wuv, wkr, wo, x):
        q = jnp.einsum("bsr,rhd->bshd", norm(x @ wdq), wuq); c = norm(x @ wdkv)
        k = jnp.einsum("bsr,rhd->bshd", c, wuk); v = jnp.einsum("bsr,rhd->bshd", c, wuv)
        qr, qn = q[..., :Dr], q[..., Dr:]; kr = rope(x @ wkr)
        s = jnp.einsum("bshd,bthd->bhst", rope(qr), jnp.broadcast_to(kr[:, :, None], (B, S, H, Dr))) + jnp.einsum("bshd,bthd->bhst", qn, k)
        p = softmax(jnp.where(jnp.tril(jnp.ones((S, S), bool)), s / 3., -1e9))
        return jnp.einsum("bshd,hdm->bsm", jnp.einsum("bhst,bthd->bshd", p, v), wo)
    h = lambda d: on.arg((R, H, d), None, tp)
    return f, (on.arg((M, R)), h(D + Dr), on.arg((M, R)), h(D), h(D), on.arg((M, Dr)), on.arg((H, D, M), tp), on.arg((B, S, M), b))
program("mla", "heads-2x4", lambda: mla(On(x=2, y=4), "x", "y"))
program("mla", "data-4x2", lambda: mla(On(x=4, y=2), "x", None))

def ringbuf(on, kv, B=8, W=16, H=4, D=8):
    """Sliding window decode: a rolling cache written at pos mod window, with a sink."""
    def f(k, v, q, nk, nv, pos):
        at = 1 + pos % (W - 1)
        k = lax.dynamic_update_slice(k, nk[:, None], (0, at, 0, 0)); v = lax.dynamic_update_slice(v, nv[:, None], (0, at, 0, 0))
        age = (at - jnp.arange(W)) % (W - 1)
        s = jnp.einsum("bhd,bthd->bht", q, k) - .1 * age
        return jnp.einsum("bht,bthd->bhd", softmax(s), v), k, v
    c = on.arg((B, W, H, D), *kv); n = on.arg((B, H, D), kv[0], kv[2] if len(kv) > 2 else None)
    return f, (c, c, n, n, n, on.arg((), dtype=I))
program("ringbuf", "sequence-2x4", lambda: ringbuf(On(x=2, y=4), ("x", "y")), ("fwd",))
program("ringbuf", "heads-2x4", lambda: ringbuf(On(x=2, y=4), ("x", None, "y")), ("fwd",))

def rwkv(on, b, c, B=8, T=16, M=16):
    def f(wr, wk, wv, wo, mix, decay, bonus, x):
        prev = jnp.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1]; z = x * mix + prev * (1 - mix)
        r = jax.nn.sigmoid(z @ wr); k = z @ wk; v = z @ wv; w = -jnp.exp(decay)
        def step(s, t):
            a, bb, p = s; k, v = t; q = jnp.maximum(p, bonus + k); e1, e2 = jnp.exp(p - q), jnp.exp(bonus + k - q); y = (e1 * a + e2 * v) / (e1 * bb + e2)
            q = jnp.maximum(p + w, k); e1, e2 = jnp.exp(p + w - q), jnp.exp(k - q); return (e1 * a + e2 * v, e1 * bb + e2, q), y
        z0 = jnp.zeros((B, M)); _, y = lax.scan(step, (z0, z0, z0 - 1e9), (jnp.moveaxis(k, 1, 0), jnp.moveaxis(v, 1, 0)))
        return (r * jnp.moveaxis(y, 0, 1)) @ wo
    w = on.arg((M, M), None, c)
    return f, (w, w, w, on.arg((M, M), c), on.arg((M,)), on.arg((M,), c), on.arg((M,), c), on.arg((B, T, M), b))
program("rwkv", "features-2x4", lambda: rwkv(On(x=2, y=4), "x", "y"))
program("rwkv", "data-8", lambda: rwkv(On(x=8), "x", None))
