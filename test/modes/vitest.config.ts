import { defineConfig } from 'vitest/config'
import { MODES } from '../vitest.config.ts'

/** `npm run test:modes`: APIv3 against the simulator, in both of its verification modes. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: [...MODES],
    setupFiles: ['test/support/new-instance.ts', 'test/support/secrets-watch.ts'],
    sequence: { setupFiles: 'list' },
    pool: 'threads',
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    silent: 'passed-only',
  },
})
