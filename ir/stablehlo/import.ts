/**
 * StableHLO text → a parsed module: as `jax.jit(f).lower(...).as_text()` prints it, or with every op in MLIR's generic form.
 * The parts are in import/: modules and functions, ops of either form, and what is written for them.
 */
import { userError } from '../diagnostics.ts';
import type { Func, Module, SourceText } from '../program.ts';
import { walkOps } from '../program.ts';
import { ImportContext } from './import/context.ts';
import type { ImportOptions } from './import/options.ts';
import { alias, readMeshes, signatureOfNothing, topLevel } from './import/functions.ts';
import { readOp } from './import/op.ts';
import { aroundCollectives } from './outside-collectives.ts';
import { Reader } from './reader.ts';
import { tokenize } from './tokens.ts';
import { withoutTypeAliases } from './type-aliases.ts';

export function importStablehlo(source: SourceText, options: ImportOptions = {}): Module {
  const c = new ImportContext(new Reader(withoutTypeAliases(tokenize(source)), source.text), source, options, readOp);
  const { r, functions } = c;
  while (r.isKind('hash')) alias(c);
  readMeshes(c);
  const { name, attrs } = r.is('"builtin.module"') ? genericModule(c) : prettyModule(c);
  c.locations.maybe();
  while (r.isKind('hash')) alias(c);
  if (r.at < r.tokens.length) throw r.unexpected('the end of the file');
  if (functions.length === 0)
    throw userError('SH0103', 'the file holds no function', { expected: 'at least `func.func public @main(...)`' });
  checkCalls(functions);
  const rest = attrs === '' ? {} : { attrs };
  const called = withoutRegions(functions, c.asRegions);
  const kept = options.asWritten === true ? called : aroundCollectives(called, c.attributes.meshes);
  return { name, level: 'parsed', meshes: c.attributes.meshes, functions: kept, source, ...rest };
}

interface ModuleHead {
  readonly name: string;
  readonly attrs: string;
}

/** `module @name attributes {…} {…}`, or what stands in one. */
function prettyModule(c: ImportContext): ModuleHead {
  const { r } = c;
  let [name, attrs] = ['module', ''];
  const wrapped = r.accept('module') || r.accept('builtin.module');
  if (wrapped) {
    if (r.isKind('symbol') || r.isKind('quotedSymbol')) name = r.symbol();
    if (r.accept('attributes')) attrs = moduleAttrs(c);
    r.expect('{');
  }
  while (r.at < r.tokens.length && !r.is('}')) topLevel(c);
  if (wrapped) r.expect('}');
  return { name, attrs };
}

/** `"builtin.module"() <{sym_name = "name"}> ({…}) {…} : () -> ()`; its attributes come last, and are read first. */
function genericModule(c: ImportContext): ModuleHead {
  const { r } = c;
  r.take();
  r.list('(', ')', () => r.take());
  const own = r.accept('<') ? c.attributes.dict() : undefined;
  if (own !== undefined) r.expect('>');
  const at = r.at;
  r.skipBrackets();
  const attrs = r.is('{') ? moduleAttrs(c) : '';
  signatureOfNothing(c);
  const end = r.at;
  r.at = at;
  r.expect('(');
  r.expect('{');
  c.blockParams();
  while (!r.accept('}')) topLevel(c);
  r.at = end;
  return { name: String(own?.get('sym_name') ?? 'module'), attrs };
}

function moduleAttrs(c: ImportContext): string {
  const from = c.r.at + 1;
  const given = c.attributes.dict();
  const [count, replicas] = [given.get('mhlo.num_partitions'), given.get('mhlo.num_replicas')];
  if (typeof count === 'number') c.partitions = count;
  if (typeof replicas === 'number') c.replicas = replicas;
  return c.r.line(from, c.r.at - 1);
}

/** Functions that are regions by then, and that no call names, are none of the program's. */
function withoutRegions(functions: readonly Func[], asRegions: ReadonlySet<string>): readonly Func[] {
  if (asRegions.size === 0) return functions;
  const called = new Set(functions.flatMap((f) => [...walkOps(f.body)].map((op) => op.attrs.callee)));
  return functions.filter((f) => !asRegions.has(f.name) || called.has(f.name));
}

function checkCalls(functions: readonly Func[]): void {
  const known = new Set(functions.map((f) => f.name));
  for (const f of functions)
    for (const { kind, attrs, origin } of walkOps(f.body)) {
      if (kind !== 'call' || known.has(attrs.callee as string)) continue;
      const some = [...known].slice(0, 8).map((k) => `@${k}`);
      throw userError('SH0220', `there is no function @${String(attrs.callee)}`, {
        span: origin.span,
        expected: `one of ${some.join(', ')}`,
      });
    }
}
