/** What the parser gives: the text as a tree, every part with its place. Names are not resolved yet. */
import type { Span } from '../program.ts';

export interface AstName {
  readonly text: string;
  readonly span: Span;
}

export interface AstFile {
  readonly name?: AstName;
  readonly level?: AstName;
  readonly meshes: readonly AstMesh[];
  readonly functions: readonly AstFunction[];
}

export interface AstMesh {
  readonly name: AstName;
  readonly axes: readonly { readonly name: AstName; readonly size: AstName }[];
  readonly devices?: AstData;
}

export interface AstFunction {
  readonly name: AstName;
  readonly isPublic: boolean;
  readonly params: readonly AstParam[];
  /** Absent = the types of what is returned. */
  readonly results?: readonly AstResult[];
  readonly body: AstBlock;
}

export interface AstParam {
  readonly name: AstName;
  readonly type?: AstType;
  readonly layout?: AstLayout;
  readonly attrs?: AstName;
}

export interface AstResult {
  readonly type?: AstType;
  readonly layout?: AstLayout;
  readonly attrs?: AstName;
  readonly span: Span;
}

/** `f32[8,128]`; sizes are still text. */
export interface AstType {
  readonly dtype: AstName;
  readonly shape: readonly AstExtent[];
  readonly span: Span;
}

/** `6+2(0.0)`: so many elements, and others that are padding, with what these hold where something is known of them. */
export interface AstExtent {
  readonly size: AstName;
  readonly more?: AstName;
  readonly holds?: AstData;
}

export interface AstAxis {
  readonly name: AstName;
  readonly pre?: AstName;
  readonly size?: AstName;
  readonly span: Span;
}
export interface AstDim {
  readonly axes: readonly AstAxis[];
  readonly open: boolean;
  readonly priority?: AstName;
}
export interface AstLayout {
  /** Absent = the first mesh. */
  readonly mesh?: AstName;
  readonly dims: readonly AstDim[];
  readonly extras: readonly { readonly key: AstName; readonly axes: readonly AstAxis[] }[];
  readonly span: Span;
}

export interface AstBlock {
  readonly params: readonly AstParam[];
  readonly ops: readonly AstOp[];
  /** `-> op`: the results of the one op are returned. */
  readonly isExpression: boolean;
  readonly span: Span;
}

export interface AstOp {
  readonly results: readonly AstName[];
  readonly kind: AstName;
  /** It holds a syntax error, told already; only its results are known. */
  readonly isBroken?: true;
  readonly callee?: AstName;
  readonly equation?: AstName;
  readonly operands: readonly AstData[];
  readonly attrs: readonly AstAttr[];
  readonly regions: readonly { readonly label?: AstName; readonly block: AstBlock }[];
  readonly annotations: readonly AstResult[];
  readonly span: Span;
}

export interface AstAttr {
  readonly name: AstName;
  readonly value: AstData;
}

/** An operand or an attribute value. */
export type AstData = { readonly span: Span } & (
  | { readonly is: 'value'; readonly text: string }
  | { readonly is: 'number'; readonly text: string }
  | { readonly is: 'text'; readonly text: string }
  | { readonly is: 'word'; readonly text: string }
  | { readonly is: 'base64'; readonly text: string }
  | { readonly is: 'bool'; readonly on: boolean }
  | { readonly is: 'list'; readonly items: readonly AstData[] }
  | { readonly is: 'pair'; readonly re: AstName; readonly im: AstName }
  | { readonly is: 'axes'; readonly axes: readonly AstAxis[] }
  | { readonly is: 'record'; readonly fields: readonly AstAttr[] }
  | { readonly is: 'layout'; readonly layout: AstLayout }
);
