/**
 * Shardy's collectives, on global shapes: what goes where is said by axes, and `out_sharding` is what comes out.
 *
 *   %1 = sdy.all_gather [{}, {"x"}] %0 out_sharding=<@mesh, [{"y"}, {}]> : tensor<16x8xf32>
 *   %1 = sdy.all_to_all [{"x"}: 0->1] %0 out_sharding=<@mesh, [{}, {"x"}]> : tensor<16x8xf32>
 */
import type { Attrs } from '../program.ts';
import type { AxisRef, Mesh } from '../mesh.ts';
import { axesText } from './sharding-text.ts';

/** How the axes are given: a list per dim, one list, a list per move of a dim's axes to another dim, or not at all. */
export type AxesForm = 'per dim' | 'list' | 'moves' | 'none';

export interface Move {
  readonly axes: readonly AxisRef[];
  readonly source: number;
  readonly target: number;
}

/** What `attrs` of a collective hold besides what is only kept. */
export type CollectiveAxes =
  | { readonly axes: readonly (readonly AxisRef[])[] }
  | { readonly axes: readonly AxisRef[] }
  | { readonly moves: readonly Move[] }
  | Record<string, never>;

interface Form {
  readonly form: AxesForm;
  /** MLIR's name of the attribute. */
  readonly attribute?: string;
}

/** By the name without the dialect. */
export const SDY_COLLECTIVES: Readonly<Record<string, Form>> = {
  all_gather: { form: 'per dim', attribute: 'gathering_axes' },
  all_slice: { form: 'per dim', attribute: 'slicing_axes' },
  all_to_all: { form: 'moves', attribute: 'params' },
  collective_permute: { form: 'none' },
  all_reduce: { form: 'list', attribute: 'reduction_axes' },
  reduce_scatter: { form: 'per dim', attribute: 'reduce_scatter_axes' },
  sharded_to_unreduced: { form: 'per dim', attribute: 'axes' },
  replicated_to_unreduced: { form: 'list', attribute: 'axes' },
};

const PREFIX = 'sdy.';

/** Of an op's kind, which keeps the dialect: `sdy.all_gather`. */
export const collectiveForm = (kind: string): Form | undefined => {
  const name = kind.startsWith(PREFIX) ? kind.slice(PREFIX.length) : '';
  return Object.hasOwn(SDY_COLLECTIVES, name) ? SDY_COLLECTIVES[name] : undefined;
};

/** `[{}, {"x"}]`, `{"x"}`, `[{"x"}: 0->1]`; undefined: it has none. */
export function collectiveAxesText(mesh: Mesh, kind: string, attrs: Attrs): string | undefined {
  switch (collectiveForm(kind)?.form) {
    case 'per dim':
      return `[${(attrs.axes as readonly (readonly AxisRef[])[]).map((axes) => axesText(mesh, axes)).join(', ')}]`;
    case 'list':
      return axesText(mesh, attrs.axes as readonly AxisRef[]);
    case 'moves': {
      const moves = attrs.moves as readonly Move[];
      return `[${moves.map((m) => `${axesText(mesh, m.axes)}: ${m.source}->${m.target}`).join(', ')}]`;
    }
    default:
      return undefined;
  }
}

const MNEMONICS = {
  'per dim': 'list_of_axis_ref_lists',
  list: 'axis_ref_list',
  moves: 'all_to_all_param_list',
} as const;

/** As an attribute of its own: `gathering_axes = #sdy<list_of_axis_ref_lists[{}, {"x"}]>`. */
export function collectiveAttribute(mesh: Mesh, kind: string, attrs: Attrs): Readonly<Record<string, string>> {
  const form = collectiveForm(kind);
  const text = collectiveAxesText(mesh, kind, attrs);
  if (form?.attribute === undefined || form.form === 'none' || text === undefined) return {};
  return { [form.attribute]: `#sdy<${MNEMONICS[form.form]}${text}>` };
}
