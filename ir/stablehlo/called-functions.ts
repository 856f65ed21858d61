/**
 * Functions that a custom_call names: they stand beside the program that calls them.
 *
 *   stablehlo.custom_call @ApproxTopK(…) {called_computations = [@greater], …}
 */
import { type Func, type Module, type Op, walkOps } from '../program.ts';

/** Those of `original` that ops of `local` name, and what they call in turn; in the order of the file. */
export function calledFunctions(original: Module, local: Module): Func[] {
  const reached = new Set<string>();
  const reach = (bodies: readonly Func[]): void => {
    const names = bodies.flatMap((f) => [...walkOps(f.body)].flatMap(namesIn));
    const found = original.functions.filter((f) => names.includes(f.name) && !reached.has(f.name));
    for (const f of found) reached.add(f.name);
    if (found.length > 0) reach(found);
  };
  reach(local.functions);
  return original.functions.filter((f) => reached.has(f.name));
}

function namesIn({ kind, attrs }: Op): string[] {
  if (kind === 'call') return [attrs.callee as string];
  if (kind !== 'custom_call') return [];
  return calledNames(attrs.verbatim as string);
}

/** Of a custom_call's attributes as written. */
export function calledNames(attributes: string): string[] {
  const [, list = ''] = /\bcalled_computations\s*=\s*\[([^\]]*)\]/.exec(attributes) ?? [];
  return [...list.matchAll(/@(?:"([^"]*)"|([\w$.-]+))/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}
