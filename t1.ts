import { compile, einsum, f32, mesh, relu, shard, gelu, add, softmax, sum, argmax, cumsum } from '/work/wt/dsl/compiler/dsl/index.ts';
const m = mesh({ data: 2, model: 4 });
function mlp(x: any, { win, wout }: any) {
  const h = gelu(einsum('bm,mf->bf', x, win));
  const y = einsum('bf,fm->bm', shard(h, 'data', 'model'), wout);
  return { y, p: softmax(add(y, 1)), best: argmax(y), c: cumsum(y, 1) };
}
const p = compile(mlp, { mesh: m, args: [f32([8, 16], 'data', null), { win: f32([16, 32], null, 'model'), wout: f32([32, 16]) }] });
console.log(p.toText('parsed'));
console.log(p.check());
console.log(p.toStableHLO().slice(0, 300));
const r = p.run(Array.from({ length: 128 }, (_, i) => i / 100), { win: 0.1, wout: 0.2 });
console.log(r.y.shape, r.best);
try { compile(mlp, { mesh: m, args: [f32([8, 16], 'dat', null), { win: f32([16, 32], null, 'model'), wout: f32([32, 16]) }] }) } catch (e) { console.log(e.message) }
try { compile(mlp, { mesh: m, args: [f32([8, 17], 'data', null), { win: f32([16, 32], null, 'model'), wout: f32([32, 16]) }] }) } catch (e) { console.log(e.message) }
const t0 = performance.now();
import { trace, multiply } from '/work/wt/dsl/compiler/dsl/index.ts';
function f() { return 1}
const q = trace((x: any) => { let y = x; for (let i = 0; i < 50000; i++) y = multiply(add(y, x), x); return y; }, { args: [f32([8, 8])] });
console.log(q.module.functions[0].body.ops.length, performance.now() - t0);
