import { defineConfig } from 'vitest/config'
import { essentials, SIMULATOR, V3_ONLY } from './modes/projects.ts'

/**
 * The simulation replaces the clock, the timers and the network of its thread, so it needs its own.
 */
const SIMULATION = 'test/simulation/*.test.ts'

/** Needs Vercel's tool: `npm run test:deploy`. */
const DEPLOY = 'test/deploy/*.test.ts'

/** Bundles every function: `npm run test:built`. */
const BUILT = 'test/built/*.test.ts'

/** Bundles an earlier version: `npm run test:rollback`. */
const ROLLBACK = 'test/rollback/*.test.ts'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    // Threads keep their modules, because loading them for each file would take half of the time.
    // There are four, because tests of servers that never answer mostly wait.
    pool: 'threads',
    maxWorkers: 4,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // The functions log one line a request. These lines matter only if a test fails.
    silent: 'passed-only',
    projects: [
      { extends: true, test: { name: 'simulation', include: [SIMULATION] } },
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          // These run with `npm run test:modes`.
          exclude: [SIMULATION, BUILT, DEPLOY, ROLLBACK, V3_ONLY, ...SIMULATOR],
          isolate: false,
        },
      },
      ...essentials,
    ],
  },
})
