/** A module with calls and shardings as MLIR text. */
import type { EditModule } from '../edit.ts';
import type { Registry } from '../op.ts';
export function printSdy(module: EditModule, registry: Registry): string {
  void module;
  void registry;
  return '';
}
