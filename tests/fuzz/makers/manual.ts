/** Manual computations: bodies on per-device shapes, with collectives over the axes that are manual. */
import { collectives } from '../../../ir/ops/collectives.ts';
import { type DimSharding, type Layout, openDim } from '../../../ir/layout.ts';
import { axesSize, type AxisRef, fullAxis } from '../../../ir/mesh.ts';
import type { Attrs, ValueId } from '../../../ir/program.ts';
import { type TensorType, withShape } from '../../../ir/types.ts';
import type { ProgramMaker } from '../program.ts';
import { LIBRARY_OPS } from './library-ops.ts';
import { dimsOf, type OpMaker, sizeOf } from './maker.ts';
import { TENSOR_OPS } from './tensor-ops.ts';

export const MANUAL: Readonly<Record<string, OpMaker>> = {
  manual(p) {
    const x = p.float(1);
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const free = p.mesh.axes.map((a) => a.name).filter((a) => !p.manual.includes(a));
    const names = free.filter((_, i) => i === 0 || p.choices.chance(50));
    if (names.length === 0) return undefined;
    const axes = names.map((name) => fullAxis(p.mesh, name));
    const placed = placedOn(p, type.shape, axes);
    const inside = withShape(
      type,
      type.shape.map((n, d) => n / axesSize(placed[d] as AxisRef[])),
    );
    let out: Layout | undefined;
    const body = p.b.region(() => {
      const param = p.b.param(inside);
      const end = p.inManual(names, [param], () => bodyFrom(p, param, axes));
      out = outLayout(p, p.b.typeOf(end), axes);
      p.b.op('return', [end], [], {});
    });
    const end = p.b.typeOf(body.ops.at(-1)?.operands[0] as ValueId);
    const result = withShape(
      end,
      end.shape.map((n, d) => n * axesSize(out?.dims[d]?.axes ?? [])),
    );
    const attrs = { in_layouts: [layoutOn(p, placed)], out_layouts: [out as Layout], manual_axes: names };
    return p.b.op('manual_computation', [x], [result], {}, attrs, [body])[0];
  },
};

/** Whole axes on dims that they divide, or on none. */
function placedOn(p: ProgramMaker, shape: readonly number[], axes: readonly AxisRef[]): AxisRef[][] {
  const placed: AxisRef[][] = shape.map(() => []);
  for (const axis of p.choices.shuffled(axes)) {
    const fitting = dimsOf({ shape } as TensorType).filter(
      (d) => (shape[d] as number) % (axis.size * axesSize(placed[d] as AxisRef[])) === 0,
    );
    if (fitting.length > 0 && !p.choices.chance(15)) placed[p.choices.of(fitting)]?.push(axis);
  }
  return placed;
}

function layoutOn(
  p: ProgramMaker,
  placed: readonly (readonly AxisRef[])[],
  unreduced: readonly AxisRef[] = [],
): Layout {
  const dims = placed.map((axes): DimSharding => openDim(axes));
  return { mesh: p.mesh.name, dims, replicated: [], unreduced };
}

/** What devices hold differs along every axis: each is on a dim of the result, or a sum over it is owed. */
function outLayout(p: ProgramMaker, type: TensorType, axes: readonly AxisRef[]): Layout {
  const placed: AxisRef[][] = type.shape.map(() => []);
  const owed = axes.filter((axis) => {
    const grown = type.shape.map((n, d) => n * axesSize(placed[d] as AxisRef[]));
    const d = p.choices.below(type.shape.length + 1);
    if (d === 0 || !p.fits([...grown, axis.size])) return true;
    placed[d - 1]?.push(axis);
    return false;
  });
  return layoutOn(p, placed, owed);
}

const STEPS = ['unary', 'reverse', 'roll', 'softmax', 'cumulative', 'sort', 'dot_general', 'reduce', 'transpose'];

function bodyFrom(p: ProgramMaker, from: ValueId, axes: readonly AxisRef[]): ValueId {
  let value = from;
  for (let left = 1 + p.choices.below(3); left > 0; left--) {
    const makers = { ...TENSOR_OPS, ...LIBRARY_OPS };
    const made = p.choices.chance(50) ? collective(p, value, axes) : makers[p.choices.of(STEPS)]?.(p);
    if (made === undefined || p.b.typeOf(made).shape.length === 0) continue;
    value = p.choices.chance(15) ? p.constrained(made) : made;
    p.bind(value);
  }
  return value;
}

/** One of the collectives that a user writes, where it fits. */
function collective(p: ProgramMaker, x: ValueId, all: readonly AxisRef[]): ValueId | undefined {
  const type = p.b.typeOf(x);
  const axes = [p.choices.of(all)];
  const size = axesSize(axes);
  const at = p.choices.below(type.shape.length);
  const lists = type.shape.map((_, d) => (d === at ? axes : []));
  const mesh = p.mesh.name;
  const make = (kind: string, attrs: Attrs): ValueId => {
    const types = collectives[kind as keyof typeof collectives]?.infer({ kind, attrs, operands: [type], regions: [] });
    return p.b.op(kind, [x], types ?? [], {}, attrs)[0] as ValueId;
  };
  const divides = sizeOf(type, at) % size === 0;
  const other = p.choices.below(type.shape.length);
  switch (p.choices.of(['reduce', 'shift', 'permute', 'gather', 'scatter', 'exchange', 'broadcast'])) {
    case 'reduce':
      return make('all_reduce', { mesh, axes, monoid: p.choices.of(['sum', 'max', 'min']) });
    case 'shift':
      return make('collective_shift', {
        mesh,
        axes,
        by: 1 + p.choices.below(size),
        flip: false,
        wrap: p.choices.chance(60),
      });
    case 'permute': {
      const sources = Array.from({ length: size }, (_, i) => (p.choices.chance(25) ? -1 : (i + 1) % size));
      return make('device_permute', { mesh, axes, sources });
    }
    case 'gather':
      return p.fits([...type.shape, size]) ? make('all_gather', { mesh, axes: lists }) : undefined;
    case 'scatter':
      return divides ? make('reduce_scatter', { mesh, axes: lists, monoid: 'sum' }) : undefined;
    case 'exchange':
      return divides ? make('all_to_all', { mesh, moves: [{ axes, source: other, target: at }] }) : undefined;
    case 'broadcast':
      return make('collective_broadcast', { mesh, axes });
  }
}
