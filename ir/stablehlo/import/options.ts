/** What the import may be told. In a file of its own: it is part of the package's types, the parser's library is not. */
import type { Mesh } from '../../mesh.ts';

export interface ImportOptions {
  /** What GSPMD's shardings are expressed on where the file has no mesh. */
  readonly mesh?: () => Mesh;
  /**
   * For passes that only lay out: collectives and partition_id stay as StableHLO has them, with lists of devices; Shardy's
   * collectives stay; meshes written inside shardings stay there.
   */
  readonly asWritten?: boolean;
}
