/** The refund calls over recorded answers, served byte for byte by a host that stands in for WeChat. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseOpenid, parseOutRefundNo, parseOutTradeNo } from '../../../lib/core/ids.ts'
import { toFen } from '../../../lib/core/money.ts'
import type { PaidOrder } from '../../../lib/core/order.ts'
import type { Refund } from '../../../lib/core/refund.ts'
import { refundRefusal } from '../../../lib/wechat/v2/refund-codes.ts'
import { createRefundCalls } from '../../../lib/wechat/v2/refund.ts'
import { signed, verify } from '../../../lib/wechat/v2/sign.ts'
import { readXml, writeXml } from '../../../lib/wechat/v2/xml.ts'
import { theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'
import { demoPay, sample } from '../../support/samples.ts'

let answer: Uint8Array | string = ''
/** Answers given one after the other before `answer`; the last of them again and again. */
let queue: readonly (Uint8Array | string)[] = []
let asked: { path: string; fields: ReadonlyMap<string, string> }
let server: Server
let host = ''
beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      asked = { path: request.url ?? '', fields: must(readXml(Buffer.concat(parts))) }
      const [next = answer, ...others] = queue
      if (others.length > 0) queue = others
      response.end(next)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  host = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : ''
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const outTradeNo = must(parseOutTradeNo('20250102030405000000000000000001'))
const order: PaidOrder = {
  outTradeNo,
  account: theAccount,
  openid: must(parseOpenid('oDemo000000000000000000User1')),
  totalFee: must(toFen(101)),
  body: '示例商城-咖啡',
  attach: null,
  items: null,
  clientIp: '203.0.113.7',
  notifyUrl: 'https://pay.example.com/api/notify',
  createdAt: new Date('2025-01-01T19:04:05Z'),
  timeExpire: new Date('2025-01-01T21:04:05Z'),
  tradeState: 'SUCCESS',
  transactionId: '4200002500202501020000000001',
  paidAt: new Date('2025-01-01T19:05:01Z'),
  refundedFee: 0,
  shippingState: null,
}
const refund: Refund = {
  payment: order,
  outRefundNo: must(parseOutRefundNo('R20250102030405000000000000000001')),
  outTradeNo,
  refundFee: must(toFen(50)),
  refundDesc: '商品已售完',
  refundStatus: 'PROCESSING',
  refundId: null,
  errCode: null,
  errText: null,
  waitingSince: new Date('2025-01-01T19:10:00Z'),
  isParked: false,
}
function callsTo(bytes: Uint8Array | string) {
  answer = bytes
  if (bytes !== '') queue = []
  const settings = {
    ...demoPay,
    hosts: [host],
    newNonce: () => '6cefdb308e1e2e8aabd48cf79e546a02',
  } as const
  return createRefundCalls(settings, () => ({ ok: true, value: settings }))
}
const send = (bytes: Uint8Array | string, changes: Partial<Refund> = {}) =>
  callsTo(bytes).sendRefund({ ...refund, ...changes })
const ask = (bytes: Uint8Array | string, outRefundNo = 'R20250102030405000000000000000001') =>
  callsTo(bytes).queryRefund({
    ...refund,
    outRefundNo: must(parseOutRefundNo(outRefundNo)),
  })
/** A recorded answer with one field otherwise, signed anew; null: without it. */
function changed(file: string, name: string, value: string | null): string {
  const fields = new Map(must(readXml(sample(file))))
  for (const gone of value === null ? ['sign', name] : ['sign']) fields.delete(gone)
  if (value !== null) fields.set(name, value)
  return writeXml(signed(fields, demoPay.key, 'MD5'))
}
const UNTRUSTED = { ok: false, error: { reason: 'wechat_untrusted', check: 'content' } }

describe('asking for a refund', () => {
  test('says exactly what WeChat needs to know, signed', async () => {
    await send(sample('refund-response.success.md5.xml'))
    const { sign, ...fields } = Object.fromEntries(asked.fields)
    expect([asked.path, fields]).toEqual([
      '/secapi/pay/refund',
      {
        appid: 'wx00000000demo0001',
        mch_id: '1900000109',
        nonce_str: '6cefdb308e1e2e8aabd48cf79e546a02',
        sign_type: 'MD5',
        transaction_id: '4200002500202501020000000001',
        out_refund_no: 'R20250102030405000000000000000001',
        total_fee: '101',
        refund_fee: '50',
        refund_desc: '商品已售完',
        notify_url: 'https://pay.example.com/api/notify',
      },
    ])
    expect([sign?.length, verify(asked.fields, demoPay.key)]).toEqual([32, 'MD5'])
  })

  test('gives no reason where there is none', async () => {
    await send(sample('refund-response.success.md5.xml'), { refundDesc: null })
    expect(asked.fields.has('refund_desc')).toBe(false)
  })

  test('refund-response.success.md5.xml is a yes', async () => {
    expect(await send(sample('refund-response.success.md5.xml'))).toEqual({
      ok: true,
      value: { outcome: 'accepted', refundId: '50300002502025010200000000001' },
    })
  })

  test.each([
    ['refund-response.notenough.md5.xml', 'refused', 'NOTENOUGH'],
    ['refund-response.bizerr-need-retry.md5.xml', 'later', 'BIZERR_NEED_RETRY'],
    ['refund-response.trade-overdue.md5.xml', 'never', 'TRADE_OVERDUE'],
  ])('%s means %s', async (file, outcome, code) => {
    expect(await send(sample(file))).toMatchObject({
      ok: true,
      value: { outcome, code, remedy: expect.stringMatching(/.{20,}/) },
    })
  })

  test.each([
    ['of another refund', 'out_refund_no', 'R20250102030405000000000000000002'],
    ['of another amount', 'refund_fee', '51'],
    ['of no amount', 'refund_fee', null],
    ['without WeChat’s number', 'refund_id', null],
    ['with an empty number', 'refund_id', ''],
    ['with a number too long for an index of the database', 'refund_id', '5'.repeat(65)],
  ])('a yes %s, though rightly signed, is not believed', async (_, name, value) => {
    expect(await send(changed('refund-response.success.md5.xml', name, value))).toEqual(UNTRUSTED)
  })

  test('a refusal that carries no signature never gives a refund up', async () => {
    const refusal = (code: string) =>
      `<xml><return_code>FAIL</return_code><return_msg>${code}</return_msg><err_code>${code}</err_code></xml>`
    expect(await send(refusal('TRADE_OVERDUE'))).toMatchObject({
      ok: true,
      value: { outcome: 'refused', code: 'FAIL', text: 'TRADE_OVERDUE' },
    })
  })

  test.each(['A_CODE_NOBODY_KNOWS', 'ERROR', 'INVALID_REQUEST', ''])(
    'a code that does not say for how long (%j) gives nothing up',
    (code) => {
      expect(refundRefusal(code, '订单已全额退款')).toMatchObject({
        outcome: 'refused',
        code,
        text: '订单已全额退款',
      })
    },
  )
})

describe('asking what became of a refund', () => {
  const file = 'refundquery-response.success.md5.xml'

  test('names it by our number alone', async () => {
    await ask(sample(file))
    expect([
      asked.path,
      asked.fields.get('out_refund_no'),
      asked.fields.has('out_trade_no'),
      asked.fields.has('transaction_id'),
    ]).toEqual(['/pay/refundquery', 'R20250102030405000000000000000001', false, false])
  })

  test.each([
    ['R20250102030405000000000000000001', '50300002502025010200000000001', 50, 'SUCCESS'],
    ['R20250102030405000000000000000002', '50300002502025010200000000002', 1, 'PROCESSING'],
  ])(
    'finds %s among several in one answer',
    async (outRefundNo, refundId, refundFee, refundStatus) => {
      expect(await ask(sample(file), outRefundNo)).toEqual({
        ok: true,
        value: {
          state: 'known',
          outRefundNo,
          outTradeNo: '20250102030405000000000000000001',
          refundId,
          refundFee,
          refundStatus,
        },
      })
    },
  )

  test('refundquery-response.refundnotexist.md5.xml: WeChat never heard of it', async () => {
    expect(await ask(sample('refundquery-response.refundnotexist.md5.xml'))).toEqual({
      ok: true,
      value: { state: 'missing' },
    })
  })

  test.each([
    ['that speaks of others only', 'out_refund_no_0', 'R20250102030405000000000000000003'],
    ['of no amount', 'refund_fee_0', null],
    ['of part of a fen', 'refund_fee_0', '0.5'],
    ['in a state nobody knows', 'refund_status_0', 'PAID'],
    ['without WeChat’s number', 'refund_id_0', null],
    ['with a number too long for an index of the database', 'refund_id_0', '5'.repeat(65)],
  ])('an answer %s, though rightly signed, is not believed', async (_, name, value) => {
    expect(await ask(changed(file, name, value))).toEqual(UNTRUSTED)
  })

  test.each(['SYSTEMERROR', 'PARAM_ERROR', 'A_CODE_NOBODY_KNOWS'])(
    '%s is not taken for "never heard of it"',
    async (code) => {
      const refusal = changed('refundquery-response.refundnotexist.md5.xml', 'err_code', code)
      expect(await ask(refusal)).toMatchObject({ ok: false })
    },
  )
})

describe('asking for all refunds of an order', () => {
  const list = (...pages: readonly (Uint8Array | string)[]) => {
    queue = pages
    return callsTo('').listRefunds(order)
  }
  /** A page from `first` on, as WeChat writes it: indexed from 0 on each page. */
  const page = (
    first: number,
    count: number,
    total: number | null,
    changes: Readonly<Record<string, string>> = {},
  ) => {
    const fields = new Map(must(readXml(sample('refundquery-response.success.md5.xml'))))
    for (const name of fields.keys())
      if (/_\d+$|^sign$|^total_refund_count$/.test(name)) fields.delete(name)
    for (let index = 0; index < count; index += 1) {
      fields.set(`out_refund_no_${index}`, `R-${first + index}`)
      fields.set(`refund_id_${index}`, `5030${first + index}`)
      fields.set(`refund_fee_${index}`, '1')
      fields.set(`refund_status_${index}`, 'SUCCESS')
    }
    fields.set('refund_count', String(count))
    if (total !== null) fields.set('total_refund_count', String(total))
    for (const [name, value] of Object.entries(changes)) fields.set(name, value)
    return writeXml(signed(fields, demoPay.key, 'MD5'))
  }
  const numbersOf = (listed: Awaited<ReturnType<typeof list>>) =>
    listed.ok ? listed.value.map(({ outRefundNo }) => outRefundNo) : listed.error

  test('names the payment, and is read to the last page', async () => {
    expect(numbersOf(await list(page(0, 10, 23), page(10, 10, 23), page(20, 3, 23)))).toEqual(
      Array.from({ length: 23 }, (_, index) => `R-${index}`),
    )
    expect([
      asked.path,
      asked.fields.get('transaction_id'),
      asked.fields.get('offset'),
      asked.fields.has('out_refund_no'),
    ]).toEqual(['/pay/refundquery', '4200002500202501020000000001', '20', false])
  })

  test('that WeChat does not count ends with a page that is not full', async () => {
    expect(numbersOf(await list(page(0, 10, null), page(10, 1, null)))).toHaveLength(11)
  })

  test('of which there are none is an empty list', async () => {
    expect(await list(sample('refundquery-response.refundnotexist.md5.xml'))).toEqual({
      ok: true,
      value: [],
    })
  })

  test('says what each gave back, to whom it belongs and what became of it', async () => {
    expect(await list(page(0, 1, 1, { refund_status_0: 'CHANGE', refund_fee_0: '42' }))).toEqual({
      ok: true,
      value: [
        {
          outRefundNo: 'R-0',
          outTradeNo: '20250102030405000000000000000001',
          refundId: '50300',
          refundFee: 42,
          refundStatus: 'CHANGE',
        },
      ],
    })
  })

  test.each<[what: string, pages: readonly string[]]>([
    ['of another payment', [page(0, 1, 1, { transaction_id: '4200002500202501020000000002' })]],
    ['of another order', [page(0, 1, 1, { out_trade_no: '20250102030405000000000000000002' })]],
    ['of another total', [page(0, 1, 1, { total_fee: '100' })]],
    ['with fewer refunds than it counts', [page(0, 1, 1, { refund_count: '2' })]],
    ['that ends before its total', [page(0, 10, 23), page(10, 0, 23)]],
    ['with one that cannot be read', [page(0, 2, 2, { refund_status_1: 'PAID' })]],
    ['with one of no amount', [page(0, 2, 2, { refund_fee_1: '0' })]],
    ['that moved between two pages', [page(0, 10, 12), page(9, 2, 12)]],
  ])('an answer %s, though rightly signed, is not believed', async (_, pages) => {
    expect(await list(...pages)).toEqual(UNTRUSTED)
  })

  test.each(['PARAM_ERROR', 'A_CODE_NOBODY_KNOWS', 'SYSTEMERROR'])(
    '%s is not taken for "there are none"',
    async (code) => {
      expect(
        await list(changed('refundquery-response.refundnotexist.md5.xml', 'err_code', code)),
      ).toMatchObject({ ok: false })
    },
  )
})
