/** A warning where more is moved than need be, for want of memory to hold it. */
import type { Diagnostic } from '../ir/diagnostics.ts';
import { type Op, valueInfo, walkOps } from '../ir/program.ts';
import type { WithinMemory } from '../passes/partition/within-memory.ts';
import { bytesText } from './units.ts';

export function notHeld({ func, notHeld: copies, memoryBytes }: WithinMemory): Diagnostic[] {
  const largest = copies.toSorted((a, b) => b.bytes - a.bytes)[0];
  if (largest === undefined) return [];
  const names = [...new Set(copies.map((h) => `%${valueInfo(func, h.value).name ?? h.value}`))];
  const some = names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
  const bytes = copies.reduce((sum, h) => sum + h.bytes, 0);
  const reads = (op: Op): boolean => op.kind !== 'while' && op.operands.includes(largest.value);
  const span = [...walkOps(func.body)].find(reads)?.origin.span;
  return [
    {
      code: 'SH0411',
      severity: 'warning',
      cause: 'user',
      message: `${some}: not moved once and held through a loop or up to a barrier, where ${names.length === 1 ? 'it' : 'they'} would take ${bytesText(bytes)} of a device that has ${bytesText(memoryBytes)} for all: more moves instead`,
      ...(span === undefined ? {} : { span }),
      help: 'fewer bytes move with more memory (--machine), smaller shards, or smaller activations beside them',
    },
  ];
}
