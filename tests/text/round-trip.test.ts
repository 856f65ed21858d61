/** print ∘ parse is the identity at every level, and so is what the program computes. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, machine, type Module, parseTir, printTir, registry } from '../../compiler/index.ts';
import { parseSource } from '../../compiler/load.ts';
import { EachPassVerifier } from '../../compiler/verify-each.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';

const FILES = ['examples', 'tests/xla/fixtures'].flatMap((dir) =>
  readdirSync(dir)
    .filter((f) => /\.(mlir|tir)$/.test(f))
    .map((f) => `${dir}/${f}`),
);

const load = (file: string): Module => parseSource({ file, text: readFileSync(file, 'utf8') });
const again = (text: string): Module => parseTir({ file: 'again.tir', text });

/** Values by order of appearance: names come from the text a program was read from. */
function renumbered(text: string): string {
  const numbers = new Map<string, number>();
  return text.replace(/%[\w$.]+/g, (name) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    return `%${numbers.get(name)}`;
  });
}

describe('round trip', () => {
  it('has programs of both languages', () => {
    expect(FILES.filter((f) => f.endsWith('.tir')).length).toBeGreaterThan(0);
    expect(FILES.filter((f) => f.endsWith('.mlir')).length).toBeGreaterThan(4);
  });

  it.each(FILES)(
    '%s: text and numbers after every pass',
    (file) => {
      const module = load(file);
      const verifier = new EachPassVerifier(module, registry, 1);
      expect(verifier.skipped).toBeUndefined();
      verifier.after('parse', module);
      const seen: string[] = [];
      compile(module, {
        pace: paceOn(machine('tpu-v4'), registry),
        onPass(pass, result) {
          verifier.after(pass.name, result);
          seen.push(result.level);
        },
      });
      expect(new Set(seen)).toEqual(new Set(['parsed', 'propagated', 'resharded', 'collective', 'local', 'scheduled']));
    },
    240_000,
  );

  it('a program that was printed compiles to the same per-device program', () => {
    const module = load('examples/decoder_step.mlir');
    const direct = renumbered(printTir(compile(module).module));
    expect(renumbered(printTir(compile(again(printTir(module))).module))).toBe(direct);
  });
});

describe('--verify-each catches', () => {
  const module = load('examples/mlp.mlir');
  const verifier = new EachPassVerifier(module, registry, 1);
  const { propagated } = compile(module);
  const edited = (edit: (text: string) => string): Module => again(edit(printTir(propagated as Module)));

  it('another number', () => {
    expect(() =>
      verifier.after(
        'propagate',
        edited((t) => t.replace('constant 0.0', 'constant 0.5')),
      ),
    ).toThrow(/after propagate: result 0 differs/);
  });
  it('another op', () => {
    expect(() =>
      verifier.after(
        'propagate',
        edited((t) => t.replace('maximum', 'minimum')),
      ),
    ).toThrow(/differs/);
  });
});
