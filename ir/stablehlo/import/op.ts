/** One op in either form: `%a = stablehlo.add %b, %c : t`, or `%a = "stablehlo.add"(%b, %c) : (t, t) -> t`. */
import { SDY_COLLECTIVES } from '../sdy-collectives.ts';
import type { Head, ImportContext, Named } from './context.ts';
import { generic } from './generic.ts';
import { collective, computation, constraint, dataFlowEdge, shardingGroup } from './sdy-ops.ts';
import {
  barrier,
  call,
  composite,
  constant,
  createToken,
  customCall,
  reduce,
  returns,
  scan,
  tuple,
  whileLoop,
} from './structural-ops.ts';
import { namesDevices, tensorOp, writeDeviceOp } from './tensor-op.ts';
import { Fields } from './op-fields.ts';

export function readOp(c: ImportContext): void {
  const { r } = c;
  const from = r.at;
  const names = resultNames(c);
  const isGeneric = r.isKind('string');
  const spelled = isGeneric ? r.string() : r.takeKind('id', 'an operation');
  const dot = spelled.indexOf('.');
  const dialect = spelled.slice(0, Math.max(0, dot));
  const kind = DIALECTS.has(dialect) ? spelled.slice(dot + 1) : spelled;
  const head: Head = { from, names, spelled, kind };
  if (isGeneric) return generic(c, head);
  if (dialect === 'sdy' && Object.hasOwn(SDY_COLLECTIVES, kind)) return collective(c, head);
  if (namesDevices(c, kind)) return writeDeviceOp(c, head, { operands: [], types: c.types([]), fields: new Fields() });
  const form = FORMS.get(kind);
  if (form !== undefined) form(c, head);
  else tensorOp(c, head);
}

const DIALECTS: ReadonlySet<string> = new Set(['stablehlo', 'chlo', 'func', 'sdy', 'mhlo']);

const FORMS: ReadonlyMap<string, (c: ImportContext, head: Head) => void> = new Map([
  ['call', call],
  ['composite', composite],
  ['constant', constant],
  ['create_token', createToken],
  ['custom_call', customCall],
  ['data_flow_edge', dataFlowEdge],
  ['func_data_flow_edge', dataFlowEdge],
  ['get_tuple_element', tuple],
  ['manual_computation', computation],
  ['named_computation', computation],
  ['optimization_barrier', barrier],
  ['reduce', reduce],
  ['reshard', constraint],
  ['return', returns],
  ['scan', scan],
  ['sharding_constraint', constraint],
  ['sharding_group', shardingGroup],
  ['tuple', tuple],
  ['while', whileLoop],
]);

function resultNames({ r }: ImportContext): Named[] {
  const names: Named[] = [];
  if (!r.isKind('value')) return names;
  do {
    const name = r.takeKind('value', 'a result');
    names.push({ name, count: r.accept(':') ? r.integer() : 1 });
  } while (r.accept(','));
  r.expect('=');
  return names;
}
