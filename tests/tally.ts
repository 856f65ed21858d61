/** Ours beside XLA's, program by program. */

/** Ours over XLA's; 1 where neither moves anything. */
export const ratio = (ours: number, theirs: number): number =>
  theirs === 0 ? (ours === 0 ? 1 : Number.POSITIVE_INFINITY) : ours / theirs;

/** Of sums of bytes. */
const ROUNDING = 1e-6;

export class Tally {
  private won = 0;
  private equal = 0;
  private lost = 0;
  /** Where XLA moves something. */
  private readonly ratios: number[] = [];

  /** Of bytes on the wire. */
  add(ours: number, theirs: number): { readonly ratio: number; readonly isLost: boolean } {
    const found = ratio(ours, theirs);
    if (theirs > 0) this.ratios.push(found);
    const isLost = ours > theirs + ROUNDING;
    if (isLost) this.lost++;
    else if (ours < theirs - ROUNDING) this.won++;
    else this.equal++;
    return { ratio: found, isLost };
  }

  toString(): string {
    const { won, equal, lost, ratios } = this;
    return `${won + equal + lost} programs: ${won} won, ${equal} equal, ${lost} lost; geometric mean ${clippedMean(ratios).toFixed(3)} of ${ratios.length} that move something (clipped at 0.25)`;
  }
}

/** Geometric mean, each ratio below a quarter counted as one. */
const clippedMean = (ratios: readonly number[]): number =>
  Math.exp(ratios.reduce((sum, r) => sum + Math.log(Math.max(0.25, r)), 0) / Math.max(1, ratios.length));
