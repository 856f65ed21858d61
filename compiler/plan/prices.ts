/**
 * What the programs of a plan are chosen by: wire bytes. Of two ways that move the same, reduce_scatter is taken before
 * all_to_all and a sum: training frameworks do, and within nodes first it sends less between them.
 */
import { type Prices, wirePrices } from '../../passes/partition/prices.ts';

export const planPrices: Prices = {
  ...wirePrices,
  collective: (kind, bytes, held, axes) =>
    wirePrices.collective(kind, bytes, held, axes) * (kind === 'all_to_all' ? 1.02 : 1),
};
