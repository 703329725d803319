/** The refund calls with recorded answers, which a stand-in for WeChat serves byte for byte. */
import { NOT_SHIPPED } from '../../../lib/core/settlement.ts'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseOpenid, parseOutRefundNo, parseOutTradeNo } from '../../../lib/core/ids.ts'
import { toFen } from '../../../lib/core/money.ts'
import type { PaidOrder } from '../../../lib/core/order.ts'
import type { Refund } from '../../../lib/core/refund.ts'
import { refundRefusal } from '../../../lib/wechat/v2/refund-codes.ts'
import { createRefundCalls } from '../../../lib/wechat/v2/refund.ts'
import { signed, verify } from '../../../lib/wechat/v2/sign.ts'
import { readXml, writeXml } from '../../../lib/wechat/xml.ts'
import { theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'
import { demoPay, sample } from '../../support/samples.ts'

let answer: Uint8Array | string = ''
/** The answers that are served in turn before `answer`. The last one repeats. */
let queue: readonly (Uint8Array | string)[] = []
let received: { path: string; fields: ReadonlyMap<string, string> }
let server: Server
let host = ''
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const fields = must(await readXml(await buffer(request)))
  received = { path: request.url ?? '', fields }
  const [next = answer, ...others] = queue
  if (others.length > 0) queue = others
  response.end(next)
}
beforeAll(async () => {
  server = createServer((request, response) => void serve(request, response))
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
  settlement: NOT_SHIPPED,
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
  payoutRequestedAt: null,
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
const query = (bytes: Uint8Array | string, outRefundNo = 'R20250102030405000000000000000001') =>
  callsTo(bytes).queryRefund({
    ...refund,
    outRefundNo: must(parseOutRefundNo(outRefundNo)),
  })
/** A recorded answer with one field changed, or removed if null, and signed again. */
async function changed(file: string, name: string, value: string | null): Promise<string> {
  const fields = new Map(must(await readXml(sample(file))))
  for (const removed of value === null ? ['sign', name] : ['sign']) fields.delete(removed)
  if (value !== null) fields.set(name, value)
  return writeXml(signed(fields, demoPay.key, 'MD5'))
}
const queryAnswer = must(await readXml(sample('refundquery-response.success.md5.xml')))
const UNTRUSTED = { ok: false, error: { reason: 'wechat_untrusted', check: 'content' } }

describe('a refund request', () => {
  test('has exactly the fields that WeChat needs, and a signature', async () => {
    await send(sample('refund-response.success.md5.xml'))
    const { sign, ...fields } = Object.fromEntries(received.fields)
    expect([received.path, fields]).toEqual([
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
    expect([sign?.length, verify(received.fields, demoPay.key)]).toEqual([32, 'MD5'])
  })

  test('has no reason if the refund has none', async () => {
    await send(sample('refund-response.success.md5.xml'), { refundDesc: null })
    expect(received.fields.has('refund_desc')).toBe(false)
  })

  test('is accepted by refund-response.success.md5.xml', async () => {
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
    ['without an amount', 'refund_fee', null],
    ['without WeChat’s number', 'refund_id', null],
    ['with an empty number', 'refund_id', ''],
    ['with a number too long for a database index', 'refund_id', '5'.repeat(65)],
  ])('is refused as untrusted after a validly signed acceptance %s', async (_, name, value) => {
    expect(await send(await changed('refund-response.success.md5.xml', name, value))).toEqual(
      UNTRUSTED,
    )
  })

  test('is not closed by a refusal without a signature', async () => {
    const refusal = (code: string) =>
      `<xml><return_code>FAIL</return_code><return_msg>${code}</return_msg><err_code>${code}</err_code></xml>`
    expect(await send(refusal('TRADE_OVERDUE'))).toMatchObject({
      ok: true,
      value: { outcome: 'refused', code: 'FAIL', text: 'TRADE_OVERDUE' },
    })
  })

  test.each(['AN_UNKNOWN_CODE', 'ERROR', 'INVALID_REQUEST', ''])(
    'is not closed by a code that is not documented as permanent (%j)',
    (code) => {
      expect(refundRefusal(code, '订单已全额退款')).toMatchObject({
        outcome: 'refused',
        code,
        text: '订单已全额退款',
      })
    },
  )
})

describe('a refund query', () => {
  const file = 'refundquery-response.success.md5.xml'

  test('names the refund by our number only', async () => {
    await query(sample(file))
    expect([
      received.path,
      received.fields.get('out_refund_no'),
      received.fields.has('out_trade_no'),
      received.fields.has('transaction_id'),
    ]).toEqual(['/pay/refundquery', 'R20250102030405000000000000000001', false, false])
  })

  test.each([
    ['R20250102030405000000000000000001', '50300002502025010200000000001', 50, 'SUCCESS'],
    ['R20250102030405000000000000000002', '50300002502025010200000000002', 1, 'PROCESSING'],
  ])(
    'finds %s among several in one answer',
    async (outRefundNo, refundId, refundFee, refundStatus) => {
      expect(await query(sample(file), outRefundNo)).toEqual({
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

  test('refundquery-response.refundnotexist.md5.xml means that WeChat does not know the refund', async () => {
    expect(await query(sample('refundquery-response.refundnotexist.md5.xml'))).toEqual({
      ok: true,
      value: { state: 'missing' },
    })
  })

  test.each([
    ['about other refunds only', 'out_refund_no_0', 'R20250102030405000000000000000003'],
    ['without an amount', 'refund_fee_0', null],
    ['with a fraction of a fen', 'refund_fee_0', '0.5'],
    ['with an unknown state', 'refund_status_0', 'PAID'],
    ['without WeChat’s number', 'refund_id_0', null],
    ['with a number too long for a database index', 'refund_id_0', '5'.repeat(65)],
  ])('a validly signed answer %s is refused as untrusted', async (_, name, value) => {
    expect(await query(await changed(file, name, value))).toEqual(UNTRUSTED)
  })

  test.each(['SYSTEMERROR', 'PARAM_ERROR', 'AN_UNKNOWN_CODE'])(
    '%s does not mean that WeChat does not know the refund',
    async (code) => {
      const refusal = await changed('refundquery-response.refundnotexist.md5.xml', 'err_code', code)
      expect(await query(refusal)).toMatchObject({ ok: false })
    },
  )
})

describe('the list of all refunds of an order', () => {
  const list = (...pages: readonly (Uint8Array | string)[]) => {
    queue = pages
    return callsTo('').listRefunds(order)
  }
  /** A page that begins with refund `first`. As WeChat writes it, each page is indexed from 0. */
  const page = (
    first: number,
    count: number,
    total: number | null,
    changes: Readonly<Record<string, string>> = {},
  ) => {
    const fields = new Map(queryAnswer)
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

  test('is requested by payment, and read to the last page', async () => {
    expect(numbersOf(await list(page(0, 10, 23), page(10, 10, 23), page(20, 3, 23)))).toEqual(
      Array.from({ length: 23 }, (_, index) => `R-${index}`),
    )
    expect([
      received.path,
      received.fields.get('transaction_id'),
      received.fields.get('offset'),
      received.fields.has('out_refund_no'),
    ]).toEqual(['/pay/refundquery', '4200002500202501020000000001', '20', false])
  })

  test('without a total ends with a page that is not full', async () => {
    expect(numbersOf(await list(page(0, 10, null), page(10, 1, null)))).toHaveLength(11)
  })

  test('is empty for an order without refunds', async () => {
    expect(await list(sample('refundquery-response.refundnotexist.md5.xml'))).toEqual({
      ok: true,
      value: [],
    })
  })

  test('has the amount, the order and the status of each refund', async () => {
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
    ['with another total of the order', [page(0, 1, 1, { total_fee: '100' })]],
    ['with fewer refunds than its count', [page(0, 1, 1, { refund_count: '2' })]],
    ['that ends before its total', [page(0, 10, 23), page(10, 0, 23)]],
    ['with an unreadable refund', [page(0, 2, 2, { refund_status_1: 'PAID' })]],
    ['with a refund of zero', [page(0, 2, 2, { refund_fee_1: '0' })]],
    ['that changed between two pages', [page(0, 10, 12), page(9, 2, 12)]],
  ])('a validly signed answer %s is refused as untrusted', async (_, pages) => {
    expect(await list(...pages)).toEqual(UNTRUSTED)
  })

  test.each(['PARAM_ERROR', 'AN_UNKNOWN_CODE', 'SYSTEMERROR'])(
    '%s does not mean that there is no refund',
    async (code) => {
      expect(
        await list(await changed('refundquery-response.refundnotexist.md5.xml', 'err_code', code)),
      ).toMatchObject({ ok: false })
    },
  )
})
