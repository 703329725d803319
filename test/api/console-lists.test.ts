/** Incidents and events for the merchant: lists, a mark with a note, and a second delivery. */
import * as v from 'valibot'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import { openShop, type Answer, type Json, type Shop } from '../support/shop.ts'
import { accepts, answerWith, openReceiver, refuses, type Receiver } from '../webhook/receiver.ts'

let shop: Shop
let receiver: Receiver
beforeAll(async () => {
  receiver = await openReceiver()
  shop = await openShop({
    ORDER_WEBHOOK_URL: receiver.url,
    ORDER_WEBHOOK_SECRET: receiver.secret,
  })
})
afterEach(async () => {
  receiver.answer = accepts
  await shop.world.settled()
  receiver.deliveries.length = 0
})
afterAll(async () => {
  await shop.close()
  await receiver.close()
})

const token = () => shop.merchantKey
const get = (path: string) => shop.call('GET', `/api/console/${path}`, { token: token() })
const post = (part: string, body: object) =>
  shop.call('POST', `/api/console/${part}`, { token: token(), body })
const anyRow = v.record(v.string(), v.unknown())
const rows = ({ json }: Answer, name: string): readonly Json[] =>
  v.parse(v.array(anyRow), json[name])

/** A payment of another amount than the order's. Returns the number of the order. */
async function contradict(): Promise<string> {
  const outTradeNo = await shop.placeOrder(await shop.logIn())
  await shop.notify(
    paymentMessage(shop, outTradeNo, paymentFacts(shop, outTradeNo, { totalFee: 1 })),
  )
  await shop.world.settled()
  return outTradeNo
}

/** A period before every sale of this shop, and before the earlier periods: four moments of it. */
let periods = 0
function nextPeriod() {
  const start = Date.parse('2026-01-01T00:00:00Z') - ++periods * 86_400_000
  const at = (minute: number) => new Date(start + minute * 60_000).toISOString()
  return { at, from: at(0), to: at(3) }
}
const newName = () => `period-${crypto.randomUUID().slice(0, 20)}`

const orderNumbers = (answer: Answer, part: string) =>
  rows(answer, part).map((row) => row['outTradeNo'])
const listed = async (part: string, query: string) =>
  orderNumbers(await get(`${part}?${query}`), part)
/** The same list in pages of one row. */
async function pages(part: string, query: string) {
  const found: unknown[] = []
  let cursor = ''
  do {
    const page = await get(`${part}?${query}&limit=1${cursor}`)
    found.push(...orderNumbers(page, part))
    const next = page.json['nextCursor']
    cursor = typeof next === 'string' ? `&cursor=${next}` : ''
  } while (cursor !== '')
  return found
}

const newest = async (): Promise<Json> => rows(await get('incidents?limit=1'), 'incidents')[0] ?? {}

describe('incidents', () => {
  test('are listed newest first, page by page, with both sides of the contradiction', async () => {
    const first = await contradict()
    const second = await contradict()
    const page = await get('incidents?limit=1')
    expect(rows(page, 'incidents')).toMatchObject([
      {
        kind: 'amount',
        outTradeNo: second,
        expected: { totalFee: 2800 },
        received: { totalFee: 1 },
        source: 'notify',
      },
    ])
    const next = await get(`incidents?limit=1&cursor=${String(page.json['nextCursor'])}`)
    expect(rows(next, 'incidents')).toMatchObject([{ outTradeNo: first }])
  })

  test('are marked as handled, with a note, and kept', async () => {
    const outTradeNo = await contradict()
    const { id } = await newest()
    const note = '旧系统 <script>alert(1)</script>'
    const handled = await post('incidents', { id, note })
    expect(handled).toMatchObject({ status: 200, json: { id, outTradeNo, note } })
    const open = rows(await get('incidents?state=open'), 'incidents')
    expect(open.map((incident) => incident['id'])).not.toContain(id)
    expect(rows(await get('incidents?state=handled&limit=1'), 'incidents')).toEqual([handled.json])
  })

  test('are marked once: the first note and its time stay', async () => {
    await contradict()
    const { id } = await newest()
    const first = await post('incidents', { id, note: 'refunded' })
    shop.advance(60_000)
    expect((await post('incidents', { id, note: 'refunded' })).json).toEqual(first.json)
    expect(await post('incidents', { id, note: 'other' })).toMatchObject({
      status: 409,
      json: { code: 'incident_handled' },
    })
    expect(await newest()).toEqual(first.json)
  })

  test('stay handled when the same contradiction is reported again', async () => {
    const outTradeNo = await contradict()
    const { id, received } = await newest()
    await post('incidents', { id, note: 'refunded' })
    const transactionId = String(v.parse(anyRow, received)['transactionId'])
    const facts = paymentFacts(shop, outTradeNo, { totalFee: 1, transactionId })
    await shop.notify(paymentMessage(shop, outTradeNo, facts))
    expect(await newest()).toMatchObject({ id, note: 'refunded' })
  })

  test('of a period are listed by their time, page by page, whatever the order of storing', async () => {
    const { at, from, to } = nextPeriod()
    const stored = [at(2), at(0), at(1), at(3), at(2)].map((time) => ({ time, name: newName() }))
    for (const { time, name } of stored)
      await shop.sql(
        `insert into incidents (fingerprint, kind, out_trade_no, expected, received, source, occurred_at)
         values ($1, 'amount', $1, '{}', '{}', 'query', $2)`,
        [name, time],
      )
    const [two, zero, one, , alsoTwo] = stored.map(({ name }) => name)
    const period = `from=${from}&to=${to}`
    expect(await listed('incidents', `${period}&limit=100`)).toEqual([alsoTwo, two, one, zero])
    expect(await pages('incidents', `${period}&state=open`)).toEqual([alsoTwo, two, one, zero])
    expect(await listed('incidents', `${period}&state=handled`)).toEqual([])
    expect(await listed('incidents', `from=${from}&limit=1`)).toHaveLength(1)
    expect(await listed('incidents', `to=${from}&limit=100`)).not.toContain(zero)
  })

  test.each([
    [{ id: 999_999, note: 'x' }, 404, 'incident_not_found'],
    [{ id: 0, note: 'x' }, 400, 'invalid_request'],
    [{ id: '1', note: 'x' }, 400, 'invalid_request'],
    [{ id: 1, note: '' }, 400, 'invalid_request'],
    [{ id: 1, note: 'x'.repeat(501) }, 400, 'invalid_request'],
    [{ id: 1, note: 'a\u0000b' }, 400, 'invalid_request'],
  ])('%j is answered %d %s', async (body, status, code) => {
    expect(await post('incidents', body)).toMatchObject({ status, json: { code } })
  })
})

describe('events', () => {
  test('are listed newest first, page by page, with their data', async () => {
    const { outTradeNo, transactionId } = await shop.sell()
    const { outTradeNo: other } = await shop.sell()
    const page = await get('events?limit=1')
    expect(rows(page, 'events')).toMatchObject([{ outTradeNo: other, state: 'delivered' }])
    const next = await get(`events?limit=1&cursor=${String(page.json['nextCursor'])}`)
    expect(rows(next, 'events')).toMatchObject([
      { type: 'order.paid', outTradeNo, data: { outTradeNo, transactionId } },
    ])
  })

  test('show each attempt: refused, refused for good, sent again and accepted', async () => {
    receiver.answer = refuses
    const { outTradeNo } = await shop.sell()
    const list = (state = '') => get(`events?outTradeNo=${outTradeNo}${state}`)
    const [waiting] = rows(await list('&state=undelivered'), 'events')
    expect(waiting).toMatchObject({ state: 'waiting', attempts: [{ code: '500' }] })
    expect(rows(await list('&state=parked'), 'events')).toEqual([])

    receiver.answer = answerWith(410)
    shop.advance(10_000)
    await shop.cron()
    expect(rows(await list('&state=parked'), 'events')).toMatchObject([
      { state: 'parked', attempts: [{ code: '500' }, { code: '410' }] },
    ])

    receiver.answer = accepts
    receiver.deliveries.length = 0
    const sent = await post('events', { id: waiting?.['id'] })
    expect(sent).toMatchObject({ status: 202, json: { state: 'waiting', outTradeNo } })
    await shop.world.settled()
    expect(receiver.deliveries.map(({ id }) => id)).toEqual([waiting?.['id']])
    expect(rows(await list(), 'events')).toMatchObject([
      { state: 'delivered', attempts: [{ code: '500' }, { code: '410' }, { code: 'delivered' }] },
    ])
    expect(rows(await list('&state=undelivered'), 'events')).toEqual([])
  })

  test('that were delivered are sent again under the same webhook-id', async () => {
    const { outTradeNo } = await shop.sell()
    const [event] = rows(await get(`events?outTradeNo=${outTradeNo}`), 'events')
    await post('events', { id: event?.['id'] })
    await shop.world.settled()
    const ids = receiver.deliveries.map(({ id }) => id)
    expect(ids).toEqual([event?.['id'], event?.['id']])
  })

  test('of a period are listed by their time, page by page, whatever the order of storing', async () => {
    const { at, from, to } = nextPeriod()
    const stored = [at(2), at(0), at(1), at(3), at(2)].map((time) => ({ time, name: newName() }))
    for (const { time, name } of stored)
      await shop.sql(
        `insert into events (type, out_trade_no, data, created_at, delivered_at)
         select 'order.closed', $1, data, $2, $2 from events where type = 'order.paid' limit 1`,
        [name, time],
      )
    const [two, zero, one, , alsoTwo] = stored.map(({ name }) => name)
    const period = `from=${from}&to=${to}`
    expect(await listed('events', `${period}&limit=100`)).toEqual([alsoTwo, two, one, zero])
    expect(await pages('events', period)).toEqual([alsoTwo, two, one, zero])
    expect(await listed('events', `${period}&state=undelivered`)).toEqual([])
    expect(await listed('events', `${period}&outTradeNo=${String(one)}`)).toEqual([one])
    expect(await listed('events', `to=${from}&limit=100`)).not.toContain(zero)
  })

  test.each([
    [{ id: `evt_${'0'.repeat(32)}` }, 404, 'event_not_found'],
    [{ id: 'other' }, 400, 'invalid_request'],
    [{}, 400, 'invalid_request'],
  ])('%j is answered %d %s', async (body, status, code) => {
    expect(await post('events', body)).toMatchObject({ status, json: { code } })
  })
})

test.each([
  'incidents?state=other',
  'incidents?cursor=x',
  'incidents?limit=0',
  'incidents?from=2026-11-20',
  'events?state=x',
  'events?to=yesterday',
])('%s is refused', async (query) => {
  expect(await get(query)).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
})

test.each(['incidents', 'events'])(
  '%s of a period that ends before it begins are refused',
  async (part) => {
    const time = '2026-11-20T00:00:00Z'
    expect(await get(`${part}?from=${time}&to=${time}`)).toMatchObject({
      status: 400,
      json: { code: 'invalid_request', detail: 'to: expected a time after from' },
    })
  },
)

test('a parameter that names another part of the console than the path is refused', async () => {
  expect(await get('incidents?part=overview')).toMatchObject({
    status: 400,
    json: { code: 'invalid_request', detail: 'part: expected this parameter to be left out' },
  })
})

test.each(['incidents', 'events'])(
  'only the merchant may read %s and act on them',
  async (part) => {
    const user = await shop.logIn()
    for (const [key, code] of [
      [undefined, 'not_signed_in'],
      [user, 'wrong_token'],
      [shop.cronSecret, 'wrong_token'],
    ] as const) {
      const path = `/api/console/${part}`
      expect((await shop.call('GET', path, { token: key })).json['code']).toBe(code)
      expect((await shop.call('POST', path, { token: key, body: {} })).json['code']).toBe(code)
    }
  },
)
