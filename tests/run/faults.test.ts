/**
 * A wrong replica group, permute or offset, on either mesh axis, planted in the per-device program of a whole training
 * step: the shrunk check names what differs, every time.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, importStablehlo, overrideMesh, registry } from '../../compiler/index.ts';
import { type Block, isCollective, mainFunction, type Module, type Op, walkOps } from '../../ir/program.ts';
import { localize } from '../../passes/partition/localize.ts';
import { type CheckResult, checkEquivalence } from '../../runtime-sim/check.ts';
import { shrinkModule } from '../../runtime-sim/shrink.ts';

const file = 'examples/decoder_step.mlir';
/** Equal axes: groups along the wrong one have the right size, so that only numbers can tell. */
const source = overrideMesh(importStablehlo({ file, text: readFileSync(file, 'utf8') }), '4x4');
const { collective } = compile(source, { stopAfter: 'lower-reshards' });
const { module: whole } = shrinkModule(collective as Module, registry);
const local = localize(whole, registry);

const check = (module: Module): CheckResult => checkEquivalence({ whole, local: module, registry, seed: 3 });

/** x for y and y for x, wherever an axis is named. */
function swapped<T>(value: T): T {
  if (Array.isArray(value)) return value.map(swapped) as T;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  const entries = Object.entries(value).map(([k, v]) => [
    k,
    k === 'name' && v === 'x' ? 'y' : k === 'name' && v === 'y' ? 'x' : swapped(v),
  ]);
  return Object.fromEntries(entries) as T;
}

/** The program with one op edited. */
function withOp(target: Op, edit: (op: Op) => Op): Module {
  const block = (b: Block): Block => ({
    ...b,
    ops: b.ops.map((op) =>
      op === target ? edit(op) : op.regions.length === 0 ? op : { ...op, regions: op.regions.map(block) },
    ),
  });
  return { ...local, functions: local.functions.map((f) => ({ ...f, body: block(f.body) })) };
}

const ops = [...walkOps(mainFunction(local).body)];
const communicating = ops.filter(
  (op) => (isCollective(op) && op.kind !== 'collective_permute') || op.kind === 'axis_index',
);
const named = (list: readonly Op[]): [string, Op][] =>
  list.map((op, i) => [`${op.kind} ${i} ${JSON.stringify(op.attrs.axes ?? op.attrs.moves ?? '')}`, op]);

describe('planted in the shrunk program of a training step on 4×4', () => {
  it('the right program passes, and holds collectives of every kind on both axes', () => {
    expect(check(local).verdict).toBe('ok');
    const kinds = new Set(communicating.map((op) => op.kind));
    expect([...kinds].sort()).toEqual(
      expect.arrayContaining(['all_gather', 'all_reduce', 'all_to_all', 'axis_index', 'reduce_scatter']),
    );
    const text = JSON.stringify(communicating.map((op) => op.attrs));
    expect(text).toContain('"name":"x"');
    expect(text).toContain('"name":"y"');
  });

  it('groups along the other axis are caught, whichever op is wrong', () => {
    const missed = named(communicating).filter(([, op]) => {
      const wrong = withOp(op, (o) => ({ ...o, attrs: swapped(o.attrs) }));
      const result = attempt(wrong);
      return result === 'ok';
    });
    // One axis_index only picks the device that starts a scatter from its operand, which is zero: any device does.
    expect(missed.map(([, op]) => op.kind)).toEqual(['axis_index']);
  });

  it('says which result or which devices differ', () => {
    const [first] = communicating.filter((op) => op.kind === 'all_reduce');
    const result = check(withOp(first as Op, (o) => ({ ...o, attrs: swapped(o.attrs) })));
    expect(result.verdict).toBe('failed');
    expect(result.reason ?? result.firstDifference).toBeDefined();
  });

  it.each(['from', 'to'])('a permute with a wrong `%s` is caught, whichever it is', (side) => {
    const permutes = ops.filter((o) => o.kind === 'collective_permute');
    expect(permutes.length).toBeGreaterThan(0);
    for (const op of permutes)
      expect(attempt(withOp(op, (o) => ({ ...o, attrs: { ...o.attrs, [side]: swapped(o.attrs[side]) } })))).toBe(
        'caught',
      );
  });
});

/** A program that the runtime refuses is caught too. */
function attempt(module: Module): 'ok' | 'caught' {
  try {
    return check(module).verdict === 'ok' ? 'ok' : 'caught';
  } catch {
    return 'caught';
  }
}
