/**
 * Sums owed where a program begins or ends. An emitted program has no word for them there: its arguments and results would
 * be taken for whole ones.
 */
import { unsupported } from './diagnostics.ts';
import type { Layout } from './layout.ts';
import { type Func, valueInfo } from './program.ts';

/** Throws what is not supported. `func`: main, its layouts as they will be. */
export function expectPaidBoundary(func: Func): void {
  for (const p of func.body.params) {
    const { layout, name, origin } = valueInfo(func, p);
    if (owes(layout))
      throw unsupported(`argument %${name ?? p} of @${func.name}, whose sum is still owed`, { span: origin?.span });
  }
  func.resultLayouts.forEach((layout, i) => {
    if (owes(layout)) throw unsupported(`result ${i} of @${func.name}, whose sum is still owed`);
  });
}

const owes = (layout: Layout | undefined): boolean => layout !== undefined && layout.unreduced.length > 0;
