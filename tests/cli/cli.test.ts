/** The command line as a user meets it: what it prints, where, and with which exit code. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTir, printTir } from '../../compiler/index.ts';
import { shardc } from './shardc.ts';

const folder = mkdtempSync(join(tmpdir(), 'shardc-'));
const BLOCK = 'examples/block.tir';

describe('shardc diff', () => {
  const report = join(folder, 'before.json');

  it('shows what a change does, and holds it to limits on what is added', () => {
    shardc([BLOCK, '--check', 'off', '--emit', `report=${report}`]);
    const fewer = shardc(['diff', report, BLOCK, '--mesh', '4x2', '--limit', 'wire=+0']);
    expect(fewer.code).toBe(0);
    expect(fewer.out).toMatch(/all_reduce +2× {2}98\.3 KB +2× {2}32\.8 KB +-65\.5 KB {2}-66\.7 %/);
    expect(fewer.out).toMatch(/examples\/block\.tir:37 +49\.2 KB +16\.4 KB/);
    const more = shardc(['diff', report, BLOCK, '--mesh', '1x8', '--limit', 'wire=+20%', '--limit', 'memory=+0']);
    expect(more.code).toBe(1);
    expect(more.err).toContain('more than before');
  });

  it('prints JSON of the same, and reads nothing else than reports and programs', () => {
    const { out } = shardc(['diff', report, report, '--json']);
    const found = JSON.parse(out) as { figures: { name: string; before: number; after: number }[]; places: unknown[] };
    expect(found.places).toEqual([]);
    for (const f of found.figures) expect(f.after, f.name).toBe(f.before);
    const { code, err } = shardc(['diff', 'package.json', report]);
    expect(code).toBe(1);
    expect(err).toContain('package.json is not a report: mesh:');
  });
});

describe('options of commands', () => {
  it('explain takes --mesh as its own', () => {
    expect(shardc(['explain', BLOCK, '%down', '--mesh', '1x8']).out).toContain('57.3 KB per device');
    expect(shardc(['explain', BLOCK, '%down', '--mesh', '2x4']).out).toContain('49.2 KB per device');
  });

  it('--version is that of the package', () => {
    expect(shardc(['--version']).out.trim()).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version);
  });
});

describe('shardc FILE', () => {
  it('does the whole job and says what it found', () => {
    const { code, out } = shardc([BLOCK]);
    expect(code).toBe(0);
    expect(out).toMatch(/%wq\s+f32\[64,8,8\]\s+\{_, model, _\}/);
    expect(out).toMatch(/all_reduce {2}2×/);
    expect(out).toContain('check ok');
    expect(out).not.toMatch(/\u001b\[/);
  });

  it('--emit report is JSON and nothing else', () => {
    const report = JSON.parse(shardc([BLOCK, '--emit', 'report', '--mesh', '4x2']).out) as Record<string, unknown>;
    expect(report).toMatchObject({
      mesh: { data: 4, model: 2 },
      collectives: { all_reduce: { count: 2 } },
      check: { verdict: 'ok', mode: 'full', devices: 8 },
    });
    for (const key of ['wireBytes', 'flops', 'peakMemoryBytes', 'stepSeconds', 'utilization'])
      expect(report[key], key).toBeGreaterThan(0);
    expect((report.passes as { name: string }[]).map((p) => p.name)).toContain('propagate');
  });

  it('--limit is exit code 1 where a figure is above it, and says all that are', () => {
    const within = shardc([BLOCK, '--check', 'off', '--limit', 'wire=1MB', '--limit', 'all_gather=0']);
    expect(within.code).toBe(0);
    const over = shardc([
      BLOCK,
      '--check',
      'off',
      '--limit',
      'wire=50KB',
      '--limit',
      'all-reduce=1kib',
      '--limit',
      'step=1s',
    ]);
    expect(over.code).toBe(1);
    expect(over.err.match(/SH0712/g)).toHaveLength(2);
    expect(over.err).toContain('the wire carries 98.3 KB\n  expected: at most 50.0 KB, by --limit');
    expect(shardc([BLOCK, '--limit', 'wire=3 parsecs']).err).toContain('does not know the unit "parsecs"');
  });

  it('writes several outputs at once, and the summary besides', () => {
    const [tir, hlo, sdy] = ['a.tir', 'a.mlir', 'sdy.mlir'].map((f) => join(folder, f)) as [string, string, string];
    const { code, out } = shardc([BLOCK, '--emit', `tir=${tir}`, '--emit', `stablehlo=${hlo}`, '--emit', `sdy=${sdy}`]);
    expect(code).toBe(0);
    expect(out).toContain('check ok');
    expect(readFileSync(tir, 'utf8')).toMatch(/all_reduce %down axes=\{model\} .*\/\/ lower-reshards/);
    expect(readFileSync(hlo, 'utf8')).toContain('sdy.manual_computation');
    expect(readFileSync(sdy, 'utf8')).toContain('sdy.sharding_per_value');
  });

  it('--device makes the program of one device: no axis_index is left, and the text parses', () => {
    const { out } = shardc(['examples/decoder_step.mlir', '--check', 'off', '--emit', 'tir', '--device', '5']);
    expect(out).not.toContain('axis_index');
    expect(printTir(parseTir({ file: 'd5.tir', text: out })).length).toBeGreaterThan(1000);
    const every = shardc(['examples/decoder_step.mlir', '--check', 'off', '--emit', 'tir']).out;
    expect(every).toContain('axis_index');
  });

  it('--print-after prints programs that parse', () => {
    const { out } = shardc([BLOCK, '--check', 'off', '--print-after', 'all']);
    const parts = out.split(/^\/\/ after (.*)\n/m).slice(1);
    const names = parts.filter((_, i) => i % 2 === 0);
    expect(names).toEqual([
      'loop-invariants',
      'split-constants',
      'propagate',
      'one-order',
      'on-devices',
      'plain-reductions',
      'shifts',
      'pad-dims',
      'split-sharded',
      'insert-reshards',
      'trim-padding',
      'lower-reshards',
      'localize',
      'schedule',
    ]);
    for (const text of parts.filter((_, i) => i % 2 === 1)) parseTir({ file: 'part.tir', text });
  });

  it('--stop-after, --time-passes and --verify-each', () => {
    const { code, err } = shardc([BLOCK, '--stop-after', 'propagate', '--time-passes', '--verify-each']);
    expect(code).toBe(0);
    expect(err).toMatch(/propagate +[\d.]+ ms/);
    expect(err).toContain('verified after each of 3 passes: types, text, numbers');
    expect(err).toContain('stopped after propagate');
  });

  it('warns where a dim does not divide, rather than dropping an axis in silence', () => {
    const { code, err } = shardc([BLOCK, '--mesh', '2x3', '--check', 'off']);
    expect(code).toBe(0);
    expect(err).toMatch(
      /warning\[SH0402\]: dim 1 of argument %wq has 8 elements, which do not divide by model=3: 3 devices/,
    );
    expect(shardc([BLOCK, '--check', 'off']).err).toBe('');
  });

  it('tells many warnings of one kind a line each, behind the first', () => {
    const params = Array.from({ length: 8 }, (_, i) => `%a${i}: f32[7] @{x}`).join(', ');
    const { err } = shardc(['-'], `module @m\nmesh @mesh {x=2}\nfunc @main(${params}) {\n  return %a0\n}\n`);
    expect(err.match(/expected: a multiple of 2/g)).toHaveLength(5);
    expect(err).toMatch(
      /warning\[SH0402\]: 3 more like the 5 above\n {2}<stdin>:3:\d+: dim 0 of argument %a5 has 7 elements/,
    );
  });

  it('gives a file without a mesh the one that is asked for', () => {
    const text = 'module @m\nfunc @main(%a: f32[8, 16], %w: f32[16, 4]) {\n  %y = matmul %a, %w\n  return %y\n}\n';
    expect(shardc(['-'], text).err).toContain('SH0216');
    expect(shardc(['-', '--mesh', '2x4'], text).out).toContain('mesh x=2 y=4 (8 devices)');
    expect(shardc(['-', '--mesh', 'a=3'], text).out).toContain('mesh a=3 (3 devices)');
    expect(shardc(['-', '--mesh', 'a=0'], text).err).toContain('SH0213');
  });

  it('reads standard input', () => {
    const { code, out } = shardc(['-', '--emit', 'report'], readFileSync(BLOCK, 'utf8'));
    expect(code).toBe(0);
    expect((JSON.parse(out) as { check: { verdict: string } }).check.verdict).toBe('ok');
  });

  it.each<[string, string[], number, RegExp]>([
    ['no such file', ['nothing.tir'], 1, /error\[SH0001\]/],
    ['a folder', ['examples'], 1, /error\[SH0002\]/],
    ['no fixtures', ['test', 'nowhere'], 1, /error\[SH0001\]: there is no folder nowhere/],
    ['no such command', ['frob', 'x'], 1, /no command and no file 'frob'/],
    ['a command by another spelling', ['explan', BLOCK, '%y'], 1, /no file 'explan'\n\(did you mean "explain"\?\)/],
    ['two files', [BLOCK, BLOCK], 1, /too many arguments/],
    ['JSON as elsewhere', ['--json', BLOCK], 1, /--emit report prints JSON/],
    ['no such pass', [BLOCK, '--stop-after', 'propagat'], 1, /error\[SH0701\].*"propagat"/],
    ['no such output', [BLOCK, '--emit', 'hlo'], 1, /error\[SH0704\]/],
    ['no such machine', [BLOCK, '--machine', 'abacus'], 1, /error\[SH0801\]/],
    ['no such device', [BLOCK, '--emit', 'tir', '--device', '8'], 1, /error\[SH0706\]/],
    ['an axis twice', [BLOCK, '--mesh', 'data=2,data=4'], 1, /error\[SH0213\].*"data" twice/],
    ['no whole number', [BLOCK, '--seed', ''], 1, /--seed <n>' argument '' is invalid/],
    ['a mesh of another rank', [BLOCK, '--mesh', '2x2x2'], 1, /error\[SH0213\]/],
    [
      'a folder that cannot be written',
      [BLOCK, '--check', 'off', '--emit', 'tir=/nowhere/x.tir'],
      1,
      /error\[SH0005\]/,
    ],
  ])('%s', (_, args, code, message) => {
    const run = shardc(args);
    expect(run.err).toMatch(message);
    expect(run.err).not.toMatch(/^\s+at /m);
    expect(run.code).toBe(code);
  });

  it('shows where a model throws, also in a file that it imports, and a model that ends the process', () => {
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    write('helper.ts', 'export const f = (a: any): any =>\n  a.b.c;\n');
    const thrown = shardc([write('through.ts', "import { f } from './helper.ts';\nexport default f(1);\n")]);
    expect(thrown.err).toMatch(/error\[SH0614\]: .*through\.ts cannot be run: .*'c'\)\n {2}--> .*helper\.ts:2:\d+\n/);
    expect(thrown.code).toBe(1);
    for (const text of ['await new Promise(() => {});\n', 'process.exit(0);\n']) {
      const ended = shardc([write('ended.ts', text)]);
      expect(ended.err).toMatch(/^error\[SH0614\]: the file ended the process/);
      expect(ended.code).toBe(1);
    }
    const late = shardc([
      write('late.ts', "Promise.reject(new Error('late'));\nawait new Promise((go) => setTimeout(go, 50));\n"),
    ]);
    expect(late.err).toMatch(/^error\[SH0614\]: .*: late\n {2}--> .*late\.ts:1:\d+\n/);
  });

  it('what is not supported is named, exit 2', () => {
    const file = join(folder, 'odd.mlir');
    writeFileSync(
      file,
      readFileSync('examples/mlp.mlir', 'utf8').replace(
        'stablehlo.maximum %arg0, %0 : tensor<32x128xf32>',
        'stablehlo.maximo %arg0, %0 : tensor<32x128xf32>',
      ),
    );
    const { code, err } = shardc([file]);
    expect(err).toMatch(/error\[SH0900\]: not supported yet: .*maximo/);
    expect(code).toBe(2);
  });
});

describe('shardc opt', () => {
  it('runs one pass on text; what it prints is what the next takes', () => {
    const split = shardc(['opt', BLOCK, '--passes', 'split-constants']).out;
    const rest = shardc(['opt', '-', '--passes', 'propagate,insert-reshards,lower-reshards,localize'], split).out;
    expect(rest).toMatch(/^module @block local/);
    expect(rest).toContain('all_reduce %down');
  });

  it('refuses a pass on the wrong level, and names what comes before it', () => {
    const { code, err } = shardc(['opt', BLOCK, '--passes', 'localize']);
    expect(code).toBe(1);
    expect(err).toMatch(
      /help: run before it: loop-invariants,split-constants,propagate,one-order,on-devices,plain-reductions,shifts,pad-dims,split-sharded,insert-reshards,trim-padding,lower-reshards/,
    );
  });
});

describe('shardc check', () => {
  const model = 'examples/megatron-mlp.ts';
  const device = (): string => shardc([model, '--emit', 'stablehlo']).out;

  it('compares a per-device program with a model in TypeScript', () => {
    const { code, out } = shardc(['check', '-', '--against', model], device());
    expect(code).toBe(0);
    expect(out).toMatch(/^no deadlock .*\ncheck ok {2}one device = 8 devices/);
  });

  it('tells a wrong origin, and mistakes in it at their own place', () => {
    const { code, err } = shardc(['check', '-', '--against', BLOCK], device());
    expect(code).toBe(1);
    expect(err).toMatch(/error\[SH0714\]: it has 9 arguments, the per-device program 4\n {2}--> examples\/block\.tir/);
    const bad = join(folder, 'bad.tir');
    writeFileSync(bad, 'module @m\nmesh @mesh {x=2}\nfunc @main(%a: f32[4]) {\n  return %b\n}\n');
    expect(shardc(['check', '-', '--against', bad], device()).err).toMatch(/--> .*bad\.tir:4:10/);
  });
});

describe('shardc explain', () => {
  it('follows an axis to its annotation, and names what moves', () => {
    const { out } = shardc(['explain', BLOCK, '%down']);
    expect(out).toMatch(/annotated: %y {2}\(examples\/block.tir:\d+\)/);
    expect(out).toMatch(/moves: all_reduce over model, 49\.2 KB per device: .*\(examples\/block.tir:\d+\)/);
  });
  it("prefers the user's own file and line, where the program has locations", () => {
    const { out } = shardc(['explain', 'tests/xla/fixtures/mlp_debug.mlir', '%2']);
    expect(out).toMatch(/through dot_general from %arg0 x {2}\(tests\/xla\/lower\.py:\d+\)/);
  });
  it("knows an argument by the user's name for it", () => {
    const { out } = shardc(['explain', 'tests/xla/fixtures/mlp_debug.mlir', 'a']);
    expect(out).toMatch(/^%arg1 a : f32\[64,128\]/);
    const summary = shardc(['tests/xla/fixtures/mlp_debug.mlir', '--check', 'off']).out;
    expect(summary).toMatch(/%arg2 {2}b {2}f32\[128,64\] {2}\{y, _\}/);
  });
  it('explains a code', () => expect(shardc(['explain', 'SH0211']).out).toContain('axis is used twice'));
  it('refuses an unknown value', () => {
    const { code, err } = shardc(['explain', BLOCK, '%nobody']);
    expect(code).toBe(1);
    expect(err).toContain('SH0703');
  });
});
