/** The public API. */
export type { Compiled, CompileOptions } from './compile.ts';
export * from './dsl/index.ts';
export { explainValue } from './explain.ts';
export { overrideMesh } from './mesh-override.ts';
export { makeReport, type Report } from './report.ts';
export { runCheck, type CheckMode, type CheckOutcome } from './check.ts';
export { specialize } from '../passes/partition/specialize.ts';
export { parseTir } from '../ir/text/parse.ts';
export { printTir } from '../ir/text/print.ts';
export { PIPELINE } from './pipeline.ts';
export { DiagnosticError, exitCode, render, type Diagnostic } from '../ir/diagnostics.ts';
export type { Module } from '../ir/program.ts';
export { registry } from '../ir/ops/index.ts';
export { importStablehlo } from '../ir/stablehlo/import.ts';
export { exportSdy, exportStablehlo } from '../ir/stablehlo/export.ts';
export { machine, machineNames, parseMachine } from '../runtime-sim/machine/machine.ts';
