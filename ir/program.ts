/**
 * What a program is: plain readonly data. Ops stand in program order; regions (loop bodies, branches, reducers) may
 * use values of the ops around them. Value ids are unique within a function, regions included.
 */
import type { Layout } from './layout.ts';
import type { Mesh } from './mesh.ts';
import type { DimPadding } from './padding.ts';
import type { TensorType } from './types.ts';

declare const valueBrand: unique symbol;
export type ValueId = number & { readonly [valueBrand]: true };

/**
 * The levels, in order. See docs/design.md §2 for the invariants of each.
 * `parsed` = as written (calls, sugar gone); later levels hold one function, @main, without calls.
 */
export const LEVELS = ['parsed', 'propagated', 'resharded', 'collective', 'local', 'scheduled'] as const;
export type Level = (typeof LEVELS)[number];

export interface Module {
  readonly name: string;
  readonly level: Level;
  readonly meshes: readonly Mesh[];
  readonly functions: readonly Func[];
  /** Other attributes, kept as StableHLO text: `mhlo.num_partitions = 8 : i32`. */
  readonly attrs?: string;
  /** Text the program was parsed from, for code frames and `explain`. */
  readonly source?: SourceText;
}

export interface SourceText {
  readonly file: string;
  readonly text: string;
}

export interface Func {
  readonly name: string;
  readonly isPublic: boolean;
  /** The program says `public`, rather than nothing. */
  readonly saysPublic?: boolean;
  readonly body: Block;
  /** Indexed by ValueId. */
  readonly values: readonly ValueInfo[];
  readonly resultTypes: readonly TensorType[];
  /** Layouts asked of (or, after propagation, given to) the results. */
  readonly resultLayouts: readonly (Layout | undefined)[];
  /** Other argument and result attributes, kept verbatim for export (`jax.result_info = "…"`). */
  readonly paramAttrs: readonly (string | undefined)[];
  readonly resultAttrs: readonly (string | undefined)[];
  /** The name of the function that this one was copied from (`sdy.original_func_name`). */
  readonly original?: string | undefined;
  /** The function's own attributes, kept likewise. */
  readonly attrs?: string | undefined;
}

export interface ValueInfo {
  readonly type: TensorType;
  /** The name in the source, without %. */
  readonly name?: string;
  /** Annotation (parsed), propagated layout, or chosen layout, by level. */
  readonly layout?: Layout;
  readonly origin?: Origin;
  /** By dim, what of it is padding; absent for dims at their true size. */
  readonly padding?: readonly (DimPadding | undefined)[];
}

export interface Block {
  readonly params: readonly ValueId[];
  /** The last op is the terminator, `return`. */
  readonly ops: readonly Op[];
}

export interface Op {
  /** StableHLO's name without the dialect (`dot_general`), or one of STRUCTURAL, or a collective. */
  readonly kind: string;
  readonly operands: readonly ValueId[];
  readonly results: readonly ValueId[];
  readonly attrs: Attrs;
  readonly regions: readonly Block[];
  readonly origin: Origin;
}

export type Attr =
  | number
  | string
  | boolean
  | undefined
  | Elements
  | Layout
  | readonly Attr[]
  | { readonly [key: string]: Attr }
  | object;
/** Each op states its own attribute type beside its definition in ir/ops/; this is the common bound. */
export type Attrs = Readonly<Record<string, Attr>>;

/** Dense elements of a constant, row-major; length 1 = splat. Floats as f64; i64/u64 as BigInt arrays; pred as u8. */
export interface Elements {
  readonly data: ElementArray;
}
export type ElementArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** Where an op came from. The final program's every op reaches a source line through `from`. */
export interface Origin {
  readonly span?: Span;
  /** The user's own place, from `loc(...)`: Python file and line. */
  readonly user?: UserLoc;
  /** What the user calls an argument, from `loc("params['w']")`. */
  readonly label?: string;
  /** The op's name as written, where the IR has another: `sdy.constant`, `stablehlo.dot`. */
  readonly spelled?: string;
  /** Pass that made it; absent = the program as written. */
  readonly pass?: string;
  readonly from?: readonly Origin[];
  /** Why, in words a user understands. */
  readonly reason?: string;
}

/** Offsets into the source text, [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface UserLoc {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  readonly scope?: string;
}

/** Ops that the compiler knows by name; every other op is a tensor op, seen by passes through its facets only. */
export const STRUCTURAL = [
  'return',
  'call',
  'while',
  'case',
  'optimization_barrier',
  'sharding_constraint',
  'reshard',
  'manual_computation',
  'sharding_group',
  'propagation_barrier',
  'named_computation',
  'data_flow_edge',
  'func_data_flow_edge',
  'collective_done',
] as const;
export type StructuralKind = (typeof STRUCTURAL)[number];

/**
 * Those of a pass act on global shapes at the collective level and on per-device shapes at the local level; those of a
 * user, over manual axes, on per-device shapes always. Only users have the last two.
 */
export const COLLECTIVES = [
  'all_gather',
  'all_slice',
  'all_to_all',
  'collective_permute',
  'collective_shift',
  'reduce_scatter',
  'all_reduce',
  'device_permute',
  'collective_broadcast',
] as const;
export type CollectiveKind = (typeof COLLECTIVES)[number];

/**
 * Scheduled level: a collective that runs beside other ops begins with its start, whose result is in flight and read by
 * `collective_done` alone. all_slice sends nothing.
 */
export type StartKind = `${Exclude<CollectiveKind, 'all_slice'>}_start`;
export const STARTS = COLLECTIVES.filter((k) => k !== 'all_slice').map((k): StartKind => `${k}_start`);

const structural: ReadonlySet<string> = new Set(STRUCTURAL);
const collectives: ReadonlySet<string> = new Set(COLLECTIVES);
export const isStructural = (op: Pick<Op, 'kind'>): boolean => structural.has(op.kind);
export const isCollective = (op: Pick<Op, 'kind'>): boolean => collectives.has(op.kind);
const starts: ReadonlySet<string> = new Set(STARTS);
export const isStart = (op: Op): boolean => starts.has(op.kind);

/** A start as the collective that it begins; any other op as it is. */
export const synchronous = (op: Op): Op => (isStart(op) ? { ...op, kind: op.kind.slice(0, -'_start'.length) } : op);

/** Does a `while` give back what it carries at `i` as it came? */
export function keepsCarry({ regions: [, body] }: Op, i: number): boolean {
  return body !== undefined && body.ops.at(-1)?.operands[i] === body.params[i];
}

export function mainFunction(module: Module): Func {
  const main = module.functions.find((f) => f.name === 'main') ?? module.functions[0];
  if (main === undefined) throw new Error('the module holds no function');
  return main;
}

export const typeOf = (func: Func, id: ValueId): TensorType => valueInfo(func, id).type;

export function valueInfo(func: Func, id: ValueId): ValueInfo {
  const info = func.values[id];
  if (info === undefined) throw new Error(`value ${id} is not of function @${func.name}`);
  return info;
}

export function meshOf(module: Module, name: string): Mesh {
  const mesh = module.meshes.find((m) => m.name === name);
  if (mesh === undefined) throw new Error(`the module holds no mesh @${name}`);
  return mesh;
}

/** Every op, outer before inner, without recursion. */
export function* walkOps(block: Block): Generator<Op> {
  const stack: { ops: readonly Op[]; next: number }[] = [{ ops: block.ops, next: 0 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const op = top.ops[top.next++];
    if (op === undefined) {
      stack.pop();
      continue;
    }
    yield op;
    for (let i = op.regions.length - 1; i >= 0; i--) stack.push({ ops: (op.regions[i] as Block).ops, next: 0 });
  }
}

/** Values that the blocks read and do not make, in order of first use. */
export function readFromOutside(blocks: readonly Block[]): ValueId[] {
  if (blocks.length === 0) return [];
  const made = new Set<ValueId>();
  const read = new Set<ValueId>();
  const stack = [...blocks].reverse();
  const visited: Block[] = [];
  for (let block = stack.pop(); block !== undefined; block = stack.pop()) {
    visited.push(block);
    block.params.forEach((p) => made.add(p));
    for (const op of block.ops) {
      op.results.forEach((r) => made.add(r));
      stack.push(...op.regions);
    }
  }
  for (const block of visited)
    for (const op of block.ops) for (const id of op.operands) if (!made.has(id)) read.add(id);
  return [...read];
}

/** What an op reads: its operands, then what its regions read from outside. */
export const readsOf = (op: Op): readonly ValueId[] =>
  op.regions.length === 0 ? op.operands : [...op.operands, ...readFromOutside(op.regions)];
