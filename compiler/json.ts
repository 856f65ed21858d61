/** JSON files that users write: descriptions, machines, reports. */
import { userError } from '../ir/diagnostics.ts';
import type { SourceText } from '../ir/program.ts';

/** What reads the values recurses. */
const MAX_DEPTH = 100;

/** `code`, `help`: of what is thrown where the text is no JSON. */
export function parseJson({ file, text }: SourceText, code: string, help?: string): unknown {
  const told = help === undefined ? {} : { help };
  if (depthOf(text) > MAX_DEPTH) throw userError(code, `${file} nests more than ${MAX_DEPTH} deep`, told);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw userError(code, `${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, told);
  }
}

/** Lists and objects that are open at once, at most. */
function depthOf(text: string): number {
  let [depth, most] = [0, 0];
  // A string that does not end goes to the end of the text: looked for from each of its quotes it would take n².
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*(?:"|\\?$)|[[\]{}]/gs)) {
    if (token === '[' || token === '{') most = Math.max(most, ++depth);
    else if (token === ']' || token === '}') depth--;
  }
  return most;
}
