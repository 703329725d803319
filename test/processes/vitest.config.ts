import { defineConfig } from 'vitest/config'

/** Separate, because these tests change the settings of the whole Redis. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/processes/*.test.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    silent: 'passed-only',
    reporters: ['verbose'],
  },
})
