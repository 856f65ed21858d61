import type { ValueId } from '../../../ir/program.ts';
import type { TensorType } from '../../../ir/types.ts';
import type { ProgramMaker } from '../program.ts';

/** How a random program gets an op: from values at hand to a new value, or undefined where none fits. */
export type OpMaker = (p: ProgramMaker) => ValueId | undefined;

export const sizeOf = (type: TensorType, dim: number): number => type.shape[dim] as number;
export const dimsOf = (type: TensorType): number[] => type.shape.map((_, d) => d);
