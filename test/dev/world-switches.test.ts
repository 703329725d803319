/** `/world/`: the switches of the local world, the next morning, and the invariants. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startWorld } from '../../dev/world/world.ts'
import { storedExchanges } from '../support/feed-reader.ts'
import { openShop, type Answer, type Json, type Shop } from '../support/shop.ts'

let shop: Shop
/** Loads the functions again, because they read their environment once. */
const open = async (env: Record<string, string> = {}) => {
  vi.resetModules()
  shop = await openShop(env, { isWatched: true })
}
afterEach(() => shop.close())

const turn = (body: object): Promise<Answer> => shop.call('POST', '/world/switches', { body })
const ON = {
  notifications: 'as-usual',
  wechat: 'up',
  redis: 'up',
  database: 'up',
  receiver: 'answers',
  protocol: 'v2',
}

interface Invariant {
  readonly number: number
  readonly name: string
  readonly holds: boolean
  readonly detail: string
}
async function check(): Promise<readonly Invariant[]> {
  const { status, text } = await shop.call('GET', '/world/invariants')
  expect(status).toBe(200)
  const { invariants }: { invariants: readonly Invariant[] } = JSON.parse(text)
  return invariants
}
const broken = async () => (await check()).filter(({ holds }) => !holds)

/** Pays an order. Its notification is due. */
async function pay(): Promise<{ token: string; outTradeNo: string }> {
  const token = await shop.logIn()
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  return { token, outTradeNo }
}
const stateOf = async (outTradeNo: string): Promise<unknown> =>
  (await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]))[0]?.[
    'trade_state'
  ]

describe('a switch', () => {
  beforeEach(() => open())

  test('is off at first, and its answer shows all switches', async () => {
    expect((await shop.call('GET', '/world/switches')).json).toEqual({ switches: ON, refused: {} })
    const { status, json } = await turn({ redis: 'down', notifications: 'lost' })
    expect([status, json['switches']]).toEqual([
      200,
      { ...ON, redis: 'down', notifications: 'lost' },
    ])
    expect((await turn({ redis: 'up' })).json['switches']).toEqual({ ...ON, notifications: 'lost' })
  })

  test('loses the notification, and a query finds the payment', async () => {
    await turn({ notifications: 'lost' })
    const { token, outTradeNo } = await pay()
    await shop.deliverNotifications()
    expect(await stateOf(outTradeNo)).toBe('NOTPAY')
    expect(await broken()).toEqual([])
    expect(await shop.query(token, outTradeNo)).toMatchObject({ tradeState: 'SUCCESS' })
  })

  test('sends the notification fifteen times, with the effect of one', async () => {
    await turn({ notifications: 'fifteen-times' })
    const { outTradeNo } = await pay()
    expect(await shop.deliverNotifications()).toBe(15)
    expect(await stateOf(outTradeNo)).toBe('SUCCESS')
    expect(await broken()).toEqual([])
  })

  test.each(['forged-amount', 'wrong-signature'])(
    'sends a notification with a %s, which is refused until it is switched back',
    async (notifications) => {
      await turn({ notifications })
      const { outTradeNo } = await pay()
      await shop.deliverNotifications()
      expect(await stateOf(outTradeNo)).toBe('NOTPAY')
      await turn({ notifications: 'as-usual' })
      shop.advance(15_000)
      await shop.deliverNotifications()
      expect(await stateOf(outTradeNo)).toBe('SUCCESS')
    },
  )

  test('ends with every fault of the simulator', async () => {
    await turn({ notifications: 'lost' })
    await shop.call('DELETE', '/wechat/control/faults')
    expect((await shop.call('GET', '/world/switches')).json['switches']).toEqual(ON)
  })

  test('cuts WeChat, Redis or the database off, and connects it again', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    const prepay = async () =>
      (await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })).status
    await turn({ wechat: 'down' })
    expect(await prepay()).toBe(503)
    await turn({ wechat: 'up', redis: 'down' })
    expect(await prepay()).toBe(200)
    await turn({ redis: 'up', database: 'down' })
    expect((await shop.call('GET', '/api/products')).status).toBe(503)
    await turn({ database: 'up' })
    expect((await shop.call('GET', '/api/products')).status).toBe(200)
  })

  test('lets the receiver of events hang, and the event arrives later', async () => {
    await turn({ receiver: 'hangs' })
    await pay()
    await shop.wechat.tick()
    const waiting = (await check()).find(({ name }) => name.includes('every event'))
    expect(waiting).toMatchObject({ holds: true, detail: 'events delivered: 0, waiting: 1' })
    await turn({ receiver: 'answers' })
    await shop.world.settled()
    shop.advance(3_600_000)
    await shop.cron()
    expect(shop.world.events.map(({ body }) => body)).toEqual([
      expect.stringContaining('"order.paid"'),
    ])
    expect(await broken()).toEqual([])
  })
})

describe('beside a real service', () => {
  test('its switch is refused with the reason, and the others work', async () => {
    await open({ ORDER_WEBHOOK_URL: 'http://127.0.0.1:9' })
    const reason =
      'ORDER_WEBHOOK_URL names a real service, and this switch is for the simulated one'
    expect((await shop.call('GET', '/world/switches')).json['refused']).toEqual({
      receiver: reason,
    })
    const { status, json } = await turn({ redis: 'down', receiver: 'hangs' })
    expect([status, json]).toEqual([409, { error: `receiver: ${reason}` }])
    expect((await turn({ redis: 'up' })).json['switches']).toEqual(ON)
  })

  test('the next morning and the invariants are refused too', async () => {
    await open()
    const env = { DATABASE_URL: 'postgresql://shop:pw@127.0.0.1/shop' }
    const world = await startWorld({ env, isWatched: true })
    const ask = async (method: string, path: string): Promise<unknown> => {
      const response = await fetch(`${world.url}/world/${path}`, { method })
      return [response.status, await response.json()]
    }
    const answers = [await ask('POST', 'tomorrow-morning'), await ask('GET', 'invariants')]
    await world.stop()
    expect(answers).toEqual([
      [
        409,
        {
          error: 'the clock cannot be moved, because the services of DATABASE_URL cannot follow',
        },
      ],
      [409, { error: 'the invariants need the embedded database and the simulated WeChat Pay' }],
    ])
  })
})

test('the next morning runs cron, and shows the bill and that it agrees', async () => {
  await open()
  const { outTradeNo } = await shop.sell()
  const day = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
  const { status, json } = await shop.call('POST', '/world/tomorrow-morning')
  expect(status).toBe(200)
  expect(json).toMatchObject({
    now: expect.stringMatching(/T11:00:\d\d\+08:00$/),
    cron: { reconciled: expect.any(Number) },
    bill: { day, text: expect.stringContaining(`,\`${outTradeNo},`) },
    comparison: { reconciled: 1, bill: { day, outcome: 'compared', payments: 1, differences: 0 } },
  })
  expect(await broken()).toEqual([])
  const next = await shop.call('POST', '/world/tomorrow-morning')
  expect(next.json).toMatchObject({ bill: null, comparison: null })
})

describe('a stored notification', () => {
  beforeEach(() => open())
  const again = async (body: object): Promise<Json> => {
    const { status, json } = await shop.call('POST', '/wechat/control/notifications', { body })
    expect(status).toBe(200)
    await shop.world.settled()
    return json
  }
  const sentBodies = async () =>
    (await storedExchanges(shop.world.url))
      .filter(({ from }) => from === 'wechat')
      .map(({ request }) => request)

  test('can be sent again as it was, and changes nothing a second time', async () => {
    const { outTradeNo } = await shop.sell()
    expect(await again({ number: 1 })).toMatchObject({ attempt: { status: 200, problem: null } })
    const [first, second] = await sentBodies()
    expect(second?.body).toBe(first?.body)
    expect(await stateOf(outTradeNo)).toBe('SUCCESS')
    expect(await broken()).toEqual([])
  })

  test.each([
    ['right', true, 1],
    ['kept', false, 0],
    ['wrong', false, 0],
  ] as const)(
    'can be sent with another amount, signed %s, and pays nothing',
    async (signature, holds, incidents) => {
      const { outTradeNo } = await pay()
      await again({ number: 1, fields: { total_fee: '1' }, signature })
      expect((await sentBodies()).map(({ signed }) => signed?.holds)).toEqual([holds])
      expect(await stateOf(outTradeNo)).toBe('NOTPAY')
      expect(await shop.sql('select count(*)::int as count from incidents')).toEqual([
        { count: incidents },
      ])
    },
  )

  test('must exist, and have the field', async () => {
    await pay()
    for (const [body, error] of [
      [{ number: 2 }, 'number: notifications so far: 1'],
      [{ number: 1, fields: { nothing: '1' } }, 'fields: the notification has no nothing'],
    ] as const)
      expect(await shop.call('POST', '/wechat/control/notifications', { body })).toMatchObject({
        status: 400,
        json: { error },
      })
  })
})

test('a notification of APIv3 can be sent with another amount, too', async () => {
  await open({ WECHAT_PAY_API: 'v3' })
  const { outTradeNo } = await pay()
  for (const signature of ['kept', 'right'])
    await shop.call('POST', '/wechat/control/notifications', {
      body: { number: 1, fields: { 'amount.total': 1 }, signature },
    })
  const sent = (await storedExchanges(shop.world.url)).filter(({ from }) => from === 'wechat')
  expect(sent.map(({ request }) => request.signed?.holds)).toEqual([false, true])
  expect(await stateOf(outTradeNo)).toBe('NOTPAY')
  expect(await shop.sql('select count(*)::int as count from incidents')).toEqual([{ count: 1 }])
})

describe('an invariant turns red when it is broken:', () => {
  beforeEach(async () => {
    await open()
    await shop.sql('alter table orders drop constraint orders_out_trade_no_transaction_id_fkey')
  })

  const without = (trigger: string, statement: string) =>
    shop
      .sql(`alter table orders disable trigger ${trigger}`)
      .then(() => shop.sql(statement))
      .then(() => shop.sql(`alter table orders enable trigger ${trigger}`))

  test('an order that is paid and that WeChat does not know', async () => {
    const token = await shop.logIn()
    const outTradeNo = await shop.placeOrder(token)
    await shop.sql(
      `update orders set trade_state = 'SUCCESS', transaction_id = 'invented', paid_at = now() where out_trade_no = $1`,
      [outTradeNo],
    )
    expect((await broken()).map(({ number }) => number)).toEqual([1, 3, 6])
  })

  test('a payment that was acknowledged and is not in the ledger', async () => {
    const { outTradeNo } = await shop.sell()
    await shop.sql('delete from events')
    await shop.sql('delete from payments')
    await without(
      'user',
      `update orders set trade_state = 'NOTPAY', transaction_id = null, paid_at = null`,
    )
    const red = await broken()
    expect(red.map(({ number }) => number)).toEqual([2])
    expect(red[0]?.detail).toBe(
      `the notification of ${outTradeNo} was acknowledged, but the order is not paid`,
    )
  })

  test('a second order.paid', async () => {
    const { outTradeNo } = await shop.sell()
    await shop.sql('drop index events_paid_once')
    await shop.sql(
      `insert into events (type, out_trade_no, data, created_at, next_attempt_at) values ('order.paid', $1, '{}', now(), now())`,
      [outTradeNo],
    )
    expect((await broken()).map(({ number }) => number)).toEqual([3])
  })

  test('a refund that happened twice at WeChat', async () => {
    const { outTradeNo } = await shop.sell()
    const body = { outTradeNo, refundFee: 2_000 }
    expect((await shop.call('POST', '/wechat/control/refund', { body })).status).toBe(200)
    expect(await broken()).toEqual([])
    await shop.sql(`alter table orders drop constraint orders_refunded_fee_check`).catch(() => [])
    await shop.sql(
      `insert into refunds (out_refund_no, out_trade_no, refund_fee, created_at) values ('one', $1, 2000, now()), ('two', $1, 2000, now())`,
      [outTradeNo],
    )
    expect((await broken()).map(({ number }) => number)).toEqual([4])
  })

  test('a state that goes back', async () => {
    const { outTradeNo } = await shop.sell()
    expect(await broken()).toEqual([])
    await without(
      'user',
      `update orders set trade_state = 'CLOSED', closed_at = now(), transaction_id = null, paid_at = null`,
    )
    expect((await broken()).map(({ number, detail }) => [number, detail])).toContainEqual([
      5,
      `${outTradeNo} went from SUCCESS to CLOSED`,
    ])
  })

  test('an event that counts as delivered and never arrived', async () => {
    await turn({ receiver: 'hangs' })
    await pay()
    await shop.wechat.tick()
    await shop.world.settled()
    await shop.sql('update events set delivered_at = now(), next_attempt_at = null')
    expect((await broken()).map(({ number }) => number)).toEqual([6])
  })

  test('an answer that holds a secret', async () => {
    await shop.sql(`update products set name = $1 where sku = 'latte'`, [
      shop.world.env.CRON_SECRET,
    ])
    await fetch(`${shop.world.url}/api/products`)
    expect((await broken()).map(({ number, detail }) => [number, detail])).toEqual([
      [7, 'there is a secret in the answer of GET /api/products'],
    ])
    await shop.sql(`update products set name = '拿铁' where sku = 'latte'`)
  })
})
