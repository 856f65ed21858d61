"""Algorithms beside networks for tests/wire: dynamic programs, clusters, transport, graphs, spectra, losses."""
import jax, jax.numpy as jnp
from jax import lax
from lowering import F, I, On, program, softmax

def hmm(on, b, s, B=8, T=12, S=16):
    """Forward algorithm of a hidden Markov model: the states of a step meet all of the next."""
    def f(e, tr, pi):
        def step(a, x):
            a = jax.nn.logsumexp(a[:, :, None] + tr[None], 1) + x
            return a, a
        a0 = pi[None] + e[:, 0]
        aT, al = lax.scan(step, a0, jnp.moveaxis(e[:, 1:], 1, 0))
        return jax.nn.logsumexp(aT, -1)
    return f, (on.arg((B, T, S), b, None, s), on.arg((S, S), None, s), on.arg((S,), s))

program("hmm", "states-2x4", lambda: hmm(On(x=2, y=4), "x", "y"))
program("hmm", "uneven-2x4", lambda: hmm(On(x=2, y=4), "x", "y", S=18))

def viterbi(on, b, s, B=8, T=12, S=16):
    """The likeliest path: maxima forward, the way back by gathers."""
    def f(e, tr):
        def step(a, x):
            sc = a[:, :, None] + tr[None]; return jnp.max(sc, 1) + x, jnp.argmax(sc, 1)
        aT, bp = lax.scan(step, e[:, 0], jnp.moveaxis(e[:, 1:], 1, 0))
        last = jnp.argmax(aT, -1)
        def back(c, b):
            c2 = jnp.take_along_axis(b, c[:, None], 1)[:, 0]; return c2, c2
        _, path = lax.scan(back, last, bp, reverse=True)
        return path, jnp.max(aT, -1)
    return f, (on.arg((B, T, S), b, None, s), on.arg((S, S), None, s))

program("viterbi", "states-2x4", lambda: viterbi(On(x=2, y=4), "x", "y"), ("fwd",))

def crf(on, b, s, B=8, T=12, S=16, D=32):
    """Linear-chain conditional random field: the path's score by gathers, all paths' by a scan."""
    def f(x, w, tr, y):
        e = x @ w
        gold = jnp.sum(jnp.take_along_axis(e, y[..., None], -1)[..., 0], 1) + jnp.sum(tr[y[:, :-1], y[:, 1:]], 1)
        def step(a, z): return jax.nn.logsumexp(a[:, :, None] + tr[None], 1) + z, None
        aT, _ = lax.scan(step, e[:, 0], jnp.moveaxis(e[:, 1:], 1, 0))
        return jax.nn.logsumexp(aT, -1) - gold
    return f, (on.arg((B, T, D), b), on.arg((D, S), None, s), on.arg((S, S), None, s), on.arg((B, T), b, dtype=I))

program("crf", "states-2x4", lambda: crf(On(x=2, y=4), "x", "y"))
program("crf", "batch-8", lambda: crf(On(x=8), "x", None), ("grad",))

def kmeans(on, n, d, N=128, D=16, K=8):
    """Two rounds of Lloyd's algorithm."""
    def f(x, c):
        for _ in range(2):
            dist = ((x[:, None] - c[None])**2).sum(-1); a = jnp.argmin(dist, -1)
            oh = jax.nn.one_hot(a, K, dtype=F); c = (oh.T @ x) / (oh.sum(0)[:, None] + 1e-3)
        return c, a
    return f, (on.arg((N, D), n, d), on.arg((K, D), None, d))

program("kmeans", "both-2x4", lambda: kmeans(On(x=2, y=4), "x", "y"))

def knn(on, q, n, Q=16, N=128, D=16, K=5):
    """Nearest neighbours and their labels."""
    def f(x, db, lab):
        d = -(x @ db.T) + 0.5 * (db**2).sum(-1); v, i = lax.top_k(-d, K)
        return v, jnp.take(lab, i, 0).mean(1)
    return f, (on.arg((Q, D), q), on.arg((N, D), n), on.arg((N, 4), n))

program("knn", "both-2x4", lambda: knn(On(x=2, y=4), "x", "y"), ("fwd",))

def sinkhorn(on, a, b, N=32, Mm=48):
    """Optimal transport: rows and columns normalised by turns."""
    def f(C, mu, nu):
        K = -C * 5
        def it(c, _):
            u, v = c; u = jnp.log(mu) - jax.nn.logsumexp(K + v[None], 1); v = jnp.log(nu) - jax.nn.logsumexp(K + u[:, None], 0); return (u, v), None
        (u, v), _ = lax.scan(it, (jnp.zeros(N), jnp.zeros(Mm)), None, length=5)
        return jnp.sum(jnp.exp(K + u[:, None] + v[None]) * C)
    return f, (on.arg((N, Mm), a, b), on.arg((N,), a), on.arg((Mm,), b))

program("sinkhorn", "2d-2x4", lambda: sinkhorn(On(x=2, y=4), "x", "y"))

def gat(on, e, h, N=32, E=96, D=16, H=4):
    """Graph attention: softmax over the edges that meet at a node."""
    def f(x, w, a1, a2, src, dst):
        z = jnp.einsum('nd,dhk->nhk', x, w); s = jnp.einsum('nhk,hk->nh', z, a1); t = jnp.einsum('nhk,hk->nh', z, a2)
        l = jax.nn.leaky_relu(s[src] + t[dst]); m = jax.ops.segment_max(l, dst, N); w_ = jnp.exp(l - m[dst]); dn = jax.ops.segment_sum(w_, dst, N)
        return jax.ops.segment_sum(z[src] * (w_ / dn[dst])[..., None], dst, N)
    return f, (on.arg((N, D)), on.arg((D, H, 8), None, h), on.arg((H, 8), h), on.arg((H, 8), h), on.arg((E,), e, dtype=I), on.arg((E,), e, dtype=I))

program("gat", "edges-8", lambda: gat(On(x=8), "x", None))
program("gat", "heads-2x4", lambda: gat(On(x=2, y=4), "x", "y"), ("grad",))

def wavenet(on, b, s, c, B=4, S=64, C=16):
    """Gated, dilated convolutions that see the past only."""
    def f(x, ws, wr):
        skip = 0
        for i, d in enumerate((1, 2, 4, 8)):
            xp = jnp.pad(x, ((0, 0), (d, 0), (0, 0)))
            h = lax.conv_general_dilated(xp, ws[i], (1,), "VALID", rhs_dilation=(d,), dimension_numbers=("NWC", "WIO", "NWC"))
            a, g = jnp.split(h, 2, -1); z = jnp.tanh(a) * jax.nn.sigmoid(g); skip = skip + z @ wr[i]; x = x + z
        return skip
    return f, (on.arg((B, S, C), b, s, None), on.arg((4, 2, C, 2 * C), None, None, None, c), on.arg((4, C, C), None, None, c))

program("wavenet", "time-2x4", lambda: wavenet(On(x=2, y=4), "x", "y", None))
program("wavenet", "uneven-8", lambda: wavenet(On(x=8), None, "x", None, S=60), ("grad",))

def s4(on, b, s, c, B=4, S=32, C=16):
    """A long convolution by FFT."""
    def f(x, k, D):
        X = jnp.fft.rfft(x, 2 * S, axis=1); K = jnp.fft.rfft(k, 2 * S, axis=0); y = jnp.fft.irfft(X * K[None], 2 * S, axis=1)[:, :S]
        return jax.nn.gelu(y + x * D)
    return f, (on.arg((B, S, C), b, s, c), on.arg((S, C), None, c), on.arg((C,), c))

program("s4", "channels-2x4", lambda: s4(On(x=2, y=4), "x", None, "y"), ("grad",))
program("s4", "sequence-2x4", lambda: s4(On(x=2, y=4), "x", "y", None))

def linattn(on, b, s, h, B=4, S=32, H=4, D=8):
    """Causal linear attention: running sums of outer products."""
    def f(q, k, v):
        q = jax.nn.elu(q) + 1; k = jax.nn.elu(k) + 1
        kv = jnp.cumsum(jnp.einsum('bshd,bshe->bshde', k, v), 1); z = jnp.cumsum(k, 1)
        return jnp.einsum('bshd,bshde->bshe', q, kv) / (jnp.einsum('bshd,bshd->bsh', q, z)[..., None] + 1e-3)
    a = on.arg((B, S, H, D), b, s, h); return f, (a, a, a)

program("linear-attention", "sequence-2x4", lambda: linattn(On(x=2, y=4), "x", "y", None))
program("linear-attention", "uneven-8", lambda: linattn(On(x=8), None, "x", None, S=30), ("grad",))

def axial(on, b, r, c, B=2, R=8, C=16, D=16, H=2):
    """Attention along rows, then along columns."""
    def f(x, wq, wk, wv):
        def at(x, ax):
            q, k, v = (x @ w for w in (wq, wk, wv));
            if ax == 1: return jnp.einsum('brtc,btcd->brcd', softmax(jnp.einsum('brcd,btcd->brtc', q, k).swapaxes(2, 3)).swapaxes(2, 3), v)
            return jnp.einsum('brct,brtd->brcd', softmax(jnp.einsum('brcd,brtd->brct', q, k)), v)
        return at(at(x, 1), 2)
    w = on.arg((D, D)); return f, (on.arg((B, R, C, D), b, r, c), w, w, w)

program("axial", "rows-2x4", lambda: axial(On(x=2, y=4), "x", "y", None))
program("axial", "2d-2x4", lambda: axial(On(x=2, y=4), None, "x", "y"), ("grad",))

def perceiver(on, b, s, h, B=4, N=8, S=64, D=32, H=4):
    """A few latents attend to a long sequence, twice."""
    def f(lat, x, wq, wk, wv, wo):
        for _ in range(2):
            q = jnp.einsum('bnd,dhk->bhnk', jnp.broadcast_to(lat, (B, N, D)) if lat.ndim == 2 else lat, wq); k = jnp.einsum('bsd,dhk->bhsk', x, wk); v = jnp.einsum('bsd,dhk->bhsk', x, wv)
            o = jnp.einsum('bhns,bhsk->bnhk', softmax(jnp.einsum('bhnk,bhsk->bhns', q, k)), v); lat = (lat if lat.ndim == 3 else lat[None]) + jnp.einsum('bnhk,hkd->bnd', o, wo)
        return lat
    w = on.arg((D, H, 8), None, h); return f, (on.arg((N, D)), on.arg((B, S, D), b, s), w, w, w, on.arg((H, 8, D), h))

program("perceiver", "sequence-2x4", lambda: perceiver(On(x=2, y=4), "x", "y", None))

def ctc(on, b, v, B=8, T=12, V=16, L=5):
    """Connectionist temporal classification: the scores of all alignments."""
    def f(logits, lab):
        lp = jax.nn.log_softmax(logits); ext = jnp.zeros((B, 2 * L + 1), I).at[:, 1::2].set(lab)
        e = jnp.take_along_axis(lp, jnp.broadcast_to(ext[:, None], (B, T, 2 * L + 1)), -1)
        def step(a, x):
            a1 = jnp.pad(a[:, :-1], ((0, 0), (1, 0)), constant_values=-1e9); a2 = jnp.pad(a[:, :-2], ((0, 0), (2, 0)), constant_values=-1e9)
            return jnp.logaddexp(jnp.logaddexp(a, a1), a2) + x, None
        a0 = jnp.full((B, 2 * L + 1), -1e9).at[:, 0].set(e[:, 0, 0]).at[:, 1].set(e[:, 0, 1])
        a, _ = lax.scan(step, a0, jnp.moveaxis(e[:, 1:], 1, 0)); return -jnp.logaddexp(a[:, -1], a[:, -2])
    return f, (on.arg((B, T, V), b, None, v), on.arg((B, L), b, dtype=I))

program("ctc", "vocabulary-2x4", lambda: ctc(On(x=2, y=4), "x", "y"))

def dpo(on, b, v, B=8, S=8, D=32, V=64):
    """Direct preference optimisation: pairs of sequences under two models."""
    def f(x, w, wr, t):
        lp = lambda w: jnp.take_along_axis(jax.nn.log_softmax(x @ w), t[..., None], -1)[..., 0].sum(1)
        d = lp(w) - lax.stop_gradient(lp(wr)); return -jax.nn.log_sigmoid(d[::2] - d[1::2]).mean()
    return f, (on.arg((B, S, D), b), on.arg((D, V), None, v), on.arg((D, V), None, v), on.arg((B, S), b, dtype=I))

program("dpo", "vocabulary-2x4", lambda: dpo(On(x=2, y=4), "x", "y"))
