// Pipelining as sharding (GSPMD, section 3.3): all stages run each tick as one vmapped function, its batch dim on the
// stage axis; what they hand on is a shift of a buffer, one collective_permute. SCHEDULE=circular: each stage has several
// layers, and microbatches go around.
import {
  add,
  concatenate,
  dynamicIndexInDim,
  expandDims,
  f32,
  mean,
  mesh,
  multiply,
  scan,
  select,
  shard,
  sliceInDim,
  square,
  subtract,
  tanh,
  matmul,
  type Tensor,
  trace,
  valueAndGrad,
  vmap,
  zeros,
  divideIntegers,
  arange,
  less,
  clamp,
} from 'shardc';

const [stages, microbatches, rows, width, rounds] = [4, 4, 4, 8, 2];
const onStage = (x: Tensor): Tensor => shard(x, 'stage', ...Array<null>(x.rank - 1).fill(null));
const layer = (w: Tensor, x: Tensor): Tensor => add(x, tanh(matmul(x, w)));

/** The first stage gets `input`, every other what the one before it made. */
const shift = (state: Tensor, input: Tensor): Tensor => concatenate([expandDims(input, 0), sliceInDim(state, 0, -1)]);

/** Weights [stages, width, width], inputs [microbatches, rows, width]. */
export function gpipe(weights: Tensor, inputs: Tensor): Tensor {
  const ticks = microbatches + stages - 1;
  const fed = concatenate([inputs, zeros([stages - 1, rows, width]) as Tensor]);
  const tick = (state: Tensor, input: Tensor): readonly [Tensor, Tensor] => {
    const next = onStage(vmap(layer, { axis: 'stage' })(weights, onStage(shift(state, input))));
    return [next, sliceInDim(next, stages - 1, stages)];
  };
  const [, out] = scan(tick, onStage(zeros([stages, rows, width]) as Tensor), fed);
  return sliceInDim(out as Tensor, stages - 1, ticks);
}

/** Weights [stages, rounds, width, width]: stage s has the layers s, s + stages, … */
export function circular(weights: Tensor, inputs: Tensor): Tensor {
  const ticks = rounds * stages + microbatches - 1;
  const fed = concatenate([inputs, zeros([ticks - microbatches, rows, width]) as Tensor]);
  const tick = (state: Tensor, input: Tensor, t: Tensor): readonly [Tensor, Tensor] => {
    const around = sliceInDim(state, stages - 1, stages);
    const first = select(less(t, microbatches), expandDims(input, 0), around);
    const given = onStage(concatenate([first, sliceInDim(state, 0, -1)]));
    const round = clamp(0, divideIntegers(subtract(t, arange(stages)), stages) as Tensor, rounds - 1);
    const stage = (w: Tensor, x: Tensor, r: Tensor): Tensor => layer(dynamicIndexInDim(w, r), x);
    const next = onStage(vmap(stage, { axis: 'stage' })(weights, given, round));
    return [next, sliceInDim(next, stages - 1, stages)];
  };
  const [, out] = scan(tick, onStage(zeros([stages, rows, width]) as Tensor), fed);
  return sliceInDim(out as Tensor, ticks - microbatches, ticks);
}

export const pipeline = (schedule: 'gpipe' | 'circular') => {
  const run = schedule === 'gpipe' ? gpipe : circular;
  function step(weights: Tensor, inputs: Tensor, target: Tensor) {
    const loss = (w: Tensor): Tensor => mean(square(subtract(run(w, inputs), expandDims(target, 1))));
    const [value, grad] = valueAndGrad(loss)(weights);
    return { loss: value, params: subtract(weights, multiply(grad, 0.5)) };
  }
  const each = schedule === 'gpipe' ? [stages, width, width] : [stages, rounds, width, width];
  const data = f32([microbatches, rows, width]);
  return trace(step, {
    mesh: mesh({ stage: stages }),
    args: [f32(each, 'stage', ...Array<null>(each.length - 1).fill(null)), data, data],
  });
};

export default pipeline(process.env.SCHEDULE === 'circular' ? 'circular' : 'gpipe');
