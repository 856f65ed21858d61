/**
 * round-trip: the op printed as StableHLO and read back is the same op: kind, attributes, types, regions. The
 * exporter prints per-device programs; its body, taken out of the manual computation, is the one-op function.
 */
import { DiagnosticError } from '../../../../ir/diagnostics.ts';
import { type Block, type Func, mainFunction, type ValueId } from '../../../../ir/program.ts';
import { exportStablehlo } from '../../../../ir/stablehlo/export.ts';
import { importStablehlo } from '../../../../ir/stablehlo/import.ts';
import { registry as standard } from '../../../../ir/ops/index.ts';
import { typeText } from '../../../../ir/types.ts';
import { MESHES } from '../assignments.ts';
import type { Findings, LawContext } from '../law.ts';
import { moduleOf } from '../one-op-module.ts';
import type { OpExample } from '../op-example.ts';

export function checkRoundTrip({ def, example }: LawContext, found: Findings): void {
  if (standard[def.kind] === undefined) return;
  let refusal: string | undefined;
  found.check('round-trip', () => {
    let text = '';
    try {
      text = printedExample(example);
      const [before, after] = [
        outline(example.func),
        outline(mainFunction(importStablehlo({ file: 'example.mlir', text }))),
      ];
      return before === after ? undefined : `read back as\n${after}\ninstead of\n${before}\nfrom\n${text}`;
    } catch (error) {
      refusal = refusalOf(error);
      if (refusal !== undefined) return undefined;
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${text}`);
    }
  });
  if (refusal !== undefined) found.refused('round-trip', 'StableHLO', refusal);
}

function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof DiagnosticError)) return undefined;
  return error.diagnostics.find((d) => d.cause === 'unsupported')?.message;
}

/** The op alone in a function @main. */
export function printedExample(example: OpExample): string {
  const module = { ...moduleOf(example), meshes: MESHES.slice(0, 1) };
  const lines = exportStablehlo(module, module).split('\n');
  const from = lines.findIndex((l) => l.includes('sdy.manual_computation'));
  const to = lines.findIndex((l) => l.includes('sdy.return'));
  const params = /\(([^()]*)\) \{$/.exec(lines[from] ?? '')?.[1] ?? '';
  const types = /-> (.*)$/.exec(lines[to + 1] ?? '')?.[1] ?? '';
  const body = [...lines.slice(from + 1, to), (lines[to] as string).replace('sdy.return', 'return')];
  return [`func.func public @main(${params}) -> ${types} {`, ...body, '}', ''].join('\n');
}

/** The function as text in which equal means equal: values numbered in order, attributes by name. */
function outline(func: Func): string {
  const names = new Map<ValueId, string>();
  const name = (v: ValueId): string => {
    let known = names.get(v);
    if (known === undefined) names.set(v, (known = `%${names.size}: ${typeText(func.values[v]?.type as never)}`));
    return known;
  };
  const block = (b: Block): string => {
    const ops = b.ops.map((op) => {
      const operands = op.operands.map(name).join(', ');
      const regions = op.regions.map(block).join(' ');
      const results = op.results.map(name).join(', ');
      return `${op.kind}(${operands}) ${attrsText(op.attrs)} ${regions} -> ${results}`;
    });
    return `{(${b.params.map(name).join(', ')}) ${ops.join('; ')}}`;
  };
  return block(func.body);
}

function attrsText(attrs: object): string {
  const entries = Object.entries(attrs)
    // The per-device program is beyond Shardy's rule, and printed without it.
    .filter(([k, v]) => v !== undefined && k !== 'rule')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries, (_, v: unknown) => {
    if (typeof v === 'bigint') return `${v}n`;
    if (typeof v === 'number' && (!Number.isFinite(v) || Object.is(v, -0))) return Object.is(v, -0) ? '-0' : String(v);
    return ArrayBuffer.isView(v) ? [v.constructor.name, ...Array.from(v as unknown as ArrayLike<number>)] : v;
  });
}
