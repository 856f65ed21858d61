/** The compiler engineer's example is a test file of its own; it runs here as it would in a user's project. */
import '../../examples/custom-pass/custom-pass.test.ts';
