import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Examples import the package by name.
  resolve: {
    alias: [
      { find: /^shardc\/testing$/, replacement: source('compiler/testing/index.ts') },
      { find: /^shardc$/, replacement: source('compiler/index.ts') },
    ],
  },
  test: { maxWorkers: 2, include: ['tests/**/*.test.ts'], testTimeout: 120_000 },
});
