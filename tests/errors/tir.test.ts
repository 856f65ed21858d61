/** Bad .tir: every mistake has its code and its place, all at once, and none hides another. */
import { describe, expect, it } from 'vitest';
import { compile, type Diagnostic, DiagnosticError, overrideMesh, parseTir } from '../../compiler/index.ts';

const good = `module @m
mesh @mesh {x=2, y=4}

func @main(%a: f32[8, 16] @{x, _}, %w: f32[16, 32] @{_, y}) -> (f32[8, 32]) {
  %h = einsum "bm,mf->bf" %a, %w
  %r = relu %h
  return %r
}
`;

/** `code line:text-under-the-caret`, one a mistake. */
function mistakes(text: string, mesh?: string): string[] {
  try {
    const module = parseTir({ file: 'bad.tir', text });
    compile(mesh === undefined ? module : overrideMesh(module, mesh));
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const d of error.diagnostics) expect(d.cause, d.message).toBe('user');
    return error.diagnostics.map((d) => shown(d, text));
  }
  return [];
}

function shown({ code, span }: Diagnostic, text: string): string {
  if (span === undefined) return code;
  return `${code} ${text.slice(0, span.start).split('\n').length}:${text.slice(span.start, span.end).slice(0, 40)}`;
}

describe('bad .tir', () => {
  it('the good one compiles', () => expect(mistakes(good)).toEqual([]));

  it.each<[string, string, string[]]>([
    ['unknown axis', good.replace('@{x, _}', '@{z, _}'), ['SH0210 4:z']],
    ['axis used twice', good.replace('@{x, _}', '@{x, x}'), ['SH0211 4:@{x, x}']],
    ['rank mismatch of a layout', good.replace('@{x, _}', '@{x}'), ['SH0212 4:%a']],
    ['unknown mesh', good.replace('@{x, _}', '@grid{x, _}'), ['SH0214 4:@grid']],
    ['no mesh', good.replace(/mesh .*\n/, '').replaceAll(/ @\{[^}]*\}/g, ''), ['SH0216']],
    ['type error', good.replace('-> (f32[8, 32])', '-> (f32[8, 33])'), ['SH0204']],
    ['stated type', good.replace('relu %h', 'relu %h : f32[8, 31]'), ['SH0204']],
    ['operands that do not fit', good.replace('bm,mf->bf', 'bm,fm->bf'), ['SH0204']],
    [
      'the largest of complex numbers',
      good.replace('relu %h', 'convert %h : c64[8, 32]\n  %k, %i = top_k %r k=2'),
      ['SH0204'],
    ],
    ['undefined value', good.replace('relu %h', 'relu %hh'), ['SH0201 6:%hh']],
    ['a value used before it is defined', good.replace('relu %h', 'add %r, %h'), ['SH0201']],
    ['unknown op', good.replace('relu', 'rellu'), ['SH0202 6:rellu']],
    ['unknown attribute', good.replace('relu %h', 'transpose %h permutaton=[1, 0]'), ['SH0205']],
    ['defined twice', good.replace('%r = relu %h', '%h = relu %h'), ['SH0203 6:%h', 'SH0201 7:%r']],
    ['unknown function', good.replace('relu %h', 'call @nobody(%h)'), ['SH0220']],
    [
      'functions that call the next one twice, 40 deep',
      `${good.replace('relu %h', 'call @f0(%h)')}${Array.from({ length: 40 }, (_, i) => `private func @f${i}(%a: f32[8, 32]) -> (f32[8, 32]) {\n  %b = ${i === 39 ? 'tanh %a' : `call @f${i + 1}(%a)`}\n  %c = ${i === 39 ? 'tanh %b' : `call @f${i + 1}(%b)`}\n  return %c\n}\n`).join('')}`,
      ['SH0006 110:%b = call @f21(%a)'],
    ],
    [
      'cyclic call',
      good.replace('relu %h', 'call @main(%a, %w)').replace('-> (f32[8, 32])', '-> (f32[8, 32])'),
      ['SH0221'],
    ],
    ['truncated', good.slice(0, 150), ['SH0102']],
    ['binary garbage', '\u0000\u0001\ufffdML\u00efR\u0000', ['SH0101']],
    ['unterminated 10 MB token', good.replace('"bm,mf->bf"', `"${'x'.repeat(1e7)}`), ['SH0101']],
    ['nesting 100,000 deep', good.replace('relu %h', `constant ${'['.repeat(1e5)}`), ['SH0104']],
    ['a size of 2^62', good.replace('8, 16', '4611686018427387904, 16'), ['SH0105 4:4611']],
    ['__proto__ as an axis', good.replace('@{x, _}', '@{__proto__, _}'), ['SH0210 4:__proto__']],
    ['__proto__ as an op', good.replace('relu', '__proto__'), ['SH0202 6:__proto__']],
    ['no return', good.replace('  return %r\n', ''), ['SH0222']],
    ['an axis of size 0', good.replace('x=2', 'x=0'), ['SH0105 2:0']],
  ])('%s', (_, text, expected) => {
    const found = mistakes(text);
    expect(found.length, found.join('\n')).toBeGreaterThan(0);
    expected.forEach((e, i) =>
      expect(found[i], found.join('\n')).toMatch(new RegExp(`^${e.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`)),
    );
    expect(found.length, found.join('\n')).toBe(expected.length);
  });

  it('tells all mistakes of a text, syntax and meaning, and nothing that only follows from them', () => {
    const text = good
      .replace('@{x, _}', '@{z, _}')
      .replace('%h = einsum "bm,mf->bf" %a, %w', '%h = = einsum "bm,mf->bf" %a, %w\n  %k = rellu %w')
      .replace('return', '%s = add %h, %nobody\n  return');
    expect(
      mistakes(text)
        .map((m) => m.slice(0, 6))
        .sort(),
    ).toEqual(['SH0102', 'SH0201', 'SH0202', 'SH0210']);
  });

  it.each(['2x2x2', 'z=4', '0x4', '2xfour'])('--mesh %s', (mesh) => expect(mistakes(good, mesh)[0]).toMatch(/^SH0213/));
});

describe('a sum owed where the program begins or ends is named as not supported', () => {
  it.each<[string, string, RegExp]>([
    ['an argument', 'func @main(%a: f32[4] @{_; unreduced=x}) {\n return %a\n}', /argument %a of @main/],
    [
      'an argument, by its group',
      `func @main(%a: f32[4], %b: f32[4]) {
  %n = negate %a
  %c = sharding_constraint %n, @{_; unreduced=x}
  sharding_group %c group=0
  sharding_group %b group=0
  return %b
}`,
      /argument %b of @main/,
    ],
    [
      'a result',
      `func @main(%a: f32[4, 4] @{_, x}, %b: f32[4, 4] @{x, _}) -> (f32[4, 4] @{_, _; unreduced=x}) {
  %c = dot_general %a, %b lhs_contracting=[1] rhs_contracting=[0]
  return %c
}`,
      /result 0 of @main/,
    ],
  ])('%s', (_, text, message) => {
    expect(unsupportedIn(`mesh @mesh {x=2}\n${text}`)).toMatch(message);
  });
});

it('manual computations over meshes of other axes are named as not supported', () => {
  const text = `mesh @mesh {a=2, b=2}
mesh @other {x=4}
func @main(%0: f32[4]) -> (f32[4]) {
  %1 = manual_computation %0 in_layouts=[@{a}] out_layouts=[@{a}] manual_axes=[a] (%p: f32[2]) {
    return %p
  } : f32[4]
  %2 = manual_computation %1 in_layouts=[@other{x}] out_layouts=[@other{x}] manual_axes=[x] (%p: f32[1]) {
    return %p
  } : f32[4]
  return %2
}`;
  expect(unsupportedIn(text)).toMatch(/over the axes of mesh @other, beside one over those of @mesh/);
});

function unsupportedIn(text: string): string {
  try {
    compile(parseTir({ file: 'owed.tir', text }));
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    for (const d of error.diagnostics) expect(d.cause, d.message).toBe('unsupported');
    return error.message;
  }
  return 'nothing';
}
