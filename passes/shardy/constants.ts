/**
 * One copy of a constant sub-computation per use, so that a constant never couples the layouts of two users; likewise of
 * a scalar's broadcast, whose operand is shared. Merged again afterwards (Shardy: constant_or_scalar_splitter.cc and
 * constant_or_scalar_merger.cc). What a function computes from its arguments is no constant, but a call of a function that
 * computes with constants only, on constants, is one.
 *
 *   %c = constant; %a = add %x, %c; %b = add %y, %c   →   %c, %c' = constant twice
 */
import { cloneOp } from '../../ir/edit-convert.ts';
import { type EditBlock, type EditFunc, type EditModule, type EditOp, type EditValue, opsOf } from '../../ir/edit.ts';
import type { Registry } from '../../ir/op.ts';
import { RuleTable } from '../propagate/rules.ts';
import { calleesFirst, cloneFunction, Names } from './calls.ts';

export function splitConstants(module: EditModule, registry: Registry): void {
  const splitter = new Splitter(module, registry);
  for (const func of calleesFirst(module)) splitter.func(func);
}

/** Shardy's own constant, which MLIR does not fold. */
export function unfoldableConstants(module: EditModule): void {
  for (const op of module.ops()) if (op.kind === 'constant') op.origin = { ...op.origin, spelled: 'sdy.constant' };
}

/** Rearranging ops that keep a constant one. */
const KEEPING: ReadonlySet<string> = new Set(['broadcast_in_dim', 'reshape', 'slice']);

class Splitter {
  private readonly module: EditModule;
  private readonly rules: RuleTable;
  private readonly names: Names;
  /** Original names of functions, and names of computations, that do more than keep constants. */
  private readonly impureFunctions = new Set<string>();
  private readonly impureComputations = new Set<string>();
  /** The sharding groups of a value that was copied: looked up once, for it may have as many uses as there are ops. */
  private readonly groups = new Map<EditValue, readonly EditOp[]>();

  constructor(module: EditModule, registry: Registry) {
    this.module = module;
    this.rules = new RuleTable(registry, { chlo: true });
    this.names = new Names(module);
  }

  func(func: EditFunc): void {
    for (const op of opsOf(func.body, 'post'))
      if (op.kind === 'named_computation') this.region(op.regions[0] as EditBlock, func);
    this.region(func.body, func);
  }

  private region(block: EditBlock, func: EditFunc): void {
    const constants = new Set<EditOp>();
    const broadcasts = new Set<EditOp>();
    this.visit(block, func, constants, broadcasts);
    for (const op of [...broadcasts, ...[...constants].reverse()]) eraseUnused(op);
  }

  /** An op before its regions; what stands in a named computation is its own. */
  private visit(block: EditBlock, func: EditFunc, constants: Set<EditOp>, broadcasts: Set<EditOp>): void {
    for (const op of [...block.ops()]) {
      this.op(op, func, constants, broadcasts);
      if (op.kind !== 'named_computation') for (const r of op.regions) this.visit(r, func, constants, broadcasts);
    }
  }

  private op(op: EditOp, func: EditFunc, constants: Set<EditOp>, broadcasts: Set<EditOp>): void {
    if (op.kind === 'sharding_group') return;
    if (op.kind === 'constant' || op.kind === 'iota' || this.isConstant(op, constants)) {
      constants.add(op);
      return;
    }
    if (op.kind !== 'return' && !this.keeps(op)) {
      const inside = enclosingComputation(op);
      if (inside !== undefined) this.impureComputations.add(inside.attrs.name as string);
      this.impureFunctions.add(func.originalName);
    }
    if (isScalarBroadcast(op)) broadcasts.add(op);
    else
      op.operands.forEach((v, i) => {
        if (v.maker !== undefined && (constants.has(v.maker) || broadcasts.has(v.maker)))
          op.setOperand(i, this.copy(v));
      });
  }

  private isConstant(op: EditOp, constants: ReadonlySet<EditOp>): boolean {
    return this.keeps(op) && op.operands.every((v) => v.maker !== undefined && constants.has(v.maker));
  }

  /** Does the op give constants when it is given constants? */
  private keeps(op: EditOp): boolean {
    if (op.kind === 'call') return !this.impureFunctions.has(this.module.func(op.attrs.callee as string).originalName);
    if (op.kind === 'named_computation') return !this.impureComputations.has(op.attrs.name as string);
    if (KEEPING.has(op.kind) || op.kind === 'sharding_constraint' || op.kind === 'propagation_barrier') return true;
    if (op.regions.length > 0 || op.results.length !== 1 || op.operands.length === 0) return false;
    return this.rules.of(op)?.elementwise === true;
  }

  private copy(value: EditValue): EditValue {
    if (value.type.shape.length === 0) return value;
    const map = new Map<EditValue, EditValue>();
    this.copyInto(value, map);
    return map.get(value) as EditValue;
  }

  /** What the value is computed from first; scalars are shared. */
  private copyInto(value: EditValue, map: Map<EditValue, EditValue>): void {
    const { maker } = value;
    if (maker === undefined || value.type.shape.length === 0 || map.has(value)) return;
    for (const v of maker.operands) this.copyInto(v, map);
    const twin = cloneOp(maker, map);
    twin.insertBefore(maker);
    if (twin.kind === 'call') {
      const target = this.module.func(twin.attrs.callee as string);
      twin.attrs = { ...twin.attrs, callee: cloneFunction(this.module, target, this.names).name };
    }
    for (const op of this.groupsOf(value)) cloneOp(op, map).insertBefore(maker);
  }

  private groupsOf(value: EditValue): readonly EditOp[] {
    const known = this.groups.get(value);
    if (known !== undefined) return known;
    const found = value.uses().flatMap(({ op }) => (op.kind === 'sharding_group' ? [op] : []));
    this.groups.set(value, found);
    return found;
  }
}

function enclosingComputation(op: EditOp): EditOp | undefined {
  for (let up = op.parent; up !== undefined; up = up.parent) if (up.kind === 'named_computation') return up;
  return undefined;
}

const isScalarBroadcast = (op: EditOp): boolean =>
  op.kind === 'broadcast_in_dim' && op.operands[0]?.type.shape.length === 0;

/** With the sharding groups that are its only users. */
function eraseUnused(op: EditOp): void {
  const users = op.results.flatMap((r) => r.uses()).map((u) => u.op);
  if (!users.every((u) => u.kind === 'sharding_group')) return;
  for (const u of users) u.erase();
  op.erase();
}

/** Constants of one region that are alike, layouts included, become one; so do broadcasts of one scalar. */
export function mergeConstants(module: EditModule): void {
  const numbers = new Map<EditValue, number>();
  const numberOf = (v: EditValue): number => {
    const number = numbers.get(v) ?? numbers.size;
    numbers.set(v, number);
    return number;
  };
  for (const func of module.functions) {
    const seen = new Map<EditBlock, Map<string, EditOp[]>>();
    for (const op of opsOf(func.body, 'post')) {
      if (op.kind !== 'constant' && op.kind !== 'iota' && !isScalarBroadcast(op)) continue;
      if (op.kind === 'iota') continue;
      const block = op.block as EditBlock;
      const here = seen.get(block) ?? new Map<string, EditOp[]>();
      seen.set(block, here);
      const key = JSON.stringify([
        op.kind,
        op.result.type,
        op.result.layout ?? null,
        op.operands.map(numberOf),
        contentKey(op),
      ]);
      const alike = here.get(key) ?? [];
      here.set(key, alike);
      const known = alike.find((other) => sameConstant(other, op));
      if (known === undefined) alike.push(op);
      else {
        op.result.replaceBy(known.result);
        op.erase();
      }
    }
  }
}

function sameConstant(a: EditOp, b: EditOp): boolean {
  if (a.operands[0] !== b.operands[0] || a.attrs.extra !== b.attrs.extra) return false;
  const [x, y] = [bytesOf(a), bytesOf(b)];
  if (x === undefined || y === undefined) return JSON.stringify(a.attrs) === JSON.stringify(b.attrs);
  return x.equals(y);
}

function bytesOf(op: EditOp): Buffer | undefined {
  const data = (op.attrs.value as { data: ArrayBufferView } | undefined)?.data;
  return data === undefined ? undefined : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** Equal for equal content, and seldom else: a program may have as many constants as ops. FNV-1a over a sample of the bytes. */
function contentKey(op: EditOp): string {
  const bytes = bytesOf(op);
  if (bytes === undefined) return JSON.stringify(op.attrs);
  const step = Math.max(1, Math.floor(bytes.length / SAMPLES));
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return `${bytes.length}:${hash}`;
}

const SAMPLES = 4096;
