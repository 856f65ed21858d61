/** What holds of every module at a global level: types follow from the ops, layouts have their values' rank. */
import type { Diagnostic } from './diagnostics.ts';
import type { Layout } from './layout.ts';
import { InferError, type Registry } from './op.ts';
import { type Func, isStart, type Module, type Op, type Span, type ValueId, valueInfo, walkOps } from './program.ts';
import { type TensorType, typeText } from './types.ts';
import { verifyManual } from './verify-manual.ts';

/** All violations, as mistakes of the program; a caller that made the module itself reports them as its own. */
export function verify(module: Module, registry: Registry): Diagnostic[] {
  return [
    ...module.functions.flatMap((func) => [...layoutErrors(func), ...typeErrors(func, registry)]),
    ...verifyManual(module),
  ];
}

function layoutErrors(func: Func): Diagnostic[] {
  const found: Diagnostic[] = [];
  const check = (layout: Layout | undefined, type: TensorType, what: string, span: Span | undefined): void => {
    if (layout === undefined || layout.dims.length === type.shape.length) return;
    found.push(
      error(
        'SH0212',
        `the sharding of ${what} has ${layout.dims.length} dims, its type ${typeText(type)} has ${type.shape.length}`,
        span,
        `${type.shape.length} dims`,
      ),
    );
  };
  func.values.forEach((v, i) => check(v.layout, v.type, `%${v.name ?? i}`, v.origin?.span));
  func.resultLayouts.forEach((l, i) =>
    check(l, func.resultTypes[i] as TensorType, `result ${i} of @${func.name}`, undefined),
  );
  return found;
}

function typeErrors(func: Func, registry: Registry): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const op of walkOps(func.body)) {
    const def = Object.hasOwn(registry, op.kind) ? registry[op.kind] : undefined;
    const stated = types(func, op.results);
    // A name that every object answers to would pass for an op where the registry is asked later.
    if (def === undefined && op.kind in registry)
      found.push(error('SH0204', `there is no op ${op.kind}`, op.origin.span));
    if (def === undefined) continue;
    try {
      const inferred = def.infer({
        kind: op.kind,
        attrs: op.attrs,
        regions: op.regions,
        operands: types(func, op.operands),
      });
      inferred.forEach((t, i) => {
        if (stated[i] !== t)
          found.push(
            error(
              'SH0204',
              `${op.kind} gives ${typeText(t)}, but is written to give ${stated[i] === undefined ? 'nothing' : typeText(stated[i])}`,
              op.origin.span,
              typeText(t),
            ),
          );
      });
    } catch (thrown) {
      if (!(thrown instanceof InferError)) throw thrown;
      found.push(error('SH0204', thrown.message, op.origin.span));
    }
  }
  found.push(...asyncErrors(func), ...returnErrors(func, func.body.ops.at(-1)));
  return found;
}

/** What a start has begun is read once, by the collective_done that ends it. */
function asyncErrors(func: Func): Diagnostic[] {
  const open = new Map<ValueId, Op>();
  const found: Diagnostic[] = [];
  for (const op of walkOps(func.body)) {
    for (const v of op.operands) {
      const start = open.get(v);
      if (start !== undefined && op.kind !== 'collective_done')
        found.push(error('SH0290', `${op.kind} reads what ${start.kind} has in flight`, op.origin.span));
      if (start === undefined && op.kind === 'collective_done')
        found.push(error('SH0290', 'collective_done ends what no start began', op.origin.span));
      open.delete(v);
    }
    if (isStart(op)) for (const r of op.results) open.set(r, op);
  }
  for (const start of open.values())
    found.push(
      error('SH0290', `${start.kind} is never done`, start.origin.span, 'a collective_done in the same block'),
    );
  return found;
}

function returnErrors(func: Func, end: Op | undefined): Diagnostic[] {
  if (end?.kind !== 'return') return [error('SH0222', `@${func.name} does not end in return`, end?.origin.span)];
  const given = types(func, end.operands);
  if (given.length === func.resultTypes.length && given.every((t, i) => t === func.resultTypes[i])) return [];
  return [
    error(
      'SH0204',
      `@${func.name} returns (${given.map(typeText).join(', ')})`,
      end.origin.span,
      `(${func.resultTypes.map(typeText).join(', ')})`,
    ),
  ];
}

const types = (func: Func, ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);

const error = (code: string, message: string, span: Span | undefined, expected?: string): Diagnostic => ({
  code,
  severity: 'error',
  cause: 'user',
  message,
  span,
  expected,
});
