/** Complaints for the merchant: list, detail, and actions that are sent to WeChat once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { complain, complaintRow, openComplainedShop } from '../support/complaints.ts'
import { protocol } from '../support/mode.ts'
import { openShop, type CallOptions, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openComplainedShop()
})
beforeEach(() => shop.wechat.clearFaults())
afterEach(() => shop.wechat.clearFaults())
afterAll(() => shop.close())

const PATH = '/api/console/complaints'
const get = (query = '', options: CallOptions = { token: shop.merchantKey }) =>
  shop.call('GET', `${PATH}${query}`, options)
const act = (complaintId: string, action: object) =>
  shop.call('POST', PATH, { token: shop.merchantKey, body: { complaintId, ...action } })
const complaintAt = (complaintId: string) =>
  shop.wechat.complaints().find((complaint) => complaint.complaintId === complaintId)
const historyOf = (complaintId: string) =>
  complaintAt(complaintId)?.history.map(({ type, details }) => [type, details])
const complained = async (over: Parameters<typeof complain>[1] = {}) => {
  const filed = await complain(shop, over)
  await shop.deliverNotifications()
  return filed
}

const REPLY = { action: 'reply', content: '您好，已为您补发' }
const FINISH = { action: 'finish' }

describe('the list', () => {
  test('has the open complaints, newest first, page by page', async () => {
    const first = await complained({ detail: '第一个' })
    shop.advance(1_000)
    const second = await complained({ detail: '第二个' })
    const page = await get('?state=PENDING&limit=1')
    expect(page.json).toMatchObject({
      complaints: [
        { complaintId: second.complaintId, outTradeNo: second.outTradeNo, detail: '第二个' },
      ],
      nextCursor: second.complaintId,
    })
    const next = await get(`?state=PENDING&limit=1&cursor=${second.complaintId}`)
    expect(next.json).toMatchObject({ complaints: [{ complaintId: first.complaintId }] })
    expect((await get('?state=PROCESSED')).json).toEqual({ complaints: [] })
  })

  test.each(['?state=OPEN', '?id=1&state=PENDING', '?phone=1', '?limit=0', '?id=a.b'])(
    'is refused with %s',
    async (query) => {
      expect(await get(query)).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    },
  )
})

describe('one complaint', () => {
  test('is shown with its history as WeChat has it, and stored so', async () => {
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    const { complaintId, outTradeNo } = await complained()
    const { json } = await get(`?id=${complaintId}`)
    expect(json).toMatchObject({
      complaintId,
      outTradeNo,
      state: 'PENDING',
      history: [{ type: 'USER_CREATE_COMPLAINT', text: '没有收到商品' }],
    })
    expect(await complaintRow(shop, complaintId)).toMatchObject({ state: 'PENDING' })
    const told = await shop.sql(`select 1 from events where data->>'complaintId' = $1`, [
      complaintId,
    ])
    expect(told).toHaveLength(1)
  })

  test('has the payer’s phone number on request only, and it is stored nowhere', async () => {
    const lines = vi.spyOn(console, 'log')
    const phone = '13987654321'
    const { complaintId } = await complained({ phone })
    expect((await get(`?id=${complaintId}`)).text).not.toContain(phone)
    const shown = await get(`?id=${complaintId}&phone=1`)
    expect(shown.json['payerPhone']).toBe(phone)
    await act(complaintId, REPLY)
    await shop.world.settled()
    const tables = ['complaints', 'events', 'orders', 'users', 'incidents']
    for (const table of tables) {
      const rows = await shop.sql(`select to_jsonb(t)::text as row from ${table} t`)
      expect(rows.filter(({ row }) => String(row).includes(phone))).toEqual([])
    }
    expect(lines.mock.calls.filter((line) => JSON.stringify(line).includes(phone))).toEqual([])
    lines.mockRestore()
  })

  test('that WeChat does not know is 404', async () => {
    expect(await get('?id=404')).toMatchObject({
      status: 404,
      json: { code: 'complaint_not_found' },
    })
    expect(await act('404', REPLY)).toMatchObject({ status: 404 })
  })

  test('is not shown if WeChat’s answer is not genuine', async () => {
    const { complaintId } = await complained()
    shop.wechat.misbehave({ on: 'complaint-query', do: 'wrong-key' })
    expect(await get(`?id=${complaintId}`)).toMatchObject({
      status: 502,
      json: { code: 'wechat_untrusted' },
    })
  })
})

describe('the merchant', () => {
  test('replies and finishes', async () => {
    const { complaintId } = await complained()
    expect(await act(complaintId, REPLY)).toMatchObject({
      status: 200,
      json: { state: 'PROCESSING', isReplyAwaited: false },
    })
    expect(await act(complaintId, FINISH)).toMatchObject({
      status: 200,
      json: { state: 'PROCESSED' },
    })
    expect(historyOf(complaintId)).toEqual([
      ['USER_CREATE_COMPLAINT', '没有收到商品'],
      ['MERCHANT_RESPONSE', REPLY.content],
      ['MERCHANT_CONFIRM_COMPLETE', ''],
    ])
    expect(await complaintRow(shop, complaintId)).toMatchObject({ state: 'PROCESSED' })
  })

  test.each([
    ['approves', { decision: 'approve' }, 'APPROVE'],
    ['rejects', { decision: 'reject', reason: '商品已使用' }, 'REJECT'],
  ])('%s a refund, and the same decision again changes nothing', async (_, decision, stored) => {
    const { complaintId } = await complained({ problemType: 'REFUND' })
    const decide = () => act(complaintId, { action: 'refund', ...decision })
    expect((await decide()).status).toBe(200)
    expect((await decide()).status).toBe(200)
    expect(complaintAt(complaintId)).toMatchObject({ decision: stored })
    expect(historyOf(complaintId)).toHaveLength(2)
  })

  test('gets WeChat’s reason if an action does not fit the state', async () => {
    const { complaintId } = await complained()
    const refused = await act(complaintId, FINISH)
    expect(refused).toMatchObject({ status: 409, json: { code: 'complaint_refused' } })
    expect(refused.json['detail']).toContain('投诉单状态不是处理中')
    // The refusal is certain, so the next action need not wait.
    expect((await act(complaintId, REPLY)).status).toBe(200)
  })

  test('repeats a reply whose answer was lost, and WeChat shows it once', async () => {
    const { complaintId } = await complained()
    shop.wechat.misbehave({ on: 'complaint-action', do: 'lose-answer', times: 1 })
    expect(await act(complaintId, REPLY)).toMatchObject({
      status: 503,
      json: { code: 'wechat_unknown' },
    })
    const tooEarly = await act(complaintId, REPLY)
    expect(tooEarly).toMatchObject({ status: 409, json: { code: 'complaint_busy' } })
    expect(tooEarly.headers.get('retry-after')).toBe('60')
    // WeChat may take the message half a minute later, and another instance's clock may be ahead.
    shop.advance(50_000)
    expect(await act(complaintId, REPLY)).toMatchObject({ json: { code: 'complaint_busy' } })
    shop.advance(10_000)
    expect(await act(complaintId, REPLY)).toMatchObject({
      status: 200,
      json: { state: 'PROCESSING' },
    })
    expect(historyOf(complaintId)).toHaveLength(2)
  })

  test('sends the same reply fifteen times at the same time, and WeChat shows it once', async () => {
    const { complaintId } = await complained()
    const answers = await Promise.all(Array.from({ length: 15 }, () => act(complaintId, REPLY)))
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([])
    expect(historyOf(complaintId)).toHaveLength(2)
  })

  test('gives the same reply again after the payer has written again', async () => {
    const { complaintId, outTradeNo } = await complained()
    await act(complaintId, REPLY)
    shop.advance(60_000)
    shop.wechat.complain({ outTradeNo })
    await act(complaintId, REPLY)
    await act(complaintId, REPLY)
    expect(historyOf(complaintId)?.map(([type]) => type)).toEqual([
      'USER_CREATE_COMPLAINT',
      'MERCHANT_RESPONSE',
      'USER_CONTINUE_COMPLAINT',
      'MERCHANT_RESPONSE',
    ])
  })

  test('is not warned of a reply that was sent while WeChat answers nothing more', async () => {
    const { complaintId } = await complained()
    // WeChat answers the two questions before the action.
    shop.wechat.misbehave({ on: 'complaint-query', do: 'delay', ms: 0, times: 2 })
    shop.wechat.misbehave({ on: 'complaint-query', do: 'http-500' })
    expect(await act(complaintId, REPLY)).toMatchObject({
      status: 200,
      json: { state: 'PROCESSING', isReplyAwaited: false },
    })
    await shop.world.settled()
    shop.advance(21 * 3_600_000)
    await shop.cron()
    const told = await shop.sql(
      `select data from events where type = 'complaint.overdue' and data->>'complaintId' = $1`,
      [complaintId],
    )
    expect(told).toEqual([])
  })

  test.each([
    [{ action: 'reply' }, 'content'],
    [{ action: 'reply', content: '' }, 'content'],
    [{ action: 'reply', content: 'x'.repeat(201) }, 'content'],
    [{ action: 'refund', decision: 'reject' }, 'reason'],
    [{ action: 'refund', decision: 'approve', refundInDays: -1 }, 'refundInDays'],
    [{ action: 'finish', content: 'x' }, 'content'],
    [{ action: 'other' }, 'action'],
  ])('is told what is wrong with %j', async (action, field) => {
    const refused = await act('1', action)
    expect(refused).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(refused.json['detail']).toMatch(new RegExp(`^${field}: `))
  })
})

test('only the merchant may read complaints and act on them', async () => {
  const token = await shop.logIn()
  for (const [key, code] of [
    [undefined, 'not_signed_in'],
    [token, 'wrong_token'],
    [shop.cronSecret, 'wrong_token'],
  ] as const) {
    expect((await get('', { token: key })).json['code']).toBe(code)
    const posted = await shop.call('POST', PATH, { token: key, body: {} })
    expect(posted.json['code']).toBe(code)
  }
})

test('another part of the console does not exist', async () => {
  for (const path of ['/api/console/nothing', '/api/console', '/api/console/']) {
    const answer = await fetch(`${shop.world.url}${path}`)
    expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'part_not_found' }])
  }
})

test.runIf(protocol === 'v2')('without the settings of APIv3 nothing is there', async () => {
  const other = shop
  vi.resetModules()
  const bare = await openShop()
  const answers = await Promise.all([
    bare.call('GET', PATH, { token: bare.merchantKey }),
    bare.call('GET', `${PATH}?id=1`, { token: bare.merchantKey }),
    bare.call('POST', PATH, { token: bare.merchantKey, body: { complaintId: '1', ...FINISH } }),
  ])
  for (const { status, json } of answers) {
    expect([status, json['code']]).toEqual([503, 'not_configured'])
    expect(json['detail']).toContain('WECHAT_PAY_V3_KEY')
  }
  await bare.close()
  shop = other
})
