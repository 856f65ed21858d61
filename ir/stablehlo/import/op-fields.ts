/** The attributes of one op as they are read, and those that are only given back. */
import type { Attrs } from '../../program.ts';
import type { Value } from '../attributes.ts';
import type { Raw } from '../op-attrs.ts';
import type { ImportContext } from './context.ts';

/** Attributes by name, which remembers what it was asked for. */
export class Fields extends Map<string, Value> {
  readonly asked = new Set<string>();
  /** Each as it is written. */
  readonly verbatim = new Map<string, string>();

  override get(key: string): Value | undefined {
    this.asked.add(key);
    return super.get(key);
  }

  override has(key: string): boolean {
    this.asked.add(key);
    return super.has(key);
  }

  add(more: ReadonlyMap<string, Value>): void {
    for (const [k, v] of more) this.set(k, v);
  }
}

/** `{a = 1, b}`, where one stands. */
export function dictFields(c: ImportContext, fields = new Fields()): Fields {
  if (c.r.is('{')) fields.add(c.attributes.dict('}', '{', fields.verbatim));
  return fields;
}

/** Attributes that the op's own do not tell, as written: all of them where the printer has no form for the op. */
export function extraAttrs(fields: Fields, hasForm: boolean): Attrs {
  const { verbatim } = fields;
  if (verbatim.size === 0) return {};
  const told = (key: string): boolean =>
    key === 'mhlo.sharding' || key.startsWith('sdy.') || (hasForm && fields.asked.has(key));
  const extra = textOf([...verbatim].filter(([key]) => !told(key)));
  const debug = [...verbatim].filter(([key]) => key.startsWith('sdy.') && !OWN.has(key));
  return {
    ...(extra === '' ? {} : { extra }),
    ...(debug.length === 0 ? {} : { debug: Object.fromEntries(debug) }),
  };
}

/** The user's own rule. */
export function ruleAttrs(fields: Fields): Attrs {
  const rule = fields.get('sdy.sharding_rule');
  return rule === undefined ? {} : { rule: String(rule) };
}

/** The rest are what propagation writes down for debugging. */
const OWN: ReadonlySet<string> = new Set(['sdy.sharding', 'sdy.sharding_rule']);

export const textOf = (entries: readonly (readonly [key: string, text: string])[]): string =>
  entries.map(([key, text]) => (text === '' ? key : `${key} = ${text}`)).join(', ');

/** What an op with a form of its own keeps, for passes that only lay out. */
export const keptAttrs = (c: ImportContext, fields: Fields): Attrs =>
  c.options.asWritten === true ? extraAttrs(fields, true) : {};

/** `stablehlo.dot`: a matrix or vector product, the last dim of the left with the first of the right. */
export function dotAsGeneral(raw: Raw & { readonly fields: Fields }): Raw & { readonly fields: Fields } {
  const fields = new Fields();
  fields.add(raw.fields);
  for (const [key, text] of raw.fields.verbatim) fields.verbatim.set(key, text);
  fields.set('contracting_dims', [[(raw.operands[0]?.shape.length ?? 1) - 1], [0]]);
  return { ...raw, fields };
}
