/** Answers about complaints that the simulator does not give. */
import { constants, publicEncrypt } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseDay } from '../../../lib/core/day.ts'
import { parseComplaintId } from '../../../lib/core/ids.ts'
import { createComplaintCalls } from '../../../lib/wechat/v3/complaints.ts'
import { configuredKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import { must } from '../../support/must.ts'
import { AT, openHost, reply, type Host } from '../../support/v3-host.ts'
import { demoV3, merchantPair } from '../../support/v3-keys.ts'

const id = must(parseComplaintId('200201820200101080076610000'))
const DAY = must(parseDay('2025-01-01'))

let host: Host
beforeAll(async () => {
  host = await openHost(() => 'reset')
})
beforeEach(() => {
  host.received.length = 0
})
afterAll(() => host.close())

const calls = () =>
  createComplaintCalls({
    ...demoV3,
    hosts: [host.url],
    newNonce: () => 'n'.repeat(32),
    now: () => AT,
    keys: configuredKeys(demoV3),
  })
const answerWith = (status: number, json: object | string | null) => {
  host.behave = () => reply(status, json)
}

const complaint = {
  complaint_id: id,
  complaint_time: '2025-01-01T10:00:00+08:00',
  complaint_state: 'PENDING',
  complaint_detail: '没有收到商品',
  payer_openid: 'oDemo000000000000000000User1',
  complaint_order_info: [
    { transaction_id: '4200002500202501020000000001', out_trade_no: 'LATTE-000001', amount: 2800 },
  ],
}
const untrusted = (check = 'content') => ({
  ok: false,
  error: { reason: 'wechat_untrusted', check },
})
const refused = { ok: false, error: { reason: 'wechat_refused', code: 'INVALID_REQUEST' } }

describe('a complaint', () => {
  const find = () => calls().find(id)

  test('of another number than the one asked for is not used', async () => {
    answerWith(200, { ...complaint, complaint_id: '2' })
    expect(await find()).toEqual(untrusted())
  })

  test.each([
    ['no number', { complaint_id: undefined }],
    ['no time', { complaint_time: undefined }],
    ['a time without an offset', { complaint_time: '2025-01-01T10:00:00' }],
    ['an unknown state', { complaint_state: 'LOST' }],
  ])('with %s is not used', async (_what, changes) => {
    answerWith(200, { ...complaint, ...changes })
    expect(await find()).toEqual(untrusted())
  })

  test.each([
    ['no order', []],
    ['an empty entry', [null]],
    ['a malformed entry', [{ out_trade_no: 7 }]],
    [
      'a number that cannot be stored',
      [{ ...complaint.complaint_order_info[0], out_trade_no: 'A\0' }],
    ],
  ])('with %s has no payment', async (_what, orders) => {
    answerWith(200, { ...complaint, complaint_order_info: orders })
    expect(must(await find())?.payment).toBeNull()
  })

  test('has the first payment that is readable', async () => {
    answerWith(200, {
      ...complaint,
      complaint_order_info: [null, ...complaint.complaint_order_info],
    })
    expect(must(await find())?.payment?.outTradeNo).toBe('LATTE-000001')
  })

  test('has a text that can be stored, of at most 2,000 characters', async () => {
    answerWith(200, { ...complaint, complaint_detail: `A\0B${'x'.repeat(2_000)}` })
    expect(must(await find())?.detail).toBe(`AB${'x'.repeat(1_998)}`)
  })
})

describe('the phone number of a complaint', () => {
  const sealed = (text: string, key = merchantPair.publicKey) =>
    publicEncrypt(
      { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      Buffer.from(text),
    ).toString('base64')

  test('is decrypted with the key of the merchant', async () => {
    answerWith(200, { ...complaint, payer_phone: sealed('13900001111') })
    expect(must(await calls().findPhone(id))).toBe('13900001111')
  })

  test.each([
    ['absent', {}],
    ['empty', { payer_phone: '' }],
  ])('that is %s is null', async (_what, field) => {
    answerWith(200, { ...complaint, ...field })
    expect(must(await calls().findPhone(id))).toBeNull()
  })

  test('that was not encrypted for this merchant is refused', async () => {
    answerWith(200, { ...complaint, payer_phone: 'bm90IGVuY3J5cHRlZA==' })
    expect(await calls().findPhone(id)).toEqual(untrusted('decryption'))
  })
})

describe('the history of a complaint', () => {
  const entry = (changes: object) => ({
    log_id: '1',
    operate_time: '2025-01-01T10:00:00+08:00',
    operate_type: 'MERCHANT_RESPONSE',
    ...changes,
  })

  test('is in the order of time, and of the number in the same second', async () => {
    const late = '2025-01-01T10:00:01+08:00'
    answerWith(200, {
      data: [
        entry({ log_id: '3', operate_time: late, operate_details: 'third' }),
        entry({ log_id: '2', operate_details: 'second' }),
        entry({ log_id: '1', operate_details: 'first' }),
        entry({ log_id: '4', operate_time: late, operate_details: 'fourth' }),
      ],
    })
    expect(must(await calls().history(id))?.map(({ text }) => text)).toEqual([
      'first',
      'second',
      'third',
      'fourth',
    ])
  })

  test('with an unreadable time is not used', async () => {
    answerWith(200, { data: [entry({ operate_time: 'today' })] })
    expect(await calls().history(id)).toEqual(untrusted())
  })
})

describe('a list of complaints', () => {
  test('may be longer than other answers', async () => {
    const data = Array.from({ length: 50 }, () => ({
      ...complaint,
      complaint_detail: '长'.repeat(1_000),
    }))
    answerWith(200, { data, total_count: 50 })
    expect(must(await calls().list(DAY, DAY, 0, 50)).complaints).toHaveLength(50)
  })

  test.each([{}, { data: [] }, { data: [{}], total_count: 1 }, { data: [], total_count: -1 }])(
    'is not used if it is %j',
    async (json) => {
      answerWith(200, json)
      expect(await calls().list(DAY, DAY, 0, 50)).toEqual(untrusted())
    },
  )
})

test('every call passes on a refusal of WeChat', async () => {
  answerWith(400, { code: 'INVALID_REQUEST' })
  expect(await calls().list(DAY, DAY, 0, 50)).toMatchObject(refused)
  expect(await calls().find(id)).toMatchObject(refused)
  expect(await calls().findPhone(id)).toMatchObject(refused)
  expect(await calls().history(id)).toMatchObject(refused)
  expect(await calls().findNotifyUrl()).toMatchObject(refused)
  expect(await calls().setNotifyUrl('https://shop.example/api/notify')).toMatchObject(refused)
  expect(await calls().deleteNotifyUrl()).toMatchObject(refused)
  expect(must(await calls().act(id, { action: 'finish' }))).toEqual({
    outcome: 'refused',
    code: 'INVALID_REQUEST',
    text: '',
  })
})
