/** The bills by day, and the differences of one day, for the merchant. */
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { PaymentLine } from '../support/bill.ts'
import { paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import { openBillServer, type BillServer } from '../support/bill-server.ts'
import { openShop, type Answer, type Json, type Shop } from '../support/shop.ts'

const NOON = new Date('2026-11-20T12:00:00+08:00')
const NEXT_MORNING = new Date('2026-11-21T11:00:00+08:00')
const DAY = '2026-11-20'

let server: BillServer
let shop: Shop
beforeAll(async () => {
  // WeChat's certificates are valid from the time at which the shop opens.
  vi.useFakeTimers({ toFake: ['Date'], now: NOON })
  server = await openBillServer()
  shop = await openShop(server.variables)
  server.standBefore(shop)
})
afterAll(async () => {
  await shop.close()
  await server.close()
})
beforeEach(async () => {
  vi.setSystemTime(NOON)
  // Work of the test before would be deadlocked.
  await shop.world.settled()
  await shop.sql('truncate orders, payments, refunds, bills, incidents, events cascade')
  server.bills.clear()
})

const read = (query = '') =>
  shop.call('GET', `/api/console/bills${query}`, { token: shop.merchantKey })
const rows = ({ json }: Answer, name: string): readonly Json[] =>
  v.parse(v.array(v.record(v.string(), v.unknown())), json[name])
/** The next page of a list. */
const next = (query: string, { json }: Answer) =>
  read(`${query}&cursor=${encodeURIComponent(String(json['nextCursor']))}`)

async function compare(day = DAY): Promise<Answer> {
  const compared = await shop.call('GET', `/api/cron?bill=${day}`, { token: shop.cronSecret })
  await shop.world.settled()
  return compared
}

/** A payment of 2800 fen, as a line of the bill. */
async function takePayment(): Promise<PaymentLine> {
  const { outTradeNo, transactionId } = await shop.sell()
  return { outTradeNo, transactionId, totalFee: 2800 }
}

const strangers = (count: number, first = 0): readonly PaymentLine[] =>
  Array.from({ length: count }, (_, index) => {
    const number = String(first + index).padStart(8, '0')
    return { outTradeNo: `other${number}`, transactionId: `42${number}`, totalFee: 500 }
  })
const numbersOf = (answer: Answer) =>
  rows(answer, 'differences').map(({ outTradeNo }) => outTradeNo)
const storedRows = () => shop.sql('select distinct claim from bill_differences')

describe('the days', () => {
  test('are listed newest first, page by page, each with its state, counts and sums', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [paid])
    server.bills.set('20261121', strangers(1))
    vi.setSystemTime(new Date('2026-11-23T11:00:00+08:00'))
    await compare('2026-11-20')
    await compare('2026-11-21')
    const page = await read('?limit=2')
    expect(rows(page, 'bills')).toEqual([
      { day: '2026-11-22', state: 'not_compared' },
      {
        day: '2026-11-21',
        state: 'differs',
        outcome: 'compared',
        comparedAt: '2026-11-23T11:00:00+08:00',
        payments: { count: 1, totalFee: 500 },
        refunds: { count: 0, refundFee: 0 },
        settled: 0,
        differences: 1,
      },
    ])
    expect(rows(await read('?limit=2&cursor=2099-12-31'), 'bills')).toEqual(rows(page, 'bills'))
    const last = await next('?limit=2', page)
    expect(rows(last, 'bills')).toMatchObject([
      { day: DAY, state: 'agrees', payments: { count: 1, totalFee: 2800 }, differences: 0 },
    ])
    expect(last.json['nextCursor']).toBeUndefined()
  })

  test('begin with the first order, and without an order the list is empty', async () => {
    expect((await read()).json).toEqual({ bills: [] })
    await takePayment()
    vi.setSystemTime(new Date('2026-11-21T09:59:59+08:00'))
    expect((await read()).json).toEqual({ bills: [] })
    vi.setSystemTime(NEXT_MORNING)
    expect((await read()).json).toEqual({ bills: [{ day: DAY, state: 'not_compared' }] })
  })

  test('that an earlier version compared have no sums and no list', async () => {
    server.bills.set('20261120', strangers(2))
    vi.setSystemTime(NEXT_MORNING)
    await compare()
    // 0.1.0 writes this after it has compared the day again.
    await shop.sql(
      `update bills set compared_at = compared_at + interval '1 minute', comparison = comparison + 1`,
    )
    expect(rows(await read(), 'bills')).toMatchObject([
      { state: 'differs', payments: { count: 2 }, refunds: { count: 0 }, differences: 2 },
    ])
    expect(await read()).not.toMatchObject({ text: expect.stringContaining('Fee') })
    expect(rows(await read(`?day=${DAY}`), 'differences')).toEqual([])
    await compare()
    expect(rows(await read(`?day=${DAY}`), 'differences')).toHaveLength(2)
  })
})

describe('the differences of a day', () => {
  test('are listed with both sides, and with their incidents and notes', async () => {
    const [paid, missing] = [await takePayment(), await takePayment()]
    server.bills.set('20261120', [{ ...paid, totalFee: 2801 }, ...strangers(1)])
    vi.setSystemTime(NEXT_MORNING)
    await compare()
    const shown = await read(`?day=${DAY}`)
    expect(shown.json).toMatchObject({
      bill: { day: DAY, state: 'differs', differences: 3 },
      differences: [
        {
          kind: 'amount',
          outTradeNo: paid.outTradeNo,
          expected: { totalFee: 2800 },
          received: { totalFee: 2801 },
          incident: { id: expect.any(Number) },
        },
        { kind: 'order', outTradeNo: 'other00000000', expected: {}, received: { totalFee: 500 } },
        { kind: 'unbilled', outTradeNo: missing.outTradeNo, received: { totalFee: null } },
      ],
    })
    const { incident } = v.parse(
      v.object({ incident: v.object({ id: v.number() }) }),
      rows(shown, 'differences')[0],
    )
    await shop.call('POST', '/api/console/incidents', {
      token: shop.merchantKey,
      body: { id: incident.id, note: 'refunded' },
    })
    expect(rows(await read(`?day=${DAY}&limit=1`), 'differences')).toMatchObject([
      { incident: { id: incident.id, handledAt: '2026-11-21T11:00:00+08:00', note: 'refunded' } },
    ])
  })

  test('are all listed, page by page, if there are more than 500, and are one incident', async () => {
    const missing = await takePayment()
    server.bills.set('20261120', strangers(1_100))
    vi.setSystemTime(NEXT_MORNING)
    expect((await compare()).json).toMatchObject({
      bill: { outcome: 'too_different', payments: 1_100, differences: 1_101 },
    })
    const query = `?day=${DAY}&limit=100`
    let page = await read(query)
    const found = [...numbersOf(page)]
    while (page.json['nextCursor'] !== undefined) {
      page = await next(query, page)
      found.push(...numbersOf(page))
    }
    expect(found).toEqual([
      ...strangers(1_100).map(({ outTradeNo }) => outTradeNo),
      missing.outTradeNo,
    ])
    expect(page.json['differences']).not.toMatchObject([{ incident: expect.anything() }])
    expect(await shop.sql('select kind from incidents')).toEqual([{ kind: 'bill' }])
  })

  test('of payments that the bill lacks are read in pages, too', async () => {
    await shop.sql(`
      insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
      select 'many' || lpad(n::text, 8, '0'), 'oMany', n, 'x', '127.0.0.1', 'https://shop.example', '2026-11-20 08:00+08', '2026-11-20 10:00+08', 'x'
      from generate_series(1, 1200) n`)
    await shop.sql(`
      insert into payments (out_trade_no, transaction_id, total_fee, paid_at, source, recorded_at)
      select out_trade_no, '42' || out_trade_no, total_fee, '2026-11-20 09:00+08'::timestamptz + (total_fee % 7) * interval '1 second',
        'notify', '2026-11-20 09:00+08' from orders`)
    await shop.sql(
      `update orders o set trade_state = 'SUCCESS', transaction_id = p.transaction_id, paid_at = p.paid_at
       from payments p where p.out_trade_no = o.out_trade_no`,
    )
    vi.setSystemTime(NEXT_MORNING)
    expect((await compare()).json).toMatchObject({
      bill: { outcome: 'too_different', differences: 1_200 },
    })
    expect(
      await shop.sql('select count(distinct out_trade_no)::integer as count from bill_differences'),
    ).toEqual([{ count: 1_200 }])
  })

  test('are those of the last comparison, and a cursor of an earlier one is refused', async () => {
    server.bills.set('20261120', strangers(5))
    vi.setSystemTime(NEXT_MORNING)
    await compare()
    const query = `?day=${DAY}&limit=2`
    const page = await read(query)
    expect(numbersOf(await next(query, page))).toEqual(['other00000002', 'other00000003'])
    server.bills.set('20261120', strangers(3, 7))
    shop.advance(1_000)
    await compare()
    const refused = await next(query, page)
    expect([refused.status, refused.json['detail']]).toEqual([
      400,
      'cursor: expected to begin at the first page: the bill was compared again',
    ])
    expect(numbersOf(await read(`?day=${DAY}`))).toEqual([
      'other00000007',
      'other00000008',
      'other00000009',
    ])
    expect(await storedRows()).toHaveLength(1)
  })

  test('stay as they are while a comparison fails, and one that is broken off lists nothing', async () => {
    server.bills.set('20261120', strangers(1))
    vi.setSystemTime(NEXT_MORNING)
    await compare()
    server.bills.set('20261120', () => {
      shop.world.faults.database.down()
      return []
    })
    shop.advance(1_000)
    expect((await compare()).status).toBe(503)
    shop.world.faults.database.up()
    server.bills.set('20261120', strangers(1))
    expect(numbersOf(await read(`?day=${DAY}`))).toEqual(['other00000000'])
    // A run that listed differences and stopped before its end.
    await shop.sql(
      `insert into bill_differences select day, claim + interval '1 second', 0, 'x', 'order', 'lost', '{}', '{}' from bill_differences`,
    )
    expect(numbersOf(await read(`?day=${DAY}`))).toEqual(['other00000000'])
    shop.advance(331_000)
    await compare()
    expect(numbersOf(await read(`?day=${DAY}`))).toEqual(['other00000000'])
    expect(await storedRows()).toHaveLength(1)
  })

  test('of a replaced comparison are not listed', async () => {
    server.bills.set('20261120', async () => {
      await shop.sql(`update bills set claimed_until = claimed_until + interval '1 minute'`)
      return strangers(2)
    })
    vi.setSystemTime(NEXT_MORNING)
    expect(await compare()).toMatchObject({ status: 409, json: { code: 'bill_busy' } })
    expect(await storedRows()).toEqual([])
  })

  test('of an unfinished comparison are deleted when the next one begins', async () => {
    await shop.sql(`insert into bills (day) values ($1)`, [DAY])
    await shop.sql(
      `insert into bill_differences values ($1, now(), 0, 'x', 'order', 'lost', '{}', '{}')`,
      [DAY],
    )
    server.bills.set('20261120', { v2: 'Bill Creating', v3: 'STATEMENT_CREATING' })
    vi.setSystemTime(NEXT_MORNING)
    expect((await compare()).json['code']).toBe('bill_not_ready')
    expect(await storedRows()).toEqual([])
  })

  test('of a day that is not compared are an empty list', async () => {
    expect((await read('?day=2030-01-01')).json).toEqual({
      bill: { day: '2030-01-01', state: 'not_compared' },
      differences: [],
    })
  })
})

describe('in the overview', () => {
  const waiting = async () =>
    rows(await shop.call('GET', '/api/console/overview', { token: shop.merchantKey }), 'bills').map(
      ({ day }) => day,
    )
  const handleAll = () => shop.sql(`update incidents set handled_at = now(), note = 'seen'`)

  test('a day waits until the incidents of its differences are handled', async () => {
    server.bills.set('20261120', strangers(2))
    vi.setSystemTime(NEXT_MORNING)
    await compare()
    expect(await waiting()).toEqual([DAY])
    await handleAll()
    // Another incident of cron from the same time.
    await shop.sql(
      `insert into incidents (fingerprint, kind, expected, received, source, occurred_at)
       values ('other', 'refund', '{}', '{}', 'cron', $1)`,
      [NEXT_MORNING],
    )
    expect(await waiting()).toEqual([])
  })

  test('an incident that a notification reported before the bill counts', async () => {
    const outTradeNo = await shop.placeOrder(await shop.logIn())
    const facts = paymentFacts(shop, outTradeNo, { totalFee: 1 })
    await shop.notify(paymentMessage(shop, outTradeNo, facts))
    const transactionId = String(facts.transactionId)
    server.bills.set('20261120', [{ outTradeNo, transactionId, totalFee: 1 }])
    vi.setSystemTime(NEXT_MORNING)
    await compare()
    expect(await shop.sql('select source from incidents')).toEqual([{ source: 'notify' }])
    expect(await waiting()).toEqual([DAY])
    await handleAll()
    expect(await waiting()).toEqual([])
  })

  test('a day with too many differences waits for its one incident', async () => {
    server.bills.set('20261120', strangers(501))
    vi.setSystemTime(NEXT_MORNING)
    await compare()
    expect(await waiting()).toEqual([DAY])
    await handleAll()
    expect(await waiting()).toEqual([])
  })
})

test('a bill with too many differences is read for two thirds of the time only', async () => {
  server.bills.set('20261120', () => {
    shop.advance(101_000)
    return strangers(1_600)
  })
  vi.setSystemTime(NEXT_MORNING)
  expect((await compare()).json).toMatchObject({ bill: { outcome: 'too_different' } })
  const [{ listed } = {}] = await shop.sql(
    'select count(*)::integer as listed from bill_differences',
  )
  expect(listed).toBeGreaterThan(500)
  expect(listed).toBeLessThan(1_600)
})

test.each([
  '?day=2026-02-30',
  '?day=today',
  '?day=',
  '?limit=0',
  '?limit=101',
  '?cursor=x',
  '?cursor=1763600000000-5',
  `?day=${DAY}&cursor=2026-11-19`,
  `?day=${DAY}&cursor=1763600000000-`,
  `?day=${DAY}&cursor=99999999999999999-5`,
  `?day=${DAY}&cursor=1763600000000-5`,
  `?day=${DAY}&state=differs`,
])('%s is refused', async (query) => {
  expect(await read(query)).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
})

test.each(['1999-12-31', '2100-01-01', '2026-02-30'])(
  'the refusal of the day %s names the days that there are',
  async (day) => {
    expect((await read(`?day=${day}`)).json).toMatchObject({
      status: 400,
      detail: 'day: expected a day from 2000-01-01 to 2099-12-31, written like 2026-11-20',
    })
  },
)

test('only the merchant may read them', async () => {
  const user = await shop.logIn()
  for (const [token, code] of [
    [undefined, 'not_signed_in'],
    [user, 'wrong_token'],
    [shop.cronSecret, 'wrong_token'],
  ] as const)
    expect((await shop.call('GET', '/api/console/bills', { token })).json['code']).toBe(code)
  const posted = await shop.call('POST', '/api/console/bills', {
    token: shop.merchantKey,
    body: {},
  })
  expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET'])
})
