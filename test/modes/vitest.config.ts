import { defineConfig } from 'vitest/config'
import { projects } from './projects.ts'

/** `npm run test:modes`: the tests of a shop in each of its four modes. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    pool: 'threads',
    maxWorkers: 6,
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    silent: 'passed-only',
    projects: [...projects],
  },
})
