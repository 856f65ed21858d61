/** The grammar is not ambiguous: looked for here, and not at every start of the compiler. */
import { expect, it } from 'vitest';
import { TirParser } from '../../ir/text/grammar.ts';

it('every alternative is told apart by its tokens', () => expect(() => new TirParser(true)).not.toThrow());
