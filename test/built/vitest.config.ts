import { defineConfig } from 'vitest/config'

/** Separate, because it bundles every function and runs each bundle in a process of its own. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/built/*.test.ts'],
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    silent: 'passed-only',
  },
})
