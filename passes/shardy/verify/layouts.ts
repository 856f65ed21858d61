/** A layout fits what it lays out: an entry per dim, none on one device, nothing on what is no tensor. */
import { userError } from '../../../ir/diagnostics.ts';
import type { EditModule } from '../../../ir/edit.ts';
import { type Layout, usedAxes } from '../../../ir/layout.ts';
import type { Span } from '../../../ir/program.ts';
import { type TensorType, typeText } from '../../../ir/types.ts';

export interface Place {
  readonly span: Span | undefined;
  /** Axes that are manual there. */
  readonly manual?: readonly string[];
}

/** `type` undefined: of an op that gives nothing, the layout says where it runs. */
export function verifyLayout(
  module: EditModule,
  layout: Layout | undefined,
  type: TensorType | undefined,
  { span, manual = [] }: Place,
): void {
  if (layout === undefined) return;
  const { axes, deviceIds } = module.mesh(layout.mesh);
  const isMaximal = axes.length === 0 && deviceIds?.length === 1;
  const bare = layout.dims.length === 0 && layout.replicated.length === 0 && layout.unreduced.length === 0;
  if (isMaximal || type === undefined || type.dtype === 'token') {
    if (bare) return;
    const what = isMaximal ? 'on one device' : type === undefined ? 'of an op without results' : 'of a token';
    throw userError('SH0229', `a sharding ${what} says nothing of dims or axes`, { span, expected: '<@mesh, []>' });
  }
  if (layout.dims.length !== type.shape.length)
    throw userError(
      'SH0212',
      `the sharding has ${layout.dims.length} dims, the tensor ${typeText(type)} has ${type.shape.length}`,
      { span, expected: `${type.shape.length} dims` },
    );
  const bound = [...usedAxes(layout), ...layout.replicated, ...layout.unreduced].find((a) => manual.includes(a.name));
  if (bound !== undefined)
    throw userError('SH0231', `axis "${bound.name}" is manual here: the computation around has it in its hands`, {
      span,
      expected: 'axes that no manual computation around names in manual_axes',
    });
}
