import { defineConfig } from 'vitest/config'

/** It replaces clocks, timers and the network of its thread: nobody else may have that one. */
const SIMULATION = 'test/simulation/*.test.ts'

/** Needs Vercel's tool: `npm run test:deploy`. */
const DEPLOY = 'test/deploy/*.test.ts'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    // Threads that keep what they have loaded, or half of the time would be spent on loading it anew for each file; six, for
    // much of the time is spent waiting for what never answers.
    pool: 'threads',
    maxWorkers: 6,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // The functions log one line a request; they matter only where a test fails.
    silent: 'passed-only',
    projects: [
      { extends: true, test: { name: 'simulation', include: [SIMULATION] } },
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [SIMULATION, DEPLOY],
          isolate: false,
        },
      },
    ],
  },
})
