import { defineConfig } from 'vitest/config'

/** Apart from the other tests: it needs Vercel's tool, which `npm run test:deploy` installs, and more than a minute. */
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
