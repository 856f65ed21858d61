"""Experts, pipelines, convolutions, tables, losses and optimisers for tests/wire."""
import jax, jax.numpy as jnp, numpy as np
from jax import lax
from lowering import F, I, I8, On, program, softmax
from sequences import ln, norm

def moe_map(on, T=32, M=16, E=8, Fd=32, C=4, tp=None):
    """Switch routing inside shard_map with explicit all_to_alls over the expert axis."""
    n = on.mesh.shape["x"]; P = jax.sharding.PartitionSpec
    def f(ws, x, gate):
        def local(w1, w2, x, gate):
            t = x.shape[0]; p = softmax(x @ gate); e = jnp.argmax(p, -1)
            pick = jax.nn.one_hot(e, E); place = (jnp.cumsum(pick, 0) * pick).sum(-1).astype(I) - 1
            disp = pick[..., None] * jax.nn.one_hot(place, C)[:, None]
            inside = jnp.einsum("tec,tm->ecm", disp, x)
            inside = lax.all_to_all(inside.reshape(n, E // n, C, M), "x", 0, 0, tiled=False).swapaxes(0, 1).reshape(E // n, n * C, M)
            out = jnp.einsum("ecf,efm->ecm", jax.nn.relu(jnp.einsum("ecm,emf->ecf", inside, w1)), w2)
            if tp: out = lax.psum(out, tp)
            out = lax.all_to_all(out.reshape(E // n, n, C, M).swapaxes(0, 1), "x", 0, 0, tiled=False).reshape(E, C, M)
            return jnp.einsum("tec,ecm->tm", disp * jnp.max(p, -1)[:, None, None], out)
        w = P("x", None, tp), P("x", tp, None)
        return jax.shard_map(local, mesh=on.mesh, in_specs=(*w, P("x"), P()), out_specs=P("x"))(*ws, x, gate)
    return f, ((on.arg((E, M, Fd), "x", None, tp), on.arg((E, Fd, M), "x", tp)), on.arg((T, M), "x"), on.arg((M, E)))
program("moe-map", "experts-8", lambda: moe_map(On(x=8)))
program("moe-map", "experts-hidden-4x2", lambda: moe_map(On(x=4, y=2), tp="y"))

def expert_choice(on, t, e, hid, T=64, M=16, E=8, Fd=32, C=8):
    def f(ws, x, gate):
        p = softmax(x @ gate)
        val, at = lax.top_k(p.T, C)
        inside = x[at]
        out = jnp.einsum("ecf,efm->ecm", jax.nn.gelu(jnp.einsum("ecm,emf->ecf", inside, ws[0])), ws[1]) * val[..., None]
        return jnp.zeros_like(x).at[at.reshape(-1)].add(out.reshape(E * C, M))
    return f, ((on.arg((E, M, Fd), e, None, hid), on.arg((E, Fd, M), e, hid)), on.arg((T, M), t), on.arg((M, E)))
program("expert-choice", "experts-4x2", lambda: expert_choice(On(x=4, y=2), "x", "x", None))
program("expert-choice", "experts-hidden-4x2", lambda: expert_choice(On(x=4, y=2), "x", "x", "y"))

def moe_top2(on, e, hid, G=4, S=16, M=16, E=8, C=8, Fd=32):
    def f(ws, x, gate):
        p = softmax(jnp.einsum("gsm,me->gse", x, gate))
        v, i = lax.top_k(p, 2); v = v / jnp.sum(v, -1, keepdims=True)
        comb = 0.
        count = jnp.zeros((x.shape[0], 1, E))
        for j in range(2):
            pick = jax.nn.one_hot(i[..., j], E); place = (jnp.cumsum(pick, 1) - 1 + count) * pick; count = count + pick.sum(1, keepdims=True)
            keep = pick * (place < C)
            comb = comb + v[..., j, None, None] * keep[..., None] * jax.nn.one_hot(place.sum(-1).astype(I), C)[:, :, None]
        disp = (comb > 0).astype(F)
        inside = on.pin(jnp.einsum("gsec,gsm->egcm", disp, x), e)
        h = jax.nn.silu(jnp.einsum("egcm,emf->egcf", inside, ws[0])) * jnp.einsum("egcm,emf->egcf", inside, ws[1])
        out = on.pin(jnp.einsum("egcf,efm->egcm", h, ws[2]), e)
        aux = jnp.mean(jnp.mean(p, 1) * jnp.mean(disp.max(-1), 1)) * E * E
        return jnp.einsum("gsec,egcm->gsm", comb, out), aux
    return f, ((on.arg((E, M, Fd), e, None, hid), on.arg((E, M, Fd), e, None, hid), on.arg((E, Fd, M), e, hid)), on.arg((G, S, M), "x"), on.arg((M, E)))
program("moe-top2", "experts-4x2", lambda: moe_top2(On(x=4, y=2), "x", "y"))
program("moe-top2", "both-2x4", lambda: moe_top2(On(x=2, y=4), ("x", "y"), None))

d2 = ("NHWC", "HWIO", "NHWC")
def conv2(x, w, s=1): return lax.conv_general_dilated(x, w, (s, s), "SAME", dimension_numbers=d2)
def gn(x, g=2):
    b, h, w, c = x.shape; y = x.reshape(b, h, w, g, c // g)
    m = jnp.mean(y, (1, 2, 4), keepdims=True); v = jnp.var(y, (1, 2, 4), keepdims=True)
    return ((y - m) * lax.rsqrt(v + 1e-5)).reshape(x.shape)
def diffusion(on, b, h, c, B=4, N=16, C=8):
    def f(ws, temb, x):
        w0, w1, w2, wq, wo, w3, w4 = ws
        a = conv2(x, w0) + (temb @ w4)[:, None, None]
        d = conv2(jax.nn.silu(gn(a)), w1, 2)
        n = d.shape[1]
        t = gn(d).reshape(B, n * n, 2 * C)
        q, k, v = jnp.split(t @ wq, 3, -1)
        d = d + (jnp.einsum("bst,btc->bsc", softmax(jnp.einsum("bsc,btc->bst", q, k) / 4.), v) @ wo).reshape(d.shape)
        u = jax.image.resize(d, (B, N, N, 2 * C), "nearest")
        u = conv2(jax.nn.silu(gn(u)), w2)
        return conv2(jnp.concatenate([a, u], -1), w3)
    return f, ((on.arg((3, 3, 4, C), None, None, None, c), on.arg((3, 3, C, 2 * C), None, None, None, c), on.arg((3, 3, 2 * C, C), None, None, None, c), on.arg((2 * C, 6 * C), None, c), on.arg((2 * C, 2 * C), c), on.arg((3, 3, 2 * C, 4)), on.arg((8, C), None, c)), on.arg((B, 8), b), on.arg((B, N, N, 4), b, h))
program("diffusion", "channels-2x4", lambda: diffusion(On(x=2, y=4), "x", None, "y"))
program("diffusion", "space-2x4", lambda: diffusion(On(x=2, y=4), "x", "y", None))

def resnet(on, b, h, c, B=8, N=16, C=8):
    def bn(x, g): m = jnp.mean(x, (0, 1, 2)); v = jnp.var(x, (0, 1, 2)); return (x - m) * lax.rsqrt(v + 1e-5) * g
    def f(ws, x):
        x = jax.nn.relu(bn(conv2(x, ws[0], 2), ws[4]))
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
        y = jax.nn.relu(bn(conv2(x, ws[1]), ws[5])); x = jax.nn.relu(x + bn(conv2(y, ws[2]), ws[6]))
        return jnp.mean(x, (1, 2)) @ ws[3]
    return f, ((on.arg((3, 3, 4, C), None, None, None, c), on.arg((3, 3, C, C), None, None, None, c), on.arg((3, 3, C, C), None, None, None, c), on.arg((C, 16), c), on.arg((C,), c), on.arg((C,), c), on.arg((C,), c)), on.arg((B, N, N, 4), b, h))
program("resnet", "batch-8", lambda: resnet(On(x=8), "x", None, None))
program("resnet", "channels-2x4", lambda: resnet(On(x=2, y=4), "x", None, "y"))

def bags2(on, t, V=64, M=16, B=16, K=4, Tn=3):
    """Multi-hot embedding bags, one stacked table [tables, rows, dim]; interaction and a top MLP."""
    def f(tables, w0, w1, dense, ids, weight):
        e = jax.vmap(lambda tab, i: jnp.einsum("bkm,bk->bm", tab[i], weight), (0, 1), 1)(tables, ids)
        z = jnp.concatenate([jax.nn.relu(dense @ w0)[:, None], e], 1)
        inter = jnp.einsum("bim,bjm->bij", z, z)
        iu = np.triu_indices(Tn + 1, 1)
        return jax.nn.sigmoid(inter[:, iu[0], iu[1]] @ w1)
    return f, (on.arg((Tn, V, M), *t), on.arg((8, M)), on.arg((6, 1)), on.arg((B, 8), ("x", "y")), on.arg((B, Tn, K), ("x", "y"), dtype=I), on.arg((B, K), ("x", "y")))
program("bags", "rows-2x4", lambda: bags2(On(x=2, y=4), (None, ("x", "y"))))
program("bags", "columns-2x4", lambda: bags2(On(x=2, y=4), (None, None, "y")))

def adafactor(on, w, B=16, M=32, Fd=64):
    def f(p, vr, vc, x, y):
        g = jax.grad(lambda p: jnp.mean((jnp.tanh(x @ p) - y) ** 2))(p)
        g2 = g * g + 1e-30
        vr = .9 * vr + .1 * jnp.mean(g2, 1); vc = .9 * vc + .1 * jnp.mean(g2, 0)
        u = g * lax.rsqrt(vr / jnp.mean(vr))[:, None] * lax.rsqrt(vc)[None]
        u = u / jnp.maximum(1., jnp.sqrt(jnp.mean(u * u)))
        return p - .01 * jnp.maximum(1e-3, jnp.sqrt(jnp.mean(p * p))) * u, vr, vc
    return f, (on.arg((M, Fd), *w), on.arg((M,), w[0]), on.arg((Fd,), w[1] if len(w) > 1 else None), on.arg((B, M), "x"), on.arg((B, Fd), "x"))
program("adafactor", "both-2x4", lambda: adafactor(On(x=2, y=4), ("x", "y")), ("fwd",))
program("adafactor", "tp-2x4", lambda: adafactor(On(x=2, y=4), (None, "y")), ("fwd",))

def shampoo(on, w, M=32, N=64):
    def root(a):
        a = a + 1e-4 * jnp.eye(a.shape[0]); z = 1. / jnp.trace(a); y, k = a * z, jnp.eye(a.shape[0])
        def it(_, s): y, k = s; t = .5 * (3. * jnp.eye(a.shape[0]) - k @ y); return y @ t, t @ k
        return lax.fori_loop(0, 4, it, (y, k))[1] * jnp.sqrt(z)
    def f(p, g, l, r):
        l = l + g @ g.T; r = r + g.T @ g
        return p - .1 * root(l) @ g @ root(r), l, r
    return f, (on.arg((M, N), *w), on.arg((M, N), *w), on.arg((M, M), w[0]), on.arg((N, N), None, w[1] if len(w) > 1 else None))
program("shampoo", "both-2x4", lambda: shampoo(On(x=2, y=4), ("x", "y")), ("fwd",))
program("shampoo", "rows-8", lambda: shampoo(On(x=8), ("x",)), ("fwd",))

def muon(on, w, M=32, N=64, L=2):
    def f(p, mom, g):
        mom = .95 * mom + g; x = mom * lax.rsqrt(jnp.sum(mom * mom, (1, 2), keepdims=True))
        for _ in range(3):
            a = jnp.einsum("lmn,lkn->lmk", x, x); x = 3.4 * x - 4.7 * jnp.einsum("lmk,lkn->lmn", a, x) + 2. * jnp.einsum("lmk,lkn->lmn", jnp.einsum("lmk,lkj->lmj", a, a), x)
        return p - .02 * x, mom
    a = on.arg((L, M, N), None, *w)
    return f, (a, a, a)
program("muon", "columns-2x4", lambda: muon(On(x=2, y=4), (None, "y")), ("fwd",))
program("muon", "both-2x4", lambda: muon(On(x=2, y=4), ("x", "y")), ("fwd",))

def xent_map(on, B=16, M=32, V=64):
    """Megatron's vocabulary-parallel cross entropy in shard_map."""
    P = jax.sharding.PartitionSpec; n = on.mesh.shape["y"]
    def f(emb, x, labels):
        def local(emb, x, labels):
            logits = x @ emb.T; off = lax.axis_index("y") * (V // n)
            m = lax.stop_gradient(lax.pmax(lax.stop_gradient(logits.max(-1)), "y"))
            s = lax.psum(jnp.exp(logits - m[:, None]).sum(-1), "y")
            mine = (labels >= off) & (labels < off + V // n)
            hit = jnp.take_along_axis(logits, jnp.clip(labels - off, 0, V // n - 1)[:, None], 1)[:, 0]
            return lax.pmean(jnp.mean(jnp.log(s) + m - lax.psum(jnp.where(mine, hit, 0.), "y")), "x")
        return jax.shard_map(local, mesh=on.mesh, in_specs=(P("y"), P("x"), P("x")), out_specs=P())(emb, x, labels)
    return f, (on.arg((V, M), "y"), on.arg((B, M), "x"), on.arg((B,), "x", dtype=I))
program("xent-map", "vocabulary-2x4", lambda: xent_map(On(x=2, y=4)))

def pipe2(on, batch, S=4, L=2, Nm=6, B=8, M=16):
    """Shifting buffer, several layers a stage, remat; loss at the end."""
    def f(ws, xs, ys):
        def stage(w, h): return lax.scan(lambda h, w: (h + jnp.tanh(norm(h) @ w), None), h, w)[0]
        def tick(buf, t):
            x = xs[jnp.minimum(t, Nm - 1)]
            buf = on.pin(jnp.concatenate([x[None], buf[:-1]], 0), "x", batch)
            buf = on.pin(jax.vmap(jax.checkpoint(stage))(ws, buf), "x", batch)
            return buf, buf[-1]
        _, out = lax.scan(tick, jnp.zeros((S, B, M)), jnp.arange(Nm + S - 1))
        return jnp.mean((out[S - 1:] - ys) ** 2)
    a = on.arg((Nm, B, M), None, batch)
    return f, (on.arg((S, L, M, M), "x"), a, a)
program("pipe", "stages-4x2", lambda: pipe2(On(x=4, y=2), "y"))
program("pipe", "stages-8", lambda: pipe2(On(x=8), None, S=8))

def gnn(on, n, e, N=32, E=64, M=16):
    def f(w1, w2, x, src, dst):
        for w in (w1, w2):
            msg = jax.nn.relu(x[src] @ w); agg = jax.ops.segment_sum(msg, dst, num_segments=N); deg = jax.ops.segment_sum(jnp.ones((E,)), dst, num_segments=N)
            x = x + agg / jnp.maximum(deg, 1.)[:, None]
        return x
    return f, (on.arg((M, M)), on.arg((M, M)), on.arg((N, M), *n), on.arg((E,), e, dtype=I), on.arg((E,), e, dtype=I))
program("gnn", "edges-8", lambda: gnn(On(x=8), (), "x"))
program("gnn", "both-2x4", lambda: gnn(On(x=2, y=4), ("x",), "y"))

def clip(on, b, tp, B=16, M=32, E=16):
    def f(wi, wt, img, txt, temp):
        a = img @ wi; t = txt @ wt
        a = a * lax.rsqrt(jnp.sum(a * a, -1, keepdims=True)); t = t * lax.rsqrt(jnp.sum(t * t, -1, keepdims=True))
        l = a @ t.T * jnp.exp(temp); i = jnp.arange(B)
        return jnp.mean(jax.nn.logsumexp(l, 1) + jax.nn.logsumexp(l, 0) - 2 * jnp.diagonal(l))
    return f, (on.arg((M, E), None, tp), on.arg((M, E), None, tp), on.arg((B, M), b), on.arg((B, M), b), on.arg(()))
program("clip", "data-8", lambda: clip(On(x=8), "x", None))
program("clip", "both-2x4", lambda: clip(On(x=2, y=4), "x", "y"))

def vq(on, b, c, B=16, S=8, M=16, K=32):
    def f(x, book):
        d = jnp.sum(x * x, -1, keepdims=True) - 2 * x @ book.T + jnp.sum(book * book, -1)
        at = jnp.argmin(d, -1); q = book[at]
        q = x + lax.stop_gradient(q - x)
        n = jax.nn.one_hot(at, K).sum((0, 1)); s = jnp.einsum("bsk,bsm->km", jax.nn.one_hot(at, K), x)
        return q, .9 * book + .1 * s / (n[:, None] + 1e-5)
    return f, (on.arg((B, S, M), b), on.arg((K, M), c))
program("vq", "codes-2x4", lambda: vq(On(x=2, y=4), "x", "y"))
program("vq", "data-8", lambda: vq(On(x=8), "x", None))

def ppo(on, b, tp, T=16, B=16, M=16, A=8):
    def f(w1, wp, wv, obs, act, rew, done, oldlp):
        h = jnp.tanh(obs @ w1); lp = jax.nn.log_softmax(h @ wp, -1); v = (h @ wv)[..., 0]
        def back(g, t): r, d, v, vn = t; g = r + .99 * vn * (1 - d) - v + .95 * .99 * (1 - d) * g; return g, g
        vn = jnp.concatenate([v[1:], jnp.zeros((1, B))]); _, adv = lax.scan(back, jnp.zeros(B), (rew, done, v, vn), reverse=True)
        adv = lax.stop_gradient((adv - adv.mean()) / (adv.std() + 1e-6)); ratio = jnp.exp(jnp.take_along_axis(lp, act[..., None], -1)[..., 0] - oldlp)
        return -jnp.mean(jnp.minimum(ratio * adv, jnp.clip(ratio, .8, 1.2) * adv)) + jnp.mean((v - rew) ** 2) + .01 * jnp.mean(jnp.sum(jnp.exp(lp) * lp, -1))
    s = lambda *k, dtype=F: on.arg(k, None, b, dtype=dtype)
    return f, (on.arg((M, 32), None, tp), on.arg((32, A), tp), on.arg((32, 1), tp), s(T, B, M), s(T, B, dtype=I), s(T, B), s(T, B), s(T, B))
program("ppo", "data-8", lambda: ppo(On(x=8), "x", None))
program("ppo", "both-2x4", lambda: ppo(On(x=2, y=4), "x", "y"))

def train(on, w, o, B=16, M=32, Fd=64):
    """Adam with clipping by global norm and weight decay; states laid out as asked."""
    def f(ps, ms, vs, x, y):
        def loss(ps): h = x
        def loss(ps): return jnp.mean((ln(jax.nn.gelu(x @ ps[0]) @ ps[1] + x) - y) ** 2)
        l, g = jax.value_and_grad(loss)(ps)
        n = jnp.sqrt(sum(jnp.sum(t * t) for t in g)); g = [t * jnp.minimum(1., 1. / (n + 1e-6)) for t in g]
        ms = [.9 * m + .1 * t for m, t in zip(ms, g)]; vs = [.99 * v + .01 * t * t for v, t in zip(vs, g)]
        return [p - .01 * (m / (jnp.sqrt(v) + 1e-8) + .1 * p) for p, m, v in zip(ps, ms, vs)], ms, vs, l
    p = [on.arg((M, Fd), *w[0]), on.arg((Fd, M), *w[1])]; s = [on.arg((M, Fd), *o[0]), on.arg((Fd, M), *o[1])]
    return f, (p, s, s, on.arg((B, M), "x"), on.arg((B, M), "x"))
program("train", "zero1-8", lambda: train(On(x=8), ((), ()), (("x",), ("x",))), ("fwd",))
program("train", "fsdp-tp-2x4", lambda: train(On(x=2, y=4), (("x", "y"), ("y", "x")), (("x", "y"), ("y", "x"))), ("fwd",))
program("train", "zero-tp-2x4", lambda: train(On(x=2, y=4), ((None, "y"), ("y",)), (("x", "y"), ("y", "x"))), ("fwd",))

def multilora(on, b, tp, B=8, S=8, M=32, R=4, Ad=6):
    def f(w, a, bb, x, which): return x @ w + jnp.einsum("bsr,brn->bsn", jnp.einsum("bsm,bmr->bsr", x, a[which]), bb[which])
    return f, (on.arg((M, M), None, tp), on.arg((Ad, M, R)), on.arg((Ad, R, M), None, None, tp), on.arg((B, S, M), b), on.arg((B,), b, dtype=I))
program("multilora", "tp-2x4", lambda: multilora(On(x=2, y=4), "x", "y"))
program("multilora", "data-8", lambda: multilora(On(x=8), "x", None))

def fno(on, sh, B=4, N=16, C=8, K=4):
    def f(wr, wi, w, x):
        z = jnp.fft.rfft2(x, axes=(1, 2))[:, :K, :K]
        z = jnp.einsum("bxyc,xycd->bxyd", z, wr + 1j * wi)
        y = jnp.fft.irfft2(jnp.pad(z, ((0, 0), (0, N - K), (0, N // 2 + 1 - K), (0, 0))), s=(N, N), axes=(1, 2))
        return jax.nn.gelu(y + x @ w)
    return f, (on.arg((K, K, C, C)), on.arg((K, K, C, C)), on.arg((C, C)), on.arg((B, N, N, C), *sh))
program("fno", "batch-2x4", lambda: fno(On(x=2, y=4), ("x", None, None, "y")))
program("fno", "space-2x4", lambda: fno(On(x=2, y=4), ("x", "y")), ("fwd",))

def blockquant(on, x, w, B=16, M=64, N=32, Q=16):
    """Weights in int8 with a scale per block of rows."""
    def f(x, w, s):
        wf = (w.astype(F).reshape(M // Q, Q, N) * s[:, None]).reshape(M, N)
        return x @ wf
    return f, (on.arg((B, M), *x), on.arg((M, N), *w, dtype=I8), on.arg((M // Q, N), *w))
program("blockquant", "rows-2x4", lambda: blockquant(On(x=2, y=4), ("x", "y"), ("y",)), ("fwd",))
program("blockquant", "columns-2x4", lambda: blockquant(On(x=2, y=4), ("x",), (None, "y")), ("fwd",))

def swin(on, b, h, B=4, N=16, W=4, M=16, H=2):
    def f(wqkv, wo, x):
        x0 = x; x = jnp.roll(ln(x), (-2, -2), (1, 2))
        t = x.reshape(B, N // W, W, N // W, W, M).transpose(0, 1, 3, 2, 4, 5).reshape(B, -1, W * W, M)
        qkv = (t @ wqkv).reshape(*t.shape[:3], 3, H, M // H); q, k, v = (qkv[:, :, :, i] for i in range(3))
        o = jnp.einsum("bnhst,bnthd->bnshd", softmax(jnp.einsum("bnshd,bnthd->bnhst", q, k)), v).reshape(t.shape) @ wo
        o = o.reshape(B, N // W, N // W, W, W, M).transpose(0, 1, 3, 2, 4, 5).reshape(B, N, N, M)
        return x0 + jnp.roll(o, (2, 2), (1, 2))
    return f, (on.arg((M, 3 * M)), on.arg((M, M)), on.arg((B, N, N, M), b, h))
program("swin", "space-2x4", lambda: swin(On(x=2, y=4), "x", "y"))
program("swin", "batch-4x2", lambda: swin(On(x=4, y=2), "x", "y"))

def conformer(on, b, s, c, B=4, S=32, M=16, W=5):
    def f(w1, dw, w2, g, x):
        a, gate = jnp.split(ln(x) @ w1, 2, -1); u = a * jax.nn.sigmoid(gate)
        u = lax.conv_general_dilated(u, dw, (1,), "SAME", dimension_numbers=("NHC", "HIO", "NHC"), feature_group_count=M)
        m = jnp.mean(u, (0, 1)); u = (u - m) * lax.rsqrt(jnp.var(u, (0, 1)) + 1e-5) * g
        return x + jax.nn.silu(u) @ w2
    return f, (on.arg((M, 2 * M), None, c), on.arg((W, 1, M), None, None, c), on.arg((M, M), c), on.arg((M,), c), on.arg((B, S, M), b, s))
program("conformer", "features-2x4", lambda: conformer(On(x=2, y=4), "x", None, "y"))
program("conformer", "sequence-2x4", lambda: conformer(On(x=2, y=4), "x", "y", None))

def word2vec(on, t, V=64, M=16, B=32, K=4):
    def f(inn, out, c, pos, neg):
        e = inn[c]; return jnp.mean(-jax.nn.log_sigmoid(jnp.sum(e * out[pos], -1)) - jnp.sum(jax.nn.log_sigmoid(-jnp.einsum("bm,bkm->bk", e, out[neg])), -1))
    return f, (on.arg((V, M), *t), on.arg((V, M), *t), on.arg((B,), "x", dtype=I), on.arg((B,), "x", dtype=I), on.arg((B, K), "x", dtype=I))
program("word2vec", "rows-2x4", lambda: word2vec(On(x=2, y=4), ("y",)))
program("word2vec", "columns-2x4", lambda: word2vec(On(x=2, y=4), (None, "y")))
