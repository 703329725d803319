import { defineConfig } from 'vitest/config'

/** Separate, because it needs an earlier version from the history of the repository. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/rollback/*.test.ts'],
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 240_000,
    silent: 'passed-only',
  },
})
