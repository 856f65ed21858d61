/** One op as StableHLO text. The inverse of op-attrs.ts; generic form wherever the pretty form adds nothing. */
import type { OpAttrs } from '../attrs.ts';
import type { Elements, Op } from '../program.ts';
import { bitsOf } from '../element-bits.ts';
import { isSplat } from '../elements.ts';
import { DTYPES, type DType, partOf, type TensorType, widthOf } from '../types.ts';
import { elementText } from './element-names.ts';
import { rotateCall } from './rotate-call.ts';

export const tensorText = (type: TensorType): string =>
  type.dtype === 'token'
    ? '!stablehlo.token'
    : `tensor<${type.shape.map((d) => `${d}x`).join('')}${elementText(type.dtype)}>`;

const list = (values: readonly (number | boolean)[]): string => `[${values.join(', ')}]`;
/** Dimension numbers; empty lists and zeros go without saying. */
const numbers = (fields: Readonly<Record<string, readonly number[] | number>>): string =>
  Object.entries(fields)
    .filter(([, value]) => (typeof value === 'number' ? value !== 0 : value.length > 0))
    .map(([name, value]) => `${name} = ${typeof value === 'number' ? value : list(value)}`)
    .join(', ');
const array = (values: readonly number[]): string =>
  values.length === 0 ? 'array<i64>' : `array<i64: ${values.join(', ')}>`;

/** What stands between the op's name and its types; `null` = plain operands. */
/** All that printing needs of an op. */
export type Printable = Pick<Op, 'kind' | 'attrs'>;

type Syntax = (op: Printable, operands: readonly string[], types: readonly TensorType[]) => string;

const SYNTAX: Readonly<Record<string, Syntax>> = {
  constant: (op, _, types) => denseText((op.attrs.value as Elements).data, types[0] as TensorType),
  iota: (op) => `dim = ${String(op.attrs.dim)}`,
  compare: (op, o) =>
    `${String(op.attrs.direction)}, ${o.join(', ')}${op.attrs.compare_type === undefined ? '' : `, ${String(op.attrs.compare_type)}`}`,
  broadcast_in_dim: (op, o) => `${o[0]}, dims = ${list(op.attrs.dims as number[])}`,
  transpose: (op, o) => `${o[0]}, dims = ${list(op.attrs.permutation as number[])}`,
  reverse: (op, o) => `${o[0]}, dims = ${list(op.attrs.dims as number[])}`,
  custom_call: (op, o) => customCall(op, o),
  concatenate: (op, o) => `${o.join(', ')}, dim = ${String(op.attrs.dim)}`,
  slice: (op, o) => {
    const { start, limit, strides } = op.attrs as unknown as OpAttrs['slice'];
    return `${o[0]} [${start.map((s, d) => `${s}:${limit[d]}${strides[d] === 1 ? '' : `:${strides[d]}`}`).join(', ')}]`;
  },
  pad: (op, o) =>
    `${o.join(', ')}, low = ${list(op.attrs.low as number[])}, high = ${list(op.attrs.high as number[])}, interior = ${list(op.attrs.interior as number[])}`,
  dynamic_slice: (op, o) => `${o.join(', ')}, sizes = ${list(op.attrs.sizes as number[])}`,
  fft: (op, o) => `${o[0]}, type = ${String(op.attrs.fft_type)}, length = ${list(op.attrs.fft_length as number[])}`,
  cholesky: (op, o) => `${o[0]}, lower = ${String(op.attrs.lower)}`,
  rng: (op, o) => `${o.join(', ')}, distribution = ${String(op.attrs.distribution)}`,
  rng_bit_generator: (op, o) => `${o[0]}, algorithm = ${String(op.attrs.algorithm)}`,
  convolution: (op, o) => convolutionText(op, o),
  clamp: (_, o) => o.join(', '),
  top_k: (op, o) => `(${o[0]}, k = ${String(op.attrs.k)})`,
  reduce_precision: (op, o) => `${o[0]}, format = e${String(op.attrs.exponent_bits)}m${String(op.attrs.mantissa_bits)}`,
  dot_general: (op, o) => {
    const a = op.attrs as unknown as OpAttrs['dot_general'];
    const batch = a.lhs_batch.length > 0 ? `batching_dims = ${list(a.lhs_batch)} x ${list(a.rhs_batch)}, ` : '';
    const precision = a.precision === undefined ? '' : `, precision = ${a.precision}`;
    return `${o.join(', ')}, ${batch}contracting_dims = ${list(a.lhs_contracting)} x ${list(a.rhs_contracting)}${precision}${a.algorithm === undefined ? '' : `, algorithm = ${a.algorithm}`}`;
  },
};

/** `[b, 0, 1, f]` of dims by role. */
function roles(dims: readonly number[], first: string, second: string): string {
  const names = new Array<string>(dims.length);
  dims.forEach((d, i) => {
    names[d] = i === 0 ? first : i === 1 ? second : String(i - 2);
  });
  return `[${names.join(', ')}]`;
}

/** Without Shardy's rule: the per-device program is beyond it. */
const customCall = (op: Printable, operands: readonly string[]): string => {
  const { target, verbatim } = op.attrs as unknown as OpAttrs['custom_call'];
  return `@${target}(${operands.join(', ')})${verbatim === '' ? '' : ` {${verbatim}}`}`;
};

/** `(%x, %k) dim_numbers = […]x[…]->[…], window = {…} {batch_group_count = 1 : i64, …}` */
function convolutionText(op: Printable, o: readonly string[]): string {
  const a = op.attrs as unknown as OpAttrs['convolution'];
  const dims = `${roles(a.input_dims, 'b', 'f')}x${roles(a.kernel_dims, 'i', 'o')}->${roles(a.output_dims, 'b', 'f')}`;
  const pad = list2(a.pad_low.map((l, d) => [l, a.pad_high[d] as number]));
  const window = `{stride = ${list(a.strides)}, pad = ${pad}, lhs_dilate = ${list(a.lhs_dilation)}, rhs_dilate = ${list(a.rhs_dilation)}, reverse = ${list(a.reversal)}}`;
  const precision = a.precision === undefined ? '' : `, precision_config = ${precisionText(a.precision)}`;
  return `(${o.join(', ')}) dim_numbers = ${dims}, window = ${window} {batch_group_count = ${a.batch_group_count} : i64, feature_group_count = ${a.feature_group_count} : i64${precision}}`;
}

const precisionText = (words: string): string =>
  `[${words
    .split(', ')
    .map((p) => `#stablehlo<precision ${p}>`)
    .join(', ')}]`;

/** Those with one entry per dim that say more than the default. */
function windowText(a: OpAttrs['select_and_scatter'], more: Readonly<Record<string, readonly number[]>> = {}): string {
  const entries = { window_dimensions: a.window_dimensions, window_strides: a.window_strides, ...more };
  const texts = Object.entries(entries).map(([name, values]) => `${name} = ${array(values)}`);
  return [...texts, `padding = ${pairs(a.pad_low, a.pad_high)}`].sort().join(', ');
}

/** `dense<[[low, high], …]> : tensor<rankx2xi64>`. */
function pairs(low: readonly number[], high: readonly number[]): string {
  const [first] = low;
  const alike = [...low, ...high].every((n) => n === first);
  if (first === undefined) return 'dense<> : tensor<0x2xi64>';
  const elements = alike ? String(first) : list2(low.map((l, d) => [l, high[d] as number]));
  return `dense<${elements}> : tensor<${low.length}x2xi64>`;
}
const list2 = (rows: readonly (readonly number[])[]): string => `[${rows.map(list).join(', ')}]`;

/** As written: queues and channels mean nothing to the compiler. */
const verbatimOf = (op: Printable): string | undefined => op.attrs.verbatim as string | undefined;

/** Attributes of ops that are printed in generic form, as MLIR properties. */
const PROPERTIES: Readonly<Record<string, (op: Printable) => string | undefined>> = {
  reduce: (op) => `dimensions = ${array(op.attrs.dims as number[])}`,
  gather: (op) => {
    const a = op.attrs as unknown as OpAttrs['gather'];
    const dims = numbers({
      offset_dims: a.offset_dims,
      collapsed_slice_dims: a.collapsed_slice_dims,
      operand_batching_dims: a.operand_batching_dims,
      start_indices_batching_dims: a.start_indices_batching_dims,
      start_index_map: a.start_index_map,
      index_vector_dim: a.index_vector_dim,
    });
    return `dimension_numbers = #stablehlo.gather<${dims}>, indices_are_sorted = ${a.indices_are_sorted}, slice_sizes = ${array(a.slice_sizes)}`;
  },
  scatter: (op) => {
    const a = op.attrs as unknown as OpAttrs['scatter'];
    const dims = numbers({
      update_window_dims: a.update_window_dims,
      inserted_window_dims: a.inserted_window_dims,
      input_batching_dims: a.input_batching_dims,
      scatter_indices_batching_dims: a.scatter_indices_batching_dims,
      scatter_dims_to_operand_dims: a.scatter_dims_to_operand_dims,
      index_vector_dim: a.index_vector_dim,
    });
    return `indices_are_sorted = ${a.indices_are_sorted}, scatter_dimension_numbers = #stablehlo.scatter<${dims}>, unique_indices = ${a.unique_indices}`;
  },
  sort: (op) => `dimension = ${String(op.attrs.dim)} : i64, is_stable = ${String(op.attrs.is_stable)}`,
  reduce_window: (op) => {
    const a = op.attrs as unknown as OpAttrs['reduce_window'];
    return windowText(a, { base_dilations: a.base_dilations, window_dilations: a.window_dilations });
  },
  select_and_scatter: (op) => windowText(op.attrs as unknown as OpAttrs['select_and_scatter']),
  triangular_solve: (op) => {
    const a = op.attrs as unknown as OpAttrs['triangular_solve'];
    return `left_side = ${a.left_side}, lower = ${a.lower}, transpose_a = #stablehlo<transpose ${a.transpose_a}>, unit_diagonal = ${a.unit_diagonal}`;
  },
  batch_norm_inference: (op) =>
    `epsilon = ${floatText(op.attrs.epsilon as number, 'f32')} : f32, feature_index = ${String(op.attrs.feature_index)} : i64`,
  case: () => '',
  infeed: verbatimOf,
  recv: verbatimOf,
  outfeed: verbatimOf,
  send: verbatimOf,
  optimization_barrier: () => '',
};

export const propertiesOf = (op: Printable): string | undefined => PROPERTIES[op.kind]?.(op);

/** Is there a form for the op's own attributes? Others print those that import.ts kept as text. */
export const hasSyntax = (kind: string): boolean =>
  Object.hasOwn(SYNTAX, kind) ||
  (Object.hasOwn(PROPERTIES, kind) && PROPERTIES[kind] !== verbatimOf) ||
  ALIKE.has(kind) ||
  CHLO.has(kind) ||
  PLAIN.has(kind);

/** Ops that JAX leaves in the client dialect. */
const CHLO: ReadonlySet<string> = new Set([
  'acos',
  'acosh',
  'asin',
  'asinh',
  'atan',
  'atanh',
  'bessel_i1e',
  'cosh',
  'digamma',
  'erf',
  'erf_inv',
  'erfc',
  'lgamma',
  'next_after',
  'polygamma',
  'sinh',
  'top_k',
  'zeta',
]);

/** Ops without attributes of their own, or whose results' types say them. */
const PLAIN: ReadonlySet<string> = new Set([
  'after_all',
  'bitcast_convert',
  'create_token',
  'complex',
  'convert',
  'dynamic_update_slice',
  'imag',
  'is_finite',
  'real',
  'reshape',
  'select',
  'sharding_group',
  'propagation_barrier',
]);

/** Everything after `%r = `, for an op without regions. */
export function plainOp(
  op: Printable,
  operands: readonly string[],
  operandTypes: readonly TensorType[],
  types: readonly TensorType[],
): string {
  const dialect = CHLO.has(op.kind) ? 'chlo' : 'stablehlo';
  const head = SYNTAX[op.kind]?.(op, operands, types) ?? operands.join(', ');
  if (op.kind === 'after_all' && operands.length === 0) return 'stablehlo.create_token : !stablehlo.token';
  if (op.kind === 'constant' || op.kind === 'iota')
    return `stablehlo.${op.kind} ${head} : ${tensorText(types[0] as TensorType)}`;
  const result = types.length === 1 ? tensorText(types[0] as TensorType) : `(${types.map(tensorText).join(', ')})`;
  if (dialect === 'chlo') return `chlo.${op.kind} ${head} : ${operandTypes.map(tensorText).join(', ')} -> ${result}`;
  const alike = GIVES_ALIKE.has(op.kind) && operandTypes.every((t) => t === types[0]);
  if (alike || (ALIKE.has(op.kind) && operandTypes[0]?.dtype === types[0]?.dtype))
    return `stablehlo.${op.kind} ${head} : ${result}`;
  if (op.kind === 'rotate')
    return `stablehlo.custom_call ${rotateCall(op.attrs as unknown as OpAttrs['rotate'], operands[0] as string)} : (${result}) -> ${result}`;
  if (op.kind === 'select') return `stablehlo.select ${head} : ${tensorText(operandTypes[0] as TensorType)}, ${result}`;
  const space = head.startsWith('(') ? '' : ' ';
  return `stablehlo.${op.kind}${space}${head} : (${operandTypes.map(tensorText).join(', ')}) -> ${result}`;
}

/** Printed with one type where operands and result have one. */
const GIVES_ALIKE: ReadonlySet<string> = new Set(['after_all', 'cholesky', 'clamp', 'convert', 'create_token']);
/** Printed with one type for operands and result. */
const ALIKE: ReadonlySet<string> = new Set([
  'abs',
  'add',
  'after_all',
  'and',
  'atan2',
  'cbrt',
  'ceil',
  'cosine',
  'count_leading_zeros',
  'divide',
  'exponential',
  'exponential_minus_one',
  'floor',
  'log',
  'log_plus_one',
  'logistic',
  'maximum',
  'minimum',
  'multiply',
  'negate',
  'not',
  'or',
  'popcnt',
  'power',
  'remainder',
  'reverse',
  'round_nearest_afz',
  'round_nearest_even',
  'rsqrt',
  'shift_left',
  'shift_right_arithmetic',
  'shift_right_logical',
  'sign',
  'sine',
  'sqrt',
  'subtract',
  'tan',
  'tanh',
  'xor',
  'reduce_precision',
]);

function denseText(data: Elements['data'], { dtype, shape }: TensorType): string {
  const real = partOf(dtype);
  const { class: cls } = DTYPES[real];
  const number = (v: number | bigint): string => {
    if (cls === 'pred') return Number(v) !== 0 ? 'true' : 'false';
    return cls === 'float' ? floatText(Number(v), real) : String(v);
  };
  const width = widthOf(dtype);
  const items = Array.from({ length: data.length / width }, (_, i) => {
    const text = Array.from(data.subarray(i * width, (i + 1) * width) as ArrayLike<number>, number);
    return width === 1 ? (text[0] as string) : `(${text.join(',')})`;
  });
  if (shape.includes(0)) return 'dense<>';
  return isSplat(data, dtype) ? `dense<${items[0]}>` : `dense<${nested(items, shape)}>`;
}

function nested(items: readonly string[], shape: readonly number[]): string {
  let level = [...items];
  for (let d = shape.length - 1; d >= 0; d--) {
    const width = shape[d] as number;
    const next: string[] = [];
    for (let i = 0; i < level.length; i += width) next.push(`[${level.slice(i, i + width).join(', ')}]`);
    level = next;
  }
  return level[0] ?? '[]';
}

/** As MLIR prints it: six decimals where they read back as the same number, else as many digits as the type may need. */
function floatText(x: number, dtype: DType): string {
  if (!Number.isFinite(x)) {
    const digits = DTYPES[dtype].bits / 4;
    return `0x${bitsOf(dtype, x).toString(16).toUpperCase().padStart(digits, '0')}`;
  }
  const short = Object.is(x, -0)
    ? '-0.000000e+00'
    : x.toExponential(6).replace(/e([+-])(\d)$/, (_, sign: string, digit: string) => `e${sign}0${digit}`);
  return Number(short) === x ? short : exactText(x, DIGITS[dtype] ?? 17);
}

/** Digits that tell any two numbers of a type apart (APFloat::toString). */
const DIGITS: Partial<Record<DType, number>> = { f32: 9, bf16: 4, f16: 5, c64: 9 };

/** Digits without trailing zeros; scientific where more than three zeros would be needed to place them. */
function exactText(x: number, precision: number): string {
  const [, sign = '', first = '0', rest = '', exponent = '0'] =
    /^(-?)(\d)(?:\.(\d*?)0*)?e([+-]\d+)$/.exec(x.toExponential(precision - 1)) ?? [];
  const digits = first + rest;
  const top = Number(exponent);
  const low = top - rest.length;
  if (low >= 0 ? low > 3 || digits.length + low > precision : top < -3)
    return `${sign}${first}.${rest === '' ? '0' : rest}E${top >= 0 ? '+' : '-'}${Math.abs(top)}`;
  if (low >= 0) return `${sign}${digits}${'0'.repeat(low)}.0`;
  if (top < 0) return `${sign}0.${'0'.repeat(-top - 1)}${digits}`;
  return `${sign}${digits.slice(0, top + 1)}.${digits.slice(top + 1)}`;
}
