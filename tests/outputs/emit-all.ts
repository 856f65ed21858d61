/** `emit-all.ts FOLDER FILES…`: each file's every output into the folder. A process of its own for determinism.test.ts. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEmit, writeEmit } from '../../compiler/commands/emit.ts';
import { compile, importStablehlo, machine, parseTir, registry, runCheck } from '../../compiler/index.ts';
import { makeReport } from '../../compiler/report.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';

const KINDS = ['tir', 'stablehlo', 'sdy', 'report', 'trace', 'memory', 'ops', 'chakra'];
const v5e = machine('tpu-v5e');
const [folder = '', ...files] = process.argv.slice(2);
for (const file of files) {
  const source = { file, text: readFileSync(file, 'utf8') };
  const module = file.endsWith('.tir') ? parseTir(source, registry) : importStablehlo(source);
  const compiled = { ...compile(module, { pace: paceOn(v5e, registry) }), passes: [] };
  const { report, costed } = makeReport(compiled, v5e, runCheck(compiled, 'off', 0));
  for (const kind of KINDS)
    writeEmit(parseEmit(`${kind}=${join(folder, `${file.replaceAll('/', '_')}.${kind}`)}`), {
      compiled,
      report,
      costed,
      device: kind === 'chakra' ? 0 : undefined,
    });
}
for (const name of readdirSync(folder).sort())
  console.log(
    createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex'),
    name,
  );
