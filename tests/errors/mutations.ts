/** Damaged programs: bytes flipped, tokens swapped, dropped or repeated, absurd numbers and names, deep nesting. */
import type { Random } from '../../runtime-sim/random.ts';

type Mutation = (text: string, random: Random) => string;

const TOKEN = /[%@#!]?[\w$.-]+|"[^"\n]*"|->|\s+|./g;
const HOSTILE_NUMBERS = [
  '4611686018427387904',
  '-1',
  '0',
  '1e308',
  '99999999999999999999999',
  '9007199254740993',
  'NaN',
];
const HOSTILE_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '\u0000', '𝔵', '%', 'x'.repeat(5000)];
const BRACKETS = ['(', '[', '{', '<', '((((', '}}', '//', '"', '/*'];

const replaceAt = (text: string, at: number, length: number, by: string): string =>
  text.slice(0, at) + by + text.slice(at + length);

/** Replaces one match of a pattern, if there is any. */
const one =
  (pattern: RegExp, by: (found: string, random: Random) => string): Mutation =>
  (text, random) => {
    const found = [...text.matchAll(pattern)];
    const chosen = found[random.integer(0, Math.max(1, found.length))];
    return chosen === undefined ? text : replaceAt(text, chosen.index, chosen[0].length, by(chosen[0], random));
  };

const pick = <T>(list: readonly T[], random: Random): T => list[random.integer(0, list.length)] as T;

const MUTATIONS: readonly Mutation[] = [
  one(/[\s\S]/g, (c, random) => String.fromCharCode(c.charCodeAt(0) ^ (1 << random.integer(0, 7)))),
  one(/[\s\S]/g, () => ''),
  one(TOKEN, () => ''),
  one(TOKEN, (token) => `${token} ${token}`),
  one(TOKEN, (_, random) => pick(BRACKETS, random)),
  one(/\d+/g, (_, random) => pick(HOSTILE_NUMBERS, random)),
  one(/\d+/g, (n, random) => String(Number(n) + random.integer(0, 5) - 2)),
  one(/[A-Za-z_]\w*/g, (_, random) => pick(HOSTILE_NAMES, random)),
  one(/\b(f32|i32|bf16|i1|f64|pred)\b/g, (_, random) =>
    pick(['i4', 'pred', 'c64', 'token', 'f8E5M2', 'i64', 'x9'], random),
  ),
  one(/[([{<]/g, (open, random) => open.repeat(random.integer(1, 2000))),
  one(/\n/g, (_, random) => `\n${pick(['}', '%0 = ', 'return', 'func @f() {', 'module', '^bb0:'], random)}\n`),
  swapTokens,
  swapLines,
  (text, random) => text.slice(0, random.integer(0, text.length)),
];

function swapTokens(text: string, random: Random): string {
  const tokens = text.match(TOKEN) ?? [];
  const [a, b] = [random.integer(0, tokens.length), random.integer(0, tokens.length)];
  [tokens[a], tokens[b]] = [tokens[b] as string, tokens[a] as string];
  return tokens.join('');
}

function swapLines(text: string, random: Random): string {
  const lines = text.split('\n');
  const [a, b] = [random.integer(0, lines.length), random.integer(0, lines.length)];
  [lines[a], lines[b]] = [lines[b] as string, lines[a] as string];
  return lines.join('\n');
}

/** The text with one to three kinds of damage. */
export function mutated(text: string, random: Random): string {
  let damaged = text;
  for (let left = random.integer(1, 4); left > 0; left--) damaged = pick(MUTATIONS, random)(damaged, random);
  return damaged;
}
