import { defineConfig } from 'vitest/config'

/**
 * Separate, because it takes over a minute and needs Vercel's tool, which `npm run test:deploy`
 * installs.
 */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/deploy/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 240_000,
    silent: 'passed-only',
    reporters: ['verbose'],
  },
})
