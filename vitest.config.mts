import { defineConfig } from 'vitest/config';

/**
 * One project a layer, thickest first. `unit` is pure and quick; the others start real processes: the language
 * server over stdio, the loader on this kernel and over a real sshd, Chromium, and VS Code itself.
 */
const slow = { testTimeout: 120_000, hookTimeout: 300_000, fileParallelism: false } as const;
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      { test: { name: 'server', include: ['test/server/**/*.test.ts'], ...slow } },
      // fetches the sources of well-known programs when they are first needed
      { test: { name: 'realworld', include: ['test/realworld/**/*.test.ts'], ...slow } },
      { test: { name: 'tracer', include: ['test/tracer/**/*.test.ts'], ...slow } },
      { test: { name: 'page', include: ['test/page/**/*.test.ts'], ...slow } },
      // a workbench that starts loses a key now and then: what fails is tried once more, and is reported as such
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...slow, testTimeout: 240_000, retry: 1 } },
      // boots other kernels in emulation, which it downloads: one of them in `npm test`
      { test: { name: 'kernels', include: ['test/kernels/**/*.test.ts'], ...slow } },
    ],
  },
});
