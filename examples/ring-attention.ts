// Ring attention (arXiv:2310.01889): the sequence is split over `ring`; every device keeps its queries, and keys and
// values travel around, one neighbour per turn, while a running softmax takes them in. Nobody ever holds the whole sequence.
import {
  add,
  axisIndex,
  axisSize,
  arange,
  broadcastTo,
  divide,
  einsum,
  exp,
  expandDims,
  f32,
  greaterEqual,
  max,
  maximum,
  mesh,
  multiply,
  pshift,
  remainder,
  scan,
  select,
  shardMap,
  subtract,
  sum,
  type Tensor,
  trace,
  zeros,
  full,
} from 'shardc';

const [batch, sequence, heads, size] = [2, 16, 2, 4];

/** One device's part: q, k, v [batch, sequence / ring, heads, size]. */
function ring(q: Tensor, k: Tensor, v: Tensor): Tensor {
  const [b, s, n, d] = q.shape as readonly [number, number, number, number];
  const [mine, count] = [axisIndex('ring'), axisSize('ring')];
  const rows = add(multiply(mine, s), arange(s));
  const turn = ([keys, values, top, total, out]: readonly Tensor[], _: null, t: Tensor) => {
    const owner = remainder(add(mine, t), count);
    const columns = add(multiply(owner, s), arange(s));
    const seen = greaterEqual(expandDims(rows, 1), expandDims(columns, 0));
    const scores = divide(einsum('bqnd,bknd->bnqk', q, keys as Tensor), Math.sqrt(d));
    const masked = select(broadcastTo(seen, scores.shape), scores, -1e30);
    const best = maximum(top as Tensor, max(masked, -1));
    const weights = exp(subtract(masked, expandDims(best, -1)));
    const keep = exp(subtract(top as Tensor, best));
    const next = add(
      multiply(out as Tensor, expandDims(keep, -1)),
      einsum('bnqk,bknd->bnqd', weights, values as Tensor),
    );
    return [
      [
        pshift(keys as Tensor, 'ring'),
        pshift(values as Tensor, 'ring'),
        best,
        add(multiply(total as Tensor, keep), sum(weights, -1)),
        next,
      ],
      null,
    ] as const;
  };
  const start = [k, v, full([b, n, s], -1e30), zeros([b, n, s]), zeros([b, n, s, d])] as readonly Tensor[];
  const [[, , , total, out]] = scan(turn, start, null, { length: count });
  return einsum('bnqd->bqnd', divide(out as Tensor, expandDims(total as Tensor, -1)));
}

const split = [null, 'ring', null, null] as const;
export const ringAttention = (q: Tensor, k: Tensor, v: Tensor): Tensor =>
  shardMap(ring, { inSpecs: [split, split, split], outSpecs: [split] })(q, k, v);

const part = f32([batch, sequence, heads, size], ...split);
export default trace(ringAttention, { mesh: mesh({ ring: 4 }), args: [part, part, part] });
