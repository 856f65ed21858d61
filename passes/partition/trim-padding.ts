/**
 * Takes back padding that the decided layouts do not need: a dim is cut to its true size where it lies whole, and to what
 * its own shards ask for where others of its class asked for more. Values become the first elements of what they were;
 * what a contraction or reduction no longer sees added nothing. Where two extents meet, at a change of layout, the dim
 * lies whole on one side, so that the slice or pad is free of wire.
 *
 *   %a = reshard %x, @{_, _} : f32[8 of 6, 16]         // %x : f32[8 of 6, 16] @{x, _}, x=4
 *   %r = dot_general %a, %w : f32[8 of 6, 32]
 *   →  %g = reshard %x, @{_, _};  %a = slice %g [0:6]
 *      %r = dot_general %a, %w : f32[6, 32]
 */
import type { OpAttrs } from '../../ir/attrs.ts';
import { type Layout, layoutOf } from '../../ir/layout.ts';
import { attrsAt, type Registry } from '../../ir/op.ts';
import { collectives } from '../../ir/ops/collectives.ts';
import { paddingOf } from '../../ir/padding.ts';
import {
  type Attrs,
  type Func,
  isStructural,
  mainFunction,
  type Module,
  type Op,
  type Origin,
  type ValueId,
  type ValueInfo,
  valueInfo,
} from '../../ir/program.ts';
import { tensor, withShape } from '../../ir/types.ts';
import { viewOf } from './pad-dims/classes.ts';
import { type LaidOutBuilder, rebuild, type Rewrite } from './rebuild.ts';
import { Lengths } from './trim-padding/lengths.ts';

export function trimPadding(module: Module, registry: Registry): Module {
  const func = mainFunction(module);
  if (!func.values.some((v) => v.padding !== undefined)) return module;
  const lengths = new Lengths(func, registry);
  return lengths.none ? module : { ...module, functions: [new Trimming(func, registry, lengths).run()] };
}

class Trimming {
  /** As it was, and with its new types. */
  private readonly old: Func;
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly lengths: Lengths;
  private readonly renamed = new Map<ValueId, ValueId>();

  constructor(old: Func, registry: Registry, lengths: Lengths) {
    this.old = old;
    this.registry = registry;
    this.lengths = lengths;
    this.func = { ...old, values: old.values.map((v, id) => trimmed(v, lengths.shape(id as ValueId))) };
  }

  run(): Func {
    const rewrite: Rewrite = (op, emit) => {
      if (!this.changes(op)) return false;
      if (op.kind === 'reshard') this.reshard(op, emit);
      else if (isStructural(op)) return false;
      else if (this.doesNothing(op)) this.renamed.set(op.results[0] as ValueId, this.read(op.operands[0] as ValueId));
      else emit.push({ ...op, operands: op.operands.map((v) => this.read(v)), attrs: this.attrs(op) });
      return true;
    };
    return rebuild(this.func, rewrite, this.renamed);
  }

  private read(id: ValueId): ValueId {
    return this.renamed.get(id) ?? id;
  }

  /** A pad or slice between extents that have become the same. */
  private doesNothing(op: Op): boolean {
    if (op.kind !== 'slice' && op.kind !== 'pad') return false;
    const { low, interior, start } = this.attrs(op) as Partial<OpAttrs['pad'] & OpAttrs['slice']>;
    const same = this.func.values[op.operands[0] as ValueId]?.type === this.func.values[op.results[0] as ValueId]?.type;
    return same && [...(low ?? []), ...(interior ?? []), ...(start ?? [])].every((n) => n === 0);
  }

  private changes(op: Op): boolean {
    return [...op.operands, ...op.results].some((v) => this.func.values[v]?.type !== this.old.values[v]?.type);
  }

  private attrs(op: Op): Attrs {
    const { operands, results } = viewOf(this.func, op);
    const [from, to] = [operands[0]?.shape ?? [], results[0]?.shape ?? []];
    if (op.kind === 'slice') {
      const attrs = op.attrs as OpAttrs['slice'];
      const last = (d: number): number =>
        (attrs.start[d] as number) + ((to[d] as number) - 1) * (attrs.strides[d] as number);
      return { ...attrs, limit: attrs.limit.map((l, d) => (to[d] === this.was(op.results[0], d) ? l : last(d) + 1)) };
    }
    if (op.kind === 'pad') {
      const { low, interior } = op.attrs as OpAttrs['pad'];
      const spread = (d: number): number => Math.max(0, (from[d] as number) - 1) * (interior[d] as number);
      return { ...op.attrs, high: to.map((n, d) => n - (from[d] as number) - (low[d] as number) - spread(d)) };
    }
    const def = this.registry[op.kind] ?? collectives[op.kind];
    const view = viewOf(this.old, op);
    return def?.padAttrs?.(view, { operands, results }) ?? attrsAt(def, view, { operands, results });
  }

  private was(id: ValueId | undefined, d: number): number | undefined {
    return id === undefined ? undefined : valueInfo(this.old, id).type.shape[d];
  }

  /** Where its two sides differ in extent, the dim is cut or padded on a side where it lies whole, else by neighbours. */
  private reshard(op: Op, emit: LaidOutBuilder): void {
    const [from, to] = [op.operands[0] as ValueId, op.results[0] as ValueId];
    const [source, target] = [valueInfo(this.func, from), valueInfo(this.func, to)];
    const between = this.lengths.between(from, to);
    const { padding } = valueInfo(this.old, from);
    const steps = [
      ...resizing(source.type.shape, between, padding, op).map((step) => ({ ...step, layout: source.layout })),
      { kind: 'reshard', shape: between, attrs: op.attrs, fill: undefined, origin: op.origin, layout: target.layout },
      ...resizing(between, target.type.shape, padding, op).map((step) => ({ ...step, layout: target.layout })),
    ];
    let value = this.read(from);
    steps.forEach(({ kind, shape, attrs, fill, origin, layout }, i) => {
      const type = withShape(source.type, shape);
      const operands = [value];
      if (fill !== undefined) {
        const scalar = tensor(type.dtype, []);
        operands.push(emit.splat(fill, scalar, layoutOf((layout as Layout).mesh, []), origin));
      }
      if (i === steps.length - 1) emit.push({ ...op, kind, operands, attrs, origin });
      else {
        value = emit.made(kind, operands, type, layout as Layout, origin, attrs);
        emit.setPadding(value, fitted(padding, shape));
      }
    });
  }
}

interface Resize {
  readonly kind: 'slice' | 'pad';
  readonly shape: readonly number[];
  readonly attrs: Attrs;
  /** What a pad adds. */
  readonly fill: number | bigint | undefined;
  readonly origin: Origin;
}

/** A slice of what becomes shorter, then a pad for each number that is added: those that something is known of last. */
function resizing(from: readonly number[], to: readonly number[], padding: ValueInfo['padding'], op: Op): Resize[] {
  const found: Resize[] = [];
  const cut = from.map((n, d) => Math.min(n, to[d] as number));
  const origin = (reason: string): Origin => ({ pass: 'trim-padding', from: [op.origin], reason });
  if (cut.some((n, d) => n !== from[d])) {
    const attrs = { start: cut.map(() => 0), limit: cut, strides: cut.map(() => 1) };
    const reason = `of ${changed(from, cut)} elements the rest is padding that no shard needs`;
    found.push({ kind: 'slice', shape: cut, attrs, fill: undefined, origin: origin(reason) });
  }
  let shape: readonly number[] = cut;
  for (const fill of fills(shape, to, padding)) {
    const low = shape.map(() => 0);
    const grown = shape.map((n, d) => (Object.is(fillOf(padding, d), fill) ? (to[d] as number) : n));
    const attrs = { low, high: grown.map((n, d) => n - (shape[d] as number)), interior: low };
    const reason = `padded from ${changed(shape, grown)} elements, which divide by the shards wanted`;
    found.push({ kind: 'pad', shape: grown, attrs, fill: fill ?? 0, origin: origin(reason) });
    shape = grown;
  }
  return found;
}

const changed = (from: readonly number[], to: readonly number[]): string =>
  from.flatMap((n, d) => (n === to[d] ? [] : [`${n} to ${to[d]} (dim ${d})`])).join(', ');

/** What the padding of dims that grow must hold, NaN and both zeros told apart; undefined first: where anything will do. */
function fills(
  from: readonly number[],
  to: readonly number[],
  padding: ValueInfo['padding'],
): (number | bigint | undefined)[] {
  const found = from.flatMap((n, d) => (n < (to[d] as number) ? [fillOf(padding, d)] : []));
  const different = found.filter((f, i) => found.findIndex((g) => Object.is(f, g)) === i);
  return different.sort((a, b) => Number(a !== undefined) - Number(b !== undefined));
}

function fillOf(padding: ValueInfo['padding'], d: number): number | bigint | undefined {
  const holds = padding?.[d]?.holds;
  return typeof holds === 'object' ? holds.value : undefined;
}

/** The same value at another extent. */
function trimmed(info: ValueInfo, shape: readonly number[]): ValueInfo {
  const { padding: was, ...rest } = info;
  const padding = fitted(was, shape);
  return { ...rest, type: withShape(info.type, shape), ...(padding === undefined ? {} : { padding }) };
}

const fitted = (padding: ValueInfo['padding'], shape: readonly number[]): ValueInfo['padding'] =>
  padding &&
  paddingOf(
    shape.map((n, d) => padding[d]?.size ?? n),
    shape,
    (d) => padding[d]?.holds ?? 'unknown',
  );
