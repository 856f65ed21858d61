/** `--emit ops`: a CSV row per op. `--emit memory`: live bytes over one step, and what is alive at the peak, as JSON. */
import { Places } from '../../ir/places.ts';
import { type Func, isCollective, type Op, synchronous, typeOf, type ValueId, valueInfo } from '../../ir/program.ts';
import { byteSize, typeText } from '../../ir/types.ts';
import { collectiveBytes } from '../cost/collective-bytes.ts';
import { computes } from '../cost/cost-model.ts';
import { memoryTimeline } from '../cost/memory.ts';
import { classOf } from '../cost/op-class.ts';
import type { Costed } from '../cost/report.ts';
import { occurrences } from './walk.ts';

const COLUMNS =
  'index,depth,op,class,value,type,source,times,start_s,seconds,exposed_s,flops,hbm_bytes,wire_bytes,links,why';

export function opsCsv({ model, timeline }: Costed): string {
  const { func, module } = model;
  const places = new Places(module.source);
  const rows = [COLUMNS];
  for (const { op, block, start, times, depth } of occurrences(func.body, timeline)) {
    const [result] = op.results;
    const moves = isCollective(synchronous(op));
    const work = !moves && computes(op) && op.kind !== 'while' && op.kind !== 'case' ? model.tensorOp(op) : undefined;
    const { seconds, lanes } = moves ? model.collective(op) : { seconds: work?.seconds ?? 0, lanes: [] };
    const wire = moves ? collectiveBytes(synchronous(op), func, module.meshes).bytes : 0;
    const cells = [
      rows.length - 1,
      depth,
      op.kind,
      classOf(op),
      result === undefined ? '' : `%${valueInfo(func, result).name ?? result}`,
      result === undefined ? '' : typeText(typeOf(func, result)),
      places.of(op.origin),
      times,
      start,
      seconds,
      timeline.blocks.get(block)?.waits.get(op) ?? 0,
      work?.flops ?? 0,
      work?.bytes ?? 0,
      wire,
      lanes.map((l) => l.lane).join(' '),
      op.origin.reason ?? '',
    ];
    rows.push(cells.map(cell).join(','));
  }
  return `${rows.join('\n')}\n`;
}

/** RFC 4180; a leading =, +, - or @ would be a formula to a spreadsheet. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export interface AliveRow {
  readonly value: string;
  readonly type: string;
  readonly source: string;
  readonly bytes: number;
}

/** What takes memory at the peak, largest first. */
export function aliveRows({ model, report }: Costed): AliveRow[] {
  const places = new Places(model.module.source);
  const names = nameTable(model.func);
  return report.memory.alive.map(({ value, bytes }) => ({
    value: names(value),
    type: typeText(typeOf(model.func, value)),
    source: places.of(valueInfo(model.func, value).origin),
    bytes,
  }));
}

export function memoryJson(costed: Costed): string {
  const { model, timeline, report } = costed;
  const places = new Places(model.module.source);
  const starts = new Map<Op, number>();
  for (const { op, start } of occurrences(model.func.body, timeline)) starts.set(op, start);
  const samples = memoryTimeline(model.func, model.machine.compute.fusion).map(({ op, bytes }) => ({
    seconds: starts.get(op) ?? 0,
    bytes,
    op: op.kind,
    source: places.of(op.origin),
  }));
  const { peakMemoryBytes, argumentBytes } = report;
  return `${JSON.stringify({ peakMemoryBytes, argumentBytes, alive: aliveRows(costed), samples }, null, 1)}\n`;
}

/** Arguments of main by their name and place, other values by name or number. */
function nameTable(func: Func): (id: ValueId) => string {
  const places = new Map(func.body.params.map((p, i) => [p, i]));
  return (id) => {
    const argument = places.get(id);
    const name = valueInfo(func, id).name ?? (argument === undefined ? String(id) : `arg${argument}`);
    const label = valueInfo(func, id).origin?.label;
    return `%${name}${argument === undefined ? '' : ` (argument${label === undefined ? '' : ` ${label}`})`}`;
  };
}

/** Bytes of the arguments that the caller gives up, by name. */
export function donatedArguments(func: Func): { readonly value: string; readonly bytes: number }[] {
  const names = nameTable(func);
  return func.body.params.flatMap((p, i) =>
    /aliasing_output|buffer_donor/.test(func.paramAttrs[i] ?? '')
      ? [{ value: names(p), bytes: byteSize(typeOf(func, p)) }]
      : [],
  );
}
