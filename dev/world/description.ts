/**
 * The text that `npm start` prints when the world is ready. It shows the names of the user's
 * variables, never their values.
 */
import { dayOf } from '../../lib/core/day.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import { toBeijingDigits, toRfc3339 } from '../../lib/core/time.ts'
import { demoValues, demoWebhookSecret } from './demo-values.ts'
import { namesSet } from '../doctor/check.ts'
import { checks } from '../doctor/checks.ts'
import { wrap } from '../doctor/wrap.ts'
import { readVariable, type Environment } from '../program/environment.ts'
import { renderTour, tourOf, type Part } from './tour.ts'
import type { World } from './world.ts'

interface Reader {
  /** The environment before the world completed it. */
  readonly given: Environment
  /** Null if the database has the current schema. */
  readonly whyNotMigrated: string | null
  readonly isWindows: boolean
}

/** The rest of eighty columns beside the names of the rows. */
const REASON_COLUMNS = 60

const row = (name: string, what: string): string => `  ${name.padEnd(18)}${what}`

export function describeWorld(world: World, { given, whyNotMigrated, isWindows }: Reader): string {
  const isDemo = (name: string) => readVariable(given, name) === undefined
  const { standIns, url } = world
  const yours = (...names: string[]) =>
    `yours, from ${names.filter((name) => !isDemo(name)).join(', ')}`
  const wechat = (simulated: boolean, name: string) =>
    simulated ? 'stand-in: the simulator at /wechat' : yours(name)
  const schema =
    whyNotMigrated === null
      ? ' (brought to the current schema, as npm run migrate does)'
      : ', NOT MIGRATED:'
  const reason = (whyNotMigrated ?? '')
    .split('\n')
    .flatMap((line) => wrap(line, REASON_COLUMNS).map((part) => row('', part)))
  const key = (name: keyof typeof demoValues) =>
    isDemo(name) ? demoValues[name] : `<your ${name}>`
  const now = new Date()

  const services = [
    row('shop and messages', url),
    row('merchant console', `${url}/console, opened with MERCHANT_API_KEY`),
    row('functions', `${world.functions.length} at /api/, described in /openapi.json`),
    row(
      'database',
      standIns.database
        ? 'stand-in: embedded PostgreSQL, kept in .data/'
        : `${yours('DATABASE_URL')}${schema}`,
    ),
    ...(whyNotMigrated === null ? [] : reason),
    row(
      'Redis',
      standIns.redis
        ? 'stand-in: embedded, in memory'
        : yours('UPSTASH_REDIS_REST_URL', 'KV_REST_API_URL'),
    ),
    row('Mini Program API', wechat(standIns.miniProgramApi, 'WECHAT_API_URL')),
    row('WeChat Pay', wechat(standIns.payApi, 'WECHAT_PAY_URL')),
    ...(standIns.payApi ? [row('  protocol', describeProtocol(world))] : []),
    row(
      'webhook',
      standIns.webhook ? `stand-in: ${url}/merchant/events` : yours('ORDER_WEBHOOK_URL'),
    ),
    row(
      '  signed with',
      isDemo('ORDER_WEBHOOK_SECRET') ? demoWebhookSecret : yours('ORDER_WEBHOOK_SECRET'),
    ),
    ...(isDemo('MERCHANT_API_KEY') ? [row('MERCHANT_API_KEY', demoValues.MERCHANT_API_KEY)] : []),
    ...(isDemo('CRON_SECRET') ? [row('CRON_SECRET', demoValues.CRON_SECRET)] : []),
    ...(world.clock.aheadMs === 0
      ? []
      : [
          row('clock', `${toRfc3339(now)}, moved ahead by ${describeSpan(world.clock.aheadMs)}`),
          row('', 'back to now, without the data: npm start -- --fresh'),
          ...(standIns.webhook ? [] : [row('', 'your webhook refuses events from its future')]),
        ]),
  ]
  const tour = tourOf({
    url,
    merchantKey: key('MERCHANT_API_KEY'),
    cronSecret: key('CRON_SECRET'),
    outTradeNo: `order-${toBeijingDigits(now)}`,
    complaintId: `2002${toBeijingDigits(now)}00000000001`,
    day: dayOf(now),
    isWindows,
    has: partsOf(world),
  })
  const lines = [
    `The local world is ready at ${url}`,
    'Open it in a browser, buy something in the shop, and see every message.',
    '',
    ...findMalformed(world, given).flatMap((problem) => [`! ${problem}`, '']),
    ...services,
    '',
    standIns.payApi
      ? 'To try it without a browser, copy the indented lines into another terminal,\none after the other:'
      : 'WeChat Pay is not simulated, so payments need a real device. Other steps, with\nthe indented lines in another terminal:',
    '',
    ...renderTour(tour),
    '',
    `For the Mini Program (miniprogram/): ${url}/api`,
    `More: docs/local-world.md${world.simulator === undefined ? '' : `, and curl ${url}/wechat/control`}`,
    'Ctrl-C stops it. Below is the log of the functions: a line of JSON per request.',
  ]
  return lines.join('\n')
}

/** The line that `npm start` prints when the clock is moved. */
export const describeClock = (): string =>
  `The clock was moved. It is now ${toRfc3339(new Date())} for every part of the world, also after a restart.`

function describeProtocol({ env }: World): string {
  if (env['WECHAT_PAY_API'] !== 'v3') return 'APIv2 (for APIv3 set WECHAT_PAY_API to v3)'
  return env['WECHAT_PAY_PUBLIC_KEY_ID'] === undefined
    ? 'APIv3 with platform certificates'
    : 'APIv3 with the WeChat Pay public key'
}

function partsOf({ standIns, clock }: World): ReadonlySet<Part> {
  const parts: readonly (readonly [Part, boolean])[] = [
    ['WeChat Pay', standIns.payApi],
    ['Mini Program API', standIns.miniProgramApi],
    ['database', standIns.database],
    ['merchant', standIns.webhook],
    ['clock', clock.fixedBy.length === 0],
  ]
  return new Set(parts.flatMap(([part, isSimulated]) => (isSimulated ? [part] : [])))
}

/** Problems with the user's variables, in the words of the functions and without values. */
function findMalformed({ env }: World, given: Environment): readonly string[] {
  const settings = checks
    .flatMap((check) => check.settings)
    .filter((setting) => namesSet(given, setting).length > 0)
  return settings.flatMap(({ read }) => {
    try {
      read(env, new Date())
      return []
    } catch (error) {
      if (error instanceof ConfigError) return [error.message]
      throw error
    }
  })
}

const HOUR_MS = 3_600_000

function describeSpan(ms: number): string {
  const hours = Math.round(ms / HOUR_MS)
  if (hours < 1) return 'less than an hour'
  const [days, rest] = [Math.floor(hours / 24), hours % 24]
  const parts = [
    ...(days === 0 ? [] : [`${days} ${days === 1 ? 'day' : 'days'}`]),
    ...(rest === 0 ? [] : [`${rest} ${rest === 1 ? 'hour' : 'hours'}`]),
  ]
  return parts.join(' ')
}
