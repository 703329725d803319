/** The output of `npm start` is correct, and its commands work in any shell. */
import { spawn, spawnSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { demoV3Values, demoWebhookSecret } from '../../dev/world/demo-values.ts'
import { describeWorld } from '../../dev/world/description.ts'
import { startWorld, type World } from '../../dev/world/world.ts'
import { borrowStore } from '../support/embedded.ts'

let world: World
afterEach(() => world.stop())

async function open(env: Record<string, string> = {}): Promise<void> {
  // Load the modules again, as a separate process would.
  vi.resetModules()
  world = await startWorld({ ...(await borrowStore()), env, complaints: true })
}
const describeIt = ({
  given = {},
  isWindows = false,
  whyNotMigrated = null,
}: Partial<Parameters<typeof describeWorld>[1]> = {}) =>
  describeWorld(world, { given, isWindows, whyNotMigrated })
const lineOf = (page: string, name: string) =>
  page.split('\n').find((line) => line.trimStart().startsWith(name))

/** Each test opens worlds, which takes seconds on a busy machine. */
const SLOW = { timeout: 60_000 }

test('a database that could not be reached is not called current', SLOW, async () => {
  const given = {
    DATABASE_URL: 'postgresql://owner:secret@nowhere.invalid/shop',
    NEON_HTTP_ENDPOINT: 'http://127.0.0.1:9/sql',
  }
  await open(given)
  const reason = `The database of DATABASE_URL was not migrated: it cannot be reached.\nLook ${'there and '.repeat(8)}here.`
  const page = describeIt({ given, whyNotMigrated: reason })
  expect(page).toContain(
    [
      '  database          yours, from DATABASE_URL, NOT MIGRATED:',
      '                    The database of DATABASE_URL was not migrated: it cannot be',
      '                    reached.',
      '                    Look there and there and there and there and there and there',
      '                    and there and there and here.',
      '  Redis  ',
    ].join('\n'),
  )
  expect(lineOf(describeIt({ given }), 'database')).toBe(
    '  database          yours, from DATABASE_URL (brought to the current schema, as npm run migrate does)',
  )
})

test('the shop and the console have their addresses', SLOW, async () => {
  await open()
  const page = describeIt()
  expect(lineOf(page, 'shop and messages')).toBe(`  shop and messages ${world.url}`)
  expect(lineOf(page, 'merchant console')).toBe(
    `  merchant console  ${world.url}/console, opened with MERCHANT_API_KEY`,
  )
})

test('the secrets of the local world are shown, but not your own', SLOW, async () => {
  const given = {
    MERCHANT_API_KEY: 'merchant-key-of-the-shop-0123456789',
    CRON_SECRET: 'cron-secret-of-the-shop',
    ORDER_WEBHOOK_SECRET: 'whsec_c2VjcmV0LW9mLXRoZS1zaG9wLXdlYmhvb2s=',
  }
  await open(given)
  const page = describeIt({ given })
  for (const secret of Object.values(given)) expect(page).not.toContain(secret)
  expect(lineOf(page, 'signed with')).toBe('    signed with     yours, from ORDER_WEBHOOK_SECRET')
  expect(page).toContain('Bearer <your MERCHANT_API_KEY>')
  expect(lineOf(describeIt(), 'signed with')).toBe(`    signed with     ${demoWebhookSecret}`)
})

test(
  'a moved clock is shown, and every line except the commands fits into eighty columns',
  SLOW,
  async () => {
    const given = { ORDER_WEBHOOK_URL: 'http://127.0.0.1:4000/hook' }
    await open(given)
    expect(lineOf(describeIt({ given }), 'clock')).toBeUndefined()
    world.clock.advance(50 * 3_600_000)
    const page = describeIt({ given })
    expect(lineOf(page, 'clock')).toMatch(
      /^ {2}clock {13}20\d\d-\d\d-\d\dT.*\+08:00, moved ahead by 2 days 2 hours$/,
    )
    expect(page).toContain(
      '\n                    back to now, without the data: npm start -- --fresh\n',
    )
    expect(lineOf(page, 'your webhook')).toBe(
      '                    your webhook refuses events from its future',
    )
    const isCommand = (line: string) => /^ {4}(?:curl|npm)/.test(line)
    expect(page.split('\n').filter((line) => line.length > 80 && !isCommand(line))).toEqual([])
  },
)

test.each<[Record<string, string>, string]>([
  [{}, 'APIv2 (for APIv3 set WECHAT_PAY_API to v3)'],
  [{ WECHAT_PAY_API: 'v3' }, 'APIv3 with the WeChat Pay public key'],
  [
    { WECHAT_PAY_API: 'v3', WECHAT_PAY_V3_KEY: demoV3Values.WECHAT_PAY_V3_KEY },
    'APIv3 with platform certificates',
  ],
])('with %j the protocol is %s', SLOW, async (given, protocol) => {
  await open(given)
  expect(lineOf(describeIt({ given }), 'protocol')).toBe(`    protocol        ${protocol}`)
  const { mode } = world.simulator?.keys() ?? {}
  expect(mode).toBe(protocol.endsWith('certificates') ? 'certificates' : 'public-key')
})

describe('with your own services, only the commands that work are shown:', SLOW, () => {
  const redis = { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9', UPSTASH_REDIS_REST_TOKEN: 'token' }
  test.each<[string, Record<string, string>, readonly string[]]>([
    ['Redis', redis, ['/wechat/control/clock', '/api/cron']],
    [
      'a receiver of events',
      { ORDER_WEBHOOK_URL: 'http://127.0.0.1:9/hook' },
      ['/merchant/events'],
    ],
    [
      'a Mini Program',
      { WECHAT_API_URL: 'http://127.0.0.1:9' },
      ['/api/shipping', '/wechat/control/clock', '/api/cron'],
    ],
  ])('%s', async (_service, given, leftOut) => {
    const everywhere = [
      '/api/products',
      '/wechat/control/login',
      '/api/orders',
      '/api/prepay',
      '/wechat/control/pay',
      '/api/query',
      '/api/refund',
      '/wechat/control/complaint',
      '/api/console/complaints',
    ]
    const all = [
      ...everywhere,
      '/api/shipping',
      '/merchant/events',
      '/wechat/control/clock',
      '/api/cron',
      'npm run sql',
    ]
    await open(given)
    const page = describeIt({ given })
    const shown = page.split('\n').filter((line) => /^ {4}(?:curl|npm)/.test(line))
    expect(all.filter((part) => !shown.some((line) => line.includes(part)))).toEqual(leftOut)
    expect(page).not.toContain('payments need a real device')
  })

  test('WeChat Pay', async () => {
    const given = { WECHAT_PAY_URL: 'http://127.0.0.1:9' }
    await open(given)
    const page = describeIt({ given })
    expect(page).toContain('WeChat Pay is not simulated, so payments need a real device.')
    expect(page.match(/^\d+\. .*$/gm)).toEqual([
      '1. The merchant puts a mocha for 28 yuan into the catalogue.',
      '2. The catalogue is public.',
      '3. The signed events that your own system received.',
      '4. The orders in the database.',
    ])
  })
})

test('an invalid variable of yours is reported first, without its value', SLOW, async () => {
  const given = {
    WECHAT_PAY_KEY: 'short-secret',
    MAX_OPEN_ORDERS: 'many',
    WECHAT_APPID: 'wx0123456789abcdef',
  }
  await open(given)
  const page = describeIt({ given })
  expect(page.split('\n').slice(2, 7)).toEqual([
    '',
    '! WECHAT_PAY_KEY is not an APIv2 key of 32 characters: it has 12',
    '',
    '! MAX_OPEN_ORDERS is not a whole number from 1 to 9999',
    '',
  ])
  expect(page).not.toContain('short-secret')
})

const hasCurl = process.platform !== 'win32' && spawnSync('curl', ['--version']).status === 0

describe.skipIf(!hasCurl)(
  'the commands, run in order, lead from the catalogue to the bill',
  SLOW,
  () => {
    const commandsOf = (page: string) =>
      page.split('\n').flatMap((line) => /^ {4}(curl.*)$/.exec(line)?.slice(1) ?? [])

    async function run(command: string): Promise<Record<string, unknown>> {
      const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] })
      const answer: Record<string, unknown> = JSON.parse(await text(child.stdout))
      await world.settled()
      return answer
    }

    async function follow(commands: readonly string[]): Promise<void> {
      const answers: Record<string, unknown>[] = []
      for (const command of commands) answers.push(await run(command))
      expect(answers).toEqual([
        { products: [{ sku: 'mocha', name: 'Mocha', price: 2800, active: true }] },
        { products: expect.arrayContaining([{ sku: 'mocha', name: 'Mocha', price: 2800 }]) },
        { code: expect.any(String), userData: expect.any(Object) },
        expect.objectContaining({ tradeState: 'NOTPAY', totalFee: 2800, body: 'Mocha' }),
        expect.objectContaining({ package: expect.stringMatching(/^prepay_id=/) }),
        { errMsg: 'requestPayment:ok' },
        expect.objectContaining({ tradeState: 'SUCCESS' }),
        expect.objectContaining({ refundFee: 900, refundStatus: 'PROCESSING' }),
        expect.objectContaining({ shippingState: 'UPLOADED' }),
        { complaint: expect.objectContaining({ state: 'PENDING' }) },
        expect.objectContaining({ state: 'PROCESSING' }),
        expect.objectContaining({ state: 'PROCESSED' }),
        {
          events: expect.arrayContaining([
            expect.objectContaining({ body: expect.stringContaining('"order.paid"') }),
          ]),
        },
        { now: expect.stringMatching(/T11:00:00\+08:00$/) },
        expect.objectContaining({
          reconciled: 1,
          bill: expect.objectContaining({
            outcome: 'compared',
            payments: 1,
            refunds: 1,
            differences: 0,
          }),
        }),
      ])
    }

    test('in sh', async () => {
      await open()
      await follow(commandsOf(describeIt()))
    })

    test('in cmd and PowerShell, because they use only double quotes with plain text between them', async () => {
      await open()
      const commands = commandsOf(describeIt({ isWindows: true }))
      for (const command of commands) {
        expect(command).toMatch(/^curl\.exe /)
        // No quote inside quotes, no variable or escape of either shell, and only ASCII characters.
        expect(command.replaceAll(/"[\x20\x21\x23-\x7e]*?"/g, '')).not.toMatch(/["'&<>;(){}]/)
        expect(command).not.toMatch(/[$`^!']|%[A-Za-z]\w*%|[^\x20-\x7e]/)
      }
      await follow(commands.map((command) => command.replaceAll('curl.exe', 'curl')))
    })
  },
)
