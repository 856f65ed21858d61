/**
 * A builder for ops that users write in code: their attributes have the forms that text has by its grammar. Types of
 * TypeScript do not say that a number is whole, and are not looked at when a file is run.
 */
import { InferError } from '../../ir/op.ts';
import type { Attrs, Block, ValueId } from '../../ir/program.ts';
import { type AttrForm, FORMS, schemaOf } from '../../ir/text/attr-schema.ts';
import { TypedBuilder } from '../../ir/typed-build.ts';
import { isDType, type TensorType } from '../../ir/types.ts';

export class CheckedBuilder extends TypedBuilder {
  override inferred(
    kind: string,
    operands: readonly ValueId[],
    attrs: Attrs,
    regions: readonly Block[],
  ): readonly TensorType[] {
    const mistake = attrMistake(kind, attrs);
    if (mistake !== undefined) throw new InferError(mistake);
    return super.inferred(kind, operands, attrs, regions);
  }
}

function attrMistake(kind: string, attrs: Attrs): string | undefined {
  for (const [name, spec] of Object.entries(schemaOf(kind) ?? {})) {
    const value: unknown = attrs[name];
    if (value === undefined && spec.optional === true) continue;
    if (HAS_FORM[spec.form]?.(value) === false) return `${name} of ${kind} is ${shown(value)}, not ${FORMS[spec.form]}`;
    if (spec.words?.includes(value as string) === false)
      return `${name} of ${kind} is ${shown(value)}, not one of ${spec.words.join(', ')}`;
  }
  return undefined;
}

const isWhole = (x: unknown): boolean => Number.isSafeInteger(x);
const listOf =
  (fits: (x: unknown) => boolean) =>
  (x: unknown): boolean =>
    Array.isArray(x) && x.every(fits);
const isText = (x: unknown): boolean => typeof x === 'string';
const isTruth = (x: unknown): boolean => typeof x === 'boolean';

/** Layouts, axes and elements are made by shardc's own functions. */
const HAS_FORM: Readonly<Partial<Record<AttrForm, (x: unknown) => boolean>>> = {
  int: isWhole,
  number: (x) => typeof x === 'number',
  ints: listOf(isWhole),
  bool: isTruth,
  bools: listOf(isTruth),
  word: isText,
  dtype: (x) => typeof x === 'string' && isDType(x),
  lists: listOf(listOf(isWhole)),
};

/** As it is written; a symbol, or an object without a prototype, has no text of its own. */
const shown = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(shown).join(', ')}]`
    : typeof value === 'object' && value !== null
      ? 'an object'
      : typeof value === 'string'
        ? JSON.stringify(value)
        : String(value);
