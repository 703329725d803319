import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/secrets-watch.ts'],
    // Each file has its own modules and its own environment: the functions read it once per instance. Threads, for a process
    // each would cost a third more; three, for much of the time is spent waiting for what never answers.
    pool: 'threads',
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // The functions log one line a request; they matter only where a test fails.
    silent: 'passed-only',
  },
})
