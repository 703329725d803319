import { defineConfig } from 'vitest/config'

/** Separate, because it needs the history of the repository and bundles an earlier version. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/rollback/*.test.ts'],
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    testTimeout: 60_000,
    hookTimeout: 240_000,
    silent: 'passed-only',
  },
})
