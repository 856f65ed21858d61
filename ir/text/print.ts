/** A module → canonical .tir text, at every level. `parseTir` reads it back as the same program. */
import { toBase64 } from '../elements.ts';
import { type Layout, layoutText } from '../layout.ts';
import { type AxisRef, axisText, type Mesh } from '../mesh.ts';
import {
  type Attr,
  type Block,
  type ElementArray,
  type Elements,
  type Func,
  isCollective,
  meshOf,
  type Module,
  type Op,
  synchronous,
  type ValueId,
  valueInfo,
} from '../program.ts';
import type { DimPadding } from '../padding.ts';
import { DTYPES, type TensorType, typeText } from '../types.ts';
import { type AttrForm, type AttrSpec, schemaOf } from './attr-schema.ts';

export interface PrintOptions {
  /** After an op that a pass made: why, as a comment. */
  readonly reasons?: boolean;
}

export function printTir(module: Module, options: PrintOptions = {}): string {
  const level = module.level === 'parsed' ? '' : ` ${module.level}`;
  const head = [`module @${nameText(module.name)}${level}`, ...module.meshes.map(meshText)].join('\n');
  return [head, ...module.functions.map((f) => new FunctionPrinter(module, f, options).text())]
    .join('\n\n')
    .concat('\n');
}

function meshText(mesh: Mesh): string {
  const axes = mesh.axes.map((a) => `${a.name}=${a.size}`).join(', ');
  return `mesh @${nameText(mesh.name)} {${axes}}${mesh.deviceIds === undefined ? '' : ` devices=[${mesh.deviceIds.join(', ')}]`}`;
}

const nameText = (name: string): string => name.replace(/[^A-Za-z0-9_$.]/g, '_').replace(/^(?=[0-9.]|$)/, '_');

const REGION_LABELS: Readonly<Record<string, readonly string[]>> = { while: ['cond ', 'do '] };
/** Longer constants are written as bytes. */
const LONG = 16;

class FunctionPrinter {
  private readonly module: Module;
  private readonly func: Func;
  private readonly options: PrintOptions;
  private readonly names: readonly string[];
  private readonly lines: string[] = [];

  constructor(module: Module, func: Func, options: PrintOptions) {
    this.module = module;
    this.func = func;
    this.options = options;
    this.names = namesOf(func);
  }

  text(): string {
    const { func } = this;
    const params = func.body.params.map((p, i) => this.param(p) + quoted(func.paramAttrs[i]));
    const results = func.resultTypes.map(
      (t, i) => `${this.typed(t, func.resultLayouts[i])}${quoted(func.resultAttrs[i])}`,
    );
    const line = (open: string, items: readonly string[]): string => {
      const flat = `${open}(${items.join(', ')})`;
      return flat.length <= 110 || items.length < 2
        ? flat
        : `${open}(\n${items.map((t) => `    ${t}`).join(',\n')}\n  )`;
    };
    this.lines.push(
      `${func.isPublic ? '' : 'private '}${line(`func @${nameText(func.name)}`, params)}${line(' -> ', results)} {`,
    );
    this.ops(func.body, '  ');
    this.lines.push('}');
    return this.lines.join('\n');
  }

  private ops(block: Block, indent: string): void {
    for (const op of block.ops) this.op(op, indent);
  }

  private op(op: Op, indent: string): void {
    const { reasons } = this.options;
    const why =
      reasons === true && op.origin.pass !== undefined && op.origin.reason !== undefined
        ? `  // ${op.origin.pass}: ${op.origin.reason}`
        : '';
    const types = op.results.length === 0 ? '' : ` : ${op.results.map((r) => this.valueType(r)).join(', ')}`;
    const results = op.results.length === 0 ? '' : `${op.results.map((r) => `%${this.names[r] ?? ''}`).join(', ')} = `;
    const head = `${indent}${results}${this.head(op)}`;
    if (op.regions.length === 0) {
      this.lines.push(`${head}${types}${why}`);
      return;
    }
    const [region] = op.regions;
    if (op.regions.length === 1 && region !== undefined && isExpression(region)) {
      this.lines.push(`${head} ${this.regionParams(region)} -> ${this.head(region.ops[0] as Op)}${types}${why}`);
      return;
    }
    this.regions(op, head, `${types}${why}`, indent);
  }

  private regions(op: Op, head: string, tail: string, indent: string): void {
    const isIf = op.kind === 'case' && op.regions.length === 2 && this.type(op.operands[0] as ValueId).dtype === 'pred';
    op.regions.forEach((block, i) => {
      const label = isIf ? ['then ', 'else '][i] : (REGION_LABELS[op.kind]?.[i] ?? '');
      const params = block.params.length === 0 ? '' : `${this.regionParams(block)} `;
      this.lines.push(`${i === 0 ? `${head} ` : `${indent}} `}${label ?? ''}${params}{`);
      this.ops(block, `${indent}  `);
    });
    this.lines.push(`${indent}}${tail}`);
  }

  private regionParams(block: Block): string {
    return `(${block.params.map((p) => this.param(p)).join(', ')})`;
  }

  /** Kind, operands and attributes. */
  private head(op: Op): string {
    const { kind } = op;
    if (kind === 'constant')
      return `constant ${elementsText((op.attrs.value as Elements).data, this.type(op.results[0] as ValueId))}`;
    const operands = op.operands.map((v) => `%${this.names[v] ?? ''}`);
    const isLayoutOp = kind === 'sharding_constraint' || kind === 'reshard';
    if (isLayoutOp) operands.push(this.layout(op.attrs.layout as Layout));
    if (kind === 'call') return `call @${nameText(op.attrs.callee as string)}(${operands.join(', ')})`;
    const attrs = this.attrs(isLayoutOp ? { ...op, attrs: { ...op.attrs, layout: undefined } } : op);
    return `${kind}${operands.length === 0 ? '' : ` ${operands.join(', ')}`}${attrs}`;
  }

  private attrs(op: Op): string {
    const schema = schemaOf(op.kind);
    const result = op.results[0] === undefined ? undefined : this.type(op.results[0]);
    const parts: string[] = [];
    for (const [name, value] of Object.entries(op.attrs)) {
      const spec = schema?.[name];
      if (value === undefined || (spec !== undefined && this.goesWithout(op, name, spec, value, result))) continue;
      parts.push(` ${name}=${this.attr(value, spec?.form)}`);
    }
    return parts.join('');
  }

  /** Left out: what the parser fills in. */
  private goesWithout(op: Op, name: string, spec: AttrSpec, value: Attr, result: TensorType | undefined): boolean {
    if (spec.otherwise !== undefined && JSON.stringify(spec.otherwise) === JSON.stringify(value)) return true;
    if (name === 'mesh' && spec.optional === true) return value === this.module.meshes[0]?.name;
    if (name === 'shape') return result !== undefined && (value as readonly number[]).join() === result.shape.join();
    if (name === 'dtype') return result !== undefined && value === result.dtype;
    const all = (n: number): boolean => (value as readonly number[]).every((v) => v === n);
    return (name === 'strides' && op.kind === 'slice' && all(1)) || (name === 'interior' && all(0));
  }

  private attr(value: Attr, form: AttrForm | undefined): string {
    if (form === 'text') return JSON.stringify(value);
    if (form === 'axes') return this.axes(value as readonly AxisRef[]);
    if (form === 'axes_lists')
      return `[${(value as readonly (readonly AxisRef[])[]).map((a) => this.axes(a)).join(', ')}]`;
    if (form === 'moves') {
      const moves = value as readonly { axes: readonly AxisRef[]; source: number; target: number }[];
      return `[${moves.map((m) => `{axes=${this.axes(m.axes)}, source=${m.source}, target=${m.target}}`).join(', ')}]`;
    }
    if (Array.isArray(value)) return `[${(value as readonly Attr[]).map((v) => this.attr(v, undefined)).join(', ')}]`;
    if (isLayout(value)) return this.layout(value);
    if (typeof value === 'string') return /^[A-Za-z_$][\w$.]*$/.test(value) ? value : JSON.stringify(value);
    if (typeof value === 'object')
      return `{${Object.entries(value)
        .map(([k, v]) => `${k}=${this.attr(v as Attr, undefined)}`)
        .join(', ')}}`;
    return String(value);
  }

  private axes(axes: readonly AxisRef[]): string {
    return `{${axes.map((a) => this.axis(a)).join(', ')}}`;
  }

  private axis(axis: AxisRef): string {
    const mesh = this.module.meshes.find((m) => m.axes.some((a) => a.name === axis.name));
    return mesh === undefined ? axis.name : axisText(mesh, axis);
  }

  private layout(layout: Layout): string {
    const mesh = meshOf(this.module, layout.mesh);
    return `@${mesh === this.module.meshes[0] ? '' : nameText(mesh.name)}${layoutText(mesh, layout)}`;
  }

  private typed(type: TensorType, layout: Layout | undefined): string {
    return `${typeText(type)}${layout === undefined ? '' : this.layout(layout)}`;
  }

  /** At global levels with what of it is padding: `f32[6+2(0.0), 16]`. */
  private valueType(id: ValueId): string {
    const { type, layout, padding } = valueInfo(this.func, id);
    const { level } = this.module;
    if (padding === undefined || level === 'local' || level === 'scheduled') return this.typed(type, layout);
    const extents = type.shape.map((n, d) => extentText(n, padding[d], type));
    return `${type.dtype}[${extents.join(',')}]${layout === undefined ? '' : this.layout(layout)}`;
  }

  private param(id: ValueId): string {
    return `%${this.names[id] ?? ''}: ${this.valueType(id)}`;
  }

  private type(id: ValueId): TensorType {
    return valueInfo(this.func, id).type;
  }
}

function extentText(n: number, padding: DimPadding | undefined, type: TensorType): string {
  if (padding === undefined) return String(n);
  const { size, padded, holds } = padding;
  const known = holds === 'finite' ? '(finite)' : holds === 'unknown' ? '' : `(${scalarText(holds.value, type)})`;
  return `${size}+${padded - size}${known}`;
}

/** A number as a constant's element is written; of a complex type its real part. */
function scalarText(value: number | bigint, { dtype }: TensorType): string {
  const { class: cls } = DTYPES[dtype];
  if (cls === 'pred') return String(Number(value) !== 0);
  return cls === 'float' || cls === 'complex' ? number(value as number) : String(value);
}

const isLayout = (value: Attr): value is Layout =>
  typeof value === 'object' && value !== null && 'dims' in value && 'mesh' in value;

const quoted = (text: string | undefined): string => (text === undefined ? '' : ` ${JSON.stringify(text)}`);

/** `(%a, %b) -> add %a, %b`: one op, no regions of its own, whose results are returned. */
function isExpression(block: Block): boolean {
  const [op, end] = block.ops;
  if (
    op === undefined ||
    end?.kind !== 'return' ||
    block.ops.length !== 2 ||
    op.regions.length > 0 ||
    op.results.length !== 1
  )
    return false;
  const known = op.kind !== 'constant' && !isCollective(synchronous(op));
  const schema = schemaOf(op.kind);
  const needsType = schema !== undefined && Object.values(schema).some((s) => s.form === 'dtype');
  return (
    known &&
    !needsType &&
    op.results.length === end.operands.length &&
    op.results.every((r, i) => r === end.operands[i])
  );
}

/** The names of the source where they are free, numbers otherwise; unique in the function. */
function namesOf(func: Func): string[] {
  const names = func.values.map((v) => v.name?.replace(/[^A-Za-z0-9_$.]/g, '_'));
  const taken = new Set<string>();
  const unique = names.map((name) => {
    if (name === undefined || name === '') return undefined;
    let free = name;
    for (let n = 1; taken.has(free); n++) free = `${name}_${n}`;
    taken.add(free);
    return free;
  });
  let next = 0;
  return unique.map((name) => {
    if (name !== undefined) return name;
    while (taken.has(String(next))) next++;
    return String(next++);
  });
}

function elementsText(data: ElementArray, type: TensorType): string {
  const { class: cls } = DTYPES[type.dtype];
  const one = (i: number): string => {
    if (cls === 'complex') return `(${number(data[2 * i] as number)}, ${number(data[2 * i + 1] as number)})`;
    return cls === 'pred' ? String(data[i] !== 0) : cls === 'float' ? number(data[i] as number) : String(data[i]);
  };
  const count = data.length / (cls === 'complex' ? 2 : 1);
  if (count === 1) return type.shape.length > 0 && type.shape.every((n) => n === 1) ? `[${one(0)}]` : one(0);
  if (count > LONG) return `base64"${toBase64(data)}"`;
  return `[${Array.from({ length: count }, (_, i) => one(i)).join(', ')}]`;
}

/** Shortest text that reads back as the same f64. */
function number(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
