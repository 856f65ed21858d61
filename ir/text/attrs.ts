/** Attribute values of .tir: trees → attributes, in the form that the op's schema asks for. */
import type { Mesh } from '../mesh.ts';
import type { Attr, Attrs } from '../program.ts';
import { isDType, type TensorType } from '../types.ts';
import type { AstAttr, AstData, AstOp } from './ast.ts';
import { type AttrForm, type AttrSpec, FORMS, schemaOf } from './attr-schema.ts';
import type { LayoutReader } from './layouts.ts';
import { type Problems, suggestion } from './problems.ts';

export class AttrReader {
  private readonly problems: Problems;
  private readonly layouts: LayoutReader;

  constructor(problems: Problems, layouts: LayoutReader) {
    this.problems = problems;
    this.layouts = layouts;
  }

  /** All attributes of an op; `stated` is the type written after it, `rank` that of its first operand. */
  attrs(op: AstOp, given: readonly AstAttr[], stated: TensorType | undefined, operand: TensorType | undefined): Attrs {
    const schema = schemaOf(op.kind.text);
    if (schema === undefined) return this.free(op, given);
    const mesh = this.mesh(op, given, schema);
    const found: Record<string, Attr> = {};
    for (const { name, value } of given) {
      const spec = Object.hasOwn(schema, name.text) ? schema[name.text] : undefined;
      if (spec === undefined) {
        const names = Object.keys(schema);
        this.problems.fail(
          'SH0205',
          `${op.kind.text} has no attribute "${name.text}"`,
          name.span,
          names.length === 0 ? 'no attributes' : names.join(', '),
          suggestion(name.text, names),
        );
      }
      if (Object.hasOwn(found, name.text))
        this.problems.fail('SH0205', `attribute "${name.text}" is given twice`, name.span);
      const what = `${name.text} of ${op.kind.text}`;
      const read = this.value(spec.form, value, mesh, what);
      if (spec.words?.includes(read as string) === false)
        this.problems.fail('SH0106', `this is not ${what}`, value.span, spec.words.join(', '));
      found[name.text] = read;
    }
    for (const [name, spec] of Object.entries(schema)) {
      if (!Object.hasOwn(found, name)) this.complete(op, name, spec, found, mesh, stated, operand);
    }
    return found;
  }

  private mesh(op: AstOp, given: readonly AstAttr[], schema: Readonly<Record<string, AttrSpec>>): Mesh | undefined {
    if (!Object.hasOwn(schema, 'mesh')) return this.layouts.meshes[0];
    const value = given.find((a) => a.name.text === 'mesh')?.value;
    const name =
      value !== undefined && (value.is === 'text' || value.is === 'word')
        ? { text: value.text, span: value.span }
        : undefined;
    return this.layouts.meshOf(name, op.span);
  }

  /** What an attribute is when it is not written. */
  private complete(
    op: AstOp,
    name: string,
    spec: AttrSpec,
    found: Record<string, Attr>,
    mesh: Mesh | undefined,
    stated: TensorType | undefined,
    operand: TensorType | undefined,
  ): void {
    const kind = op.kind.text;
    const ones = (n: number): number[] => Array.from({ length: operand?.shape.length ?? 0 }, () => n);
    const say = (value: Attr): void => {
      found[name] = value;
    };
    if (spec.otherwise !== undefined) return say(spec.otherwise);
    if (name === 'mesh' && mesh !== undefined) return say(mesh.name);
    if (name === 'strides' && kind === 'slice') return say(ones(1));
    if (name === 'interior') return say(ones(0));
    const ofType =
      name === 'shape' || name === 'dtype' ? (stated ?? (kind === 'dot_general' ? operand : undefined)) : undefined;
    if (ofType !== undefined) return say(name === 'shape' ? ofType.shape : ofType.dtype);
    if (name === 'shape' || name === 'dtype')
      this.problems.fail('SH0107', `${kind} needs its result type`, op.span, 'a type after the op, as `: f32[8,16]`');
    if (spec.optional !== true)
      this.problems.fail(
        'SH0205',
        `${kind} lacks its attribute "${name}"`,
        op.kind.span,
        `${name}= ${FORMS[spec.form]}`,
      );
  }

  /** Attributes of an op that only the user's registry knows. */
  private free(_: AstOp, given: readonly AstAttr[]): Attrs {
    return Object.fromEntries(given.map((a) => [a.name.text, this.any(a.value)]));
  }

  private any(data: AstData): Attr {
    switch (data.is) {
      case 'number':
        return Number(data.text);
      case 'bool':
        return data.on;
      case 'text':
      case 'word':
        return data.text;
      case 'list':
        return data.items.map((i) => this.any(i));
      case 'layout':
        return this.layouts.layout(data.layout);
      case 'record':
        return Object.fromEntries(data.fields.map((f) => [f.name.text, this.any(f.value)]));
      case 'axes':
        return data.axes.map((a) => this.layouts.axis(this.layouts.meshOf(undefined, data.span), a));
      default:
        return this.problems.fail('SH0106', 'this is not the value of an attribute', data.span);
    }
  }

  private value(form: AttrForm, data: AstData, mesh: Mesh | undefined, what: string): Attr {
    const wrong = (): never => this.problems.fail('SH0106', `this is not ${what}`, data.span, FORMS[form]);
    const items = (): readonly AstData[] => (data.is === 'list' ? data.items : wrong());
    switch (form) {
      case 'int':
        return data.is === 'number' && Number.isSafeInteger(Number(data.text)) ? Number(data.text) : wrong();
      case 'number':
        return data.is === 'number' ? Number(data.text) : wrong();
      case 'bool':
        return data.is === 'bool' ? data.on : wrong();
      case 'word':
      case 'text':
        return data.is === 'word' || data.is === 'text' ? data.text : wrong();
      case 'dtype':
        return data.is === 'word' && isDType(data.text) ? data.text : wrong();
      case 'layout':
        return data.is === 'layout' ? this.layouts.layout(data.layout) : wrong();
      case 'ints':
        return items().map((i) => this.value('int', i, mesh, what));
      case 'bools':
        return items().map((i) => this.value('bool', i, mesh, what));
      case 'lists':
        return items().map((i) => this.value('ints', i, mesh, what));
      case 'words':
        return items().map((i) => this.value('word', i, mesh, what));
      case 'layouts':
        return items().map((i) => this.value('layout', i, mesh, what));
      case 'axes':
        return data.is === 'axes' && mesh !== undefined ? data.axes.map((a) => this.layouts.axis(mesh, a)) : wrong();
      case 'axes_lists':
        return items().map((i) => this.value('axes', i, mesh, what));
      case 'moves':
        return items().map((i) => this.move(i, mesh, what));
    }
  }

  private move(data: AstData, mesh: Mesh | undefined, what: string): Attr {
    const forms: Readonly<Record<string, AttrForm>> = { axes: 'axes', source: 'int', target: 'int' };
    const fields = data.is === 'record' ? data.fields : [];
    const complete = fields.length === 3 && fields.every((f) => Object.hasOwn(forms, f.name.text));
    if (!complete) this.problems.fail('SH0106', `this is not one of ${what}`, data.span, FORMS.moves);
    return Object.fromEntries(
      fields.map((f) => [f.name.text, this.value(forms[f.name.text] as AttrForm, f.value, mesh, what)]),
    );
  }
}
