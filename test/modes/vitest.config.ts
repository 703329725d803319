import { defineConfig } from 'vitest/config'
import { projects } from './projects.ts'

/** `npm run test:modes`: the tests of a shop in the modes that `npm test` does not run whole. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    pool: 'threads',
    // More workers than that only slow each other down, and some tests wait for a limited time.
    maxWorkers: 3,
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    silent: 'passed-only',
    slowTestThreshold: 10_000,
    // The embedded PostgreSQL arms its timeouts on the clock that tests move.
    execArgv: ['--disable-warning=TimeoutOverflowWarning'],
    projects: [...projects],
  },
})
