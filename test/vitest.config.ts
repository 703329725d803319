import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    // Threads that keep what they have loaded, or half of the time would be spent on loading it anew for each file; four, for
    // much of the time is spent waiting for what never answers.
    pool: 'threads',
    isolate: false,
    maxWorkers: 4,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // The functions log one line a request; they matter only where a test fails.
    silent: 'passed-only',
  },
})
