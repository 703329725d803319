import { defineConfig } from 'vitest/config'

/** Separate, because these tests start a browser. Without Chromium they are skipped. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/pages/*.test.ts'],
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    // One browser at a time: two of them would only wait for each other.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    silent: 'passed-only',
    reporters: ['verbose'],
  },
})
