/**
 * Seconds from the host's call of a program to its first op, by chip, where a source times programs of one collective by the
 * host's clock: the book's curves of v5p and H100 take as much for arrays of 4 MB and 16 MB, and as much for an all-gather as
 * for an all-reduce of twice its steps, so it is not the network's. Fitted (calibrate.ts); no cost of a program has it, for a
 * training step is called while the one before runs.
 */
export const DISPATCH: Readonly<Record<string, number>> = { 'tpu-v5p': 8.95e-5, h100: 5.78e-5 };
