import { defineConfig } from 'vitest/config'
import { essentials, SIMULATOR, V3_ONLY } from './modes/projects.ts'

/**
 * The simulation replaces the clock, the timers and the network of its thread, so it needs its own.
 */
const SIMULATION = 'test/simulation/*.test.ts'
/** Test the checks of the simulation and not the product, so `npm test` leaves them out. */
const CHECKS = 'test/simulation/{order-model,after-the-sale}.test.ts'

/** Needs Vercel's tool: `npm run test:deploy`. */
const DEPLOY = 'test/deploy/*.test.ts'

/** Bundles every function: `npm run test:built`. */
const BUILT = 'test/built/*.test.ts'

/** Bundles an earlier version: `npm run test:rollback`. */
const ROLLBACK = 'test/rollback/*.test.ts'

/** Needs Chromium: `npm run test:pages`. */
const PAGES = 'test/pages/*.test.ts'

/** Change the settings of a real Redis: `npm run test:real`. */
const PROCESSES = 'test/processes/*.test.ts'

/** The tests that `npm test` leaves out, because it must stay under two minutes. */
const LONG = [
  // The programs of `dev/`, on databases and worlds of their own.
  'test/dev/**/*.test.ts',
  'test/deploying.test.ts',
  'test/stores/migrations.test.ts',
  // Searches for a failing input or history. `npm test` runs the simulation.
  'test/fuzz/*.test.ts',
  'test/api/{hostile-text,limits}.test.ts',
  'test/steps/{histories,push-histories,refund-histories,refund-convergence}.test.ts',
  'test/steps/{complaints,complaint-histories,ship-histories,ship-kept}.test.ts',
  // Failures of WeChat, the stores and the merchant's server, with days of waiting, and work that
  // the payer or the merchant's console does meanwhile.
  'test/api/prepay-faults*.test.ts',
  'test/steps/{freezes,access-token,catch-up,faults,wechat-faults,sweep-failures}.test.ts',
  'test/steps/{deliver,deliver-after-answer,deliver-outcomes,notify-background}.test.ts',
  'test/steps/{refund-outcomes,refund-parked,ship-given-up,ship-retries}.test.ts',
  'test/steps/{earlier-payment,settlement,ship-auto,ship-overdue}.test.ts',
  'test/steps/{refund-console,refund-notifications.v2}.test.ts',
  'test/webhook/{hostile-webhook,qstash}.test.ts',
  'test/miniprogram/{failures,killed-app}.test.ts',
  'test/wechat/v2/{failover,key-rotation}.test.ts',
  // Days of sales, their bills, and the change to another version or account.
  'test/api/{cron,console-bills}.test.ts',
  'test/stores/accounts.test.ts',
  'test/steps/{reconcile,upgrade,upgrade-statements,former-account,refund-payout}.test.ts',
]

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
    slowTestThreshold: 10_000,
    // The embedded PostgreSQL arms its timeouts on the clock that tests move.
    execArgv: ['--disable-warning=TimeoutOverflowWarning'],
    projects: [
      { extends: true, test: { name: 'simulation', include: [SIMULATION], exclude: [CHECKS] } },
      { extends: true, test: { name: 'long simulation', include: [CHECKS] } },
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          // `npm run test:modes` runs those of APIv3.
          exclude: [
            SIMULATION,
            BUILT,
            DEPLOY,
            PAGES,
            PROCESSES,
            ROLLBACK,
            V3_ONLY,
            ...LONG,
            ...SIMULATOR,
          ],
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'long', include: LONG, exclude: [V3_ONLY, ...SIMULATOR], isolate: false },
      },
      ...essentials,
    ],
  },
})
