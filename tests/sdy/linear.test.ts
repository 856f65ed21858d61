/** What Shardy's passes do with a module grows as the module does, however many constants it has and however deep it nests. */
import { expect, it, vi } from 'vitest';
import type { EditModule } from '../../ir/edit.ts';
import { edit } from '../../ir/edit-convert.ts';
import { registry } from '../../ir/ops/index.ts';
import { parseTir } from '../../ir/text/parse.ts';
import { Graph } from '../../passes/propagate/graph.ts';
import { edgesAtComputations, importCalls } from '../../passes/shardy/calls.ts';
import { mergeConstants } from '../../passes/shardy/constants.ts';

const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const read = (text: string): EditModule => edit(parseTir({ file: 'linear.tir', text }));

/** Every function calls the next: as named computations they nest as deep as there are functions. */
function nested(depth: number): EditModule {
  const module = read(`module @m
mesh @mesh {x=2}
func @f0(%a: f32[8] @{x}) -> f32[8] { %b = call @f1(%a) : f32[8]  return %b }
${numbers(depth)
  .map((i) => `private func @f${i + 1}(%a: f32[8]) -> f32[8] { ${bodyOf(i + 1 < depth ? i + 2 : undefined)} }`)
  .join('\n')}
`);
  importCalls(module);
  edgesAtComputations(module);
  return module;
}

const bodyOf = (callee: number | undefined): string =>
  callee === undefined ? '%b = tanh %a  return %b' : `%b = tanh %a  %c = call @f${callee}(%b) : f32[8]  return %c`;

/** How often a walk comes to an op, per op. */
function visitsPerOp(module: EditModule, run: () => void): number {
  let visits = 0;
  const ops = module.ops();
  for (const op of ops) {
    const { regions } = op;
    Object.defineProperty(op, 'regions', {
      get: () => {
        visits++;
        return regions;
      },
    });
  }
  run();
  return visits / ops.length;
}

it('propagation walks over an op in 800 nested computations as often as over one in 100', () => {
  const [shallow, deep] = [100, 800].map((depth) => {
    const module = nested(depth);
    return visitsPerOp(module, () => new Graph(module, registry));
  }) as [number, number];
  expect(shallow).toBeGreaterThan(1);
  expect(deep / shallow).toBeLessThan(1.2);
});

it('constants that differ are not compared with each other', () => {
  const module = read(`module @m
mesh @mesh {x=2}
func @f(%a: f32[2] @{x}) -> f32[2] {
  ${numbers(500)
    .map((i) => `%c${i} = constant [${i % 250}.0, 1.0] : f32[2]  %s${i} = add ${i === 0 ? '%a' : `%s${i - 1}`}, %c${i}`)
    .join('\n  ')}
  return %s499
}
`);
  const equals = vi.spyOn(Buffer.prototype, 'equals');
  mergeConstants(module);
  expect(module.ops().filter((op) => op.kind === 'constant')).toHaveLength(250);
  expect(equals.mock.calls.length).toBeLessThan(300);
  equals.mockRestore();
});
