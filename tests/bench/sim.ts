/**
 * `npm run bench:sim`: a two-layer training step on simulated devices, ours beside XLA's, in one run. Times of a busy
 * machine mean little: the ratios do. XLA's simulated devices die in their rendezvous at 2,048.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { compile, importStablehlo, overrideMesh, registry } from '../../compiler/index.ts';
import type { Precision } from '../../ir/array.ts';
import { mainFunction } from '../../ir/program.ts';
import { compareResults } from '../../runtime-sim/check.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';

const file = process.argv[2] ?? 'tests/bench/decoder_step.mlir';
const meshes = (process.argv[3] ?? '2x4,8x8,16x16,32x64').split(',');
const source = importStablehlo({ file, text: readFileSync(file, 'utf8') });
const XLA_DIES_AT = 2048;

const timed = <T>(run: () => T): [T, number] => {
  const start = performance.now();
  const made = run();
  return [made, (performance.now() - start) / 1e3];
};

const { whole } = compile(source, { stopAfter: 'propagate' });
const inputs = { wide: inputsFor('wide'), true: inputsFor('true') };
const [wide, wideSeconds] = timed(() => runOneDevice(whole, registry, inputs.wide, 'wide'));
const [narrow, narrowSeconds] = timed(() => runOneDevice(whole, registry, inputs.true, 'true'));
console.log(`${file}\none device: f64 ${wideSeconds.toFixed(1)} s, f32 ${narrowSeconds.toFixed(1)} s`);
console.log('mesh     devices  f64 s   error    f32 s   error    XLA s   f32 / XLA  f32 / one device');
for (const mesh of meshes) {
  const { module } = compile(overrideMesh(source, mesh));
  const devices = module.meshes[0]?.axes.reduce((n, a) => n * a.size, 1) ?? 1;
  const run = (precision: Precision, expected: typeof wide): [number, number] => {
    const shapes = { resultShapes: expected.map((e) => e.shape) };
    const [got, seconds] = timed(() => runSpmd(module, registry, inputs[precision], precision, shapes));
    return [seconds, compareResults(expected, got.results, 1e-5).worst];
  };
  const [f64, f64Error] = run('wide', wide);
  const [f32, f32Error] = run('true', narrow);
  const xla = devices >= XLA_DIES_AT ? undefined : xlaSeconds(module.meshes[0]?.axes ?? []);
  console.log(
    [
      mesh.padEnd(8),
      String(devices).padStart(7),
      f64.toFixed(1).padStart(6),
      f64Error.toExponential(0).padStart(7),
      f32.toFixed(1).padStart(8),
      f32Error.toExponential(0).padStart(7),
      (xla === undefined ? 'dies' : xla.toFixed(1)).padStart(8),
      (xla === undefined ? '' : (f32 / xla).toFixed(2)).padStart(10),
      (f32 / narrowSeconds).toFixed(2).padStart(17),
    ].join(' '),
  );
}

function inputsFor(precision: Precision): ReturnType<typeof makeInputs> {
  return makeInputs(mainFunction(source), 0, precision);
}

function xlaSeconds(axes: readonly { readonly name: string; readonly size: number }[]): number | undefined {
  if (!existsSync('.venv/bin/python')) return undefined;
  const sizes = axes.map((a) => `${a.name}=${a.size}`).join();
  const { stdout } = spawnSync('.venv/bin/python', ['tests/bench/xla_step.py', file, sizes], { encoding: 'utf8' });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  return line.startsWith('{') ? (JSON.parse(line) as { seconds: number }).seconds : undefined;
}
