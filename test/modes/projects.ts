/** The files that run once per mode, and the projects of `npm run test:modes`. */
import type { TestProjectInlineConfiguration } from 'vitest/config'

/** Tests about the form of one protocol alone. The others are about both. */
const V2_ONLY = 'test/**/*.v2.test.ts'
export const V3_ONLY = 'test/**/*.v3.test.ts'

/** `npm test` runs this file in every mode. */
const ESSENTIALS = 'test/modes/essentials.test.ts'

/** APIv3 against the simulator. Each of them opens both modes of APIv3 by itself. */
export const SIMULATOR = ['test/dev/v3/*.test.ts', 'test/wechat/v3/simulator*.test.ts']

/** The tests of a shop, which must pass in every mode. */
const EVERY_MODE = [
  ESSENTIALS,
  'test/attacks*.test.ts',
  'test/api/*.test.ts',
  'test/steps/{attacks-on-callers,catch-up,deliver,deliver-after-answer}.test.ts',
  'test/steps/complaints.test.ts',
  'test/steps/{deliver-outcomes,deliver-without-url,earlier-payment,faults}.test.ts',
  'test/steps/{notify,notify-background,prepay-last-minute,push,races}*.test.ts',
  'test/steps/{refund-console,refund-notifications,refund-outcomes,refund-verified}*.test.ts',
  'test/steps/{ship-auto,ship-given-up,ship-parcels,ship-repeated,ship-retries}.test.ts',
  'test/steps/{reconcile,settlement,ship-overdue,sweep}.test.ts',
  'test/steps/{former-account,refund-convergence,refund-parked,refunded-before-notification}.test.ts',
  'test/steps/{sweep-failures,unknown-codes,wechat-faults}.test.ts',
  'test/miniprogram/*.test.ts',
]

/** `npm test` runs the fourth mode, v2-hmac, whole. */
const others = ['v2-md5', 'v3-public-key', 'v3-certificate']

const inMode = (mode: string, include: readonly string[]): TestProjectInlineConfiguration => ({
  extends: true,
  test: {
    name: mode,
    env: { TEST_MODE: mode },
    include: [...include],
    exclude: [mode.startsWith('v2') ? V3_ONLY : V2_ONLY],
    isolate: false,
  },
})

/** For `npm test`. */
export const essentials = others.map((mode) => inMode(mode, [ESSENTIALS]))

/** For `npm run test:modes`. */
export const projects: readonly TestProjectInlineConfiguration[] = [
  { extends: true, test: { name: 'simulator', include: SIMULATOR } },
  ...others.map((mode) => inMode(mode, EVERY_MODE)),
]
