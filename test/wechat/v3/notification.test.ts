import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Failure } from '../../../lib/core/failure.ts'
import { acknowledge, readNotification, recognizes } from '../../../lib/wechat/v3/notification.ts'
import { configuredKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import { demoV3, sealed, signedHeaders } from '../../support/v3-keys.ts'

const AT = new Date('2025-01-02T03:05:02+08:00')
const keys = configuredKeys(demoV3)

const transaction = {
  appid: 'wx00000000demo0001',
  mchid: '1900000109',
  out_trade_no: 'LATTE-000001',
  transaction_id: '4200002500202501020000000001',
  trade_type: 'JSAPI',
  trade_state: 'SUCCESS',
  trade_state_desc: '支付成功',
  bank_type: 'OTHERS',
  attach: '',
  success_time: '2025-01-02T03:05:01+08:00',
  payer: { openid: 'oDemo000000000000000000User1' },
  amount: { total: 2800, payer_total: 2000, currency: 'CNY', payer_currency: 'CNY' },
}

const refund = {
  mchid: '1900000109',
  transaction_id: '4200002500202501020000000001',
  out_trade_no: 'LATTE-000001',
  refund_id: '50300002502025010200000000001',
  out_refund_no: 'R-1',
  refund_status: 'SUCCESS',
  success_time: '2025-01-02T03:20:11+08:00',
  user_received_account: '支付用户零钱',
  amount: { total: 2800, refund: 1000, payer_total: 2000, payer_refund: 714 },
}

const envelopeOf = (plain: unknown, event: string, original = 'transaction') => ({
  id: 'EV-2025010203050200001',
  create_time: '2025-01-02T03:05:02+08:00',
  resource_type: 'encrypt-resource',
  event_type: event,
  summary: '支付成功',
  resource: {
    original_type: original,
    ...sealed(typeof plain === 'string' ? plain : JSON.stringify(plain)),
  },
})

function readBody(body: string | Uint8Array) {
  const headers = new Headers(signedHeaders(body, AT))
  const incoming = { headers, bytes: Buffer.from(body), query: new URLSearchParams() }
  return readNotification(demoV3, keys, incoming, AT)
}

const readEnvelope = (envelope: unknown) => readBody(JSON.stringify(envelope))
const readPayment = (changes: object = {}, event = 'TRANSACTION.SUCCESS') =>
  readEnvelope(envelopeOf({ ...transaction, ...changes }, event))
const readRefund = (changes: object = {}, event = 'REFUND.SUCCESS') =>
  readEnvelope(envelopeOf({ ...refund, ...changes }, event, 'refund'))

const rejected = (check: string) => ({ ok: false, error: { reason: 'notice_rejected', check } })
const unknown = (name: string) => ({ ok: true, value: { kind: 'unknown', name } })

describe('a payment notification', () => {
  test('confirms the payment, with the payer’s own money', async () => {
    expect(await readPayment()).toEqual({
      ok: true,
      value: {
        kind: 'paid',
        confirmation: {
          outTradeNo: 'LATTE-000001',
          transactionId: '4200002500202501020000000001',
          totalFee: 2800,
          feeType: 'CNY',
          cashFee: 2000,
          bankType: 'OTHERS',
          openid: 'oDemo000000000000000000User1',
          paidAt: new Date('2025-01-01T19:05:01Z'),
        },
        attach: null,
        undocumented: null,
        mayAttachHideFields: false,
      },
    })
  })

  test('confirms it without the optional fields, and with malformed ones', async () => {
    const few = { bank_type: undefined, attach: undefined, amount: { total: 2800 } }
    expect(await readPayment(few)).toMatchObject({
      ok: true,
      value: { confirmation: { feeType: 'CNY', cashFee: null, bankType: null } },
    })
    const odd = { bank_type: 7, amount: { total: 2800, payer_total: '2000' } }
    expect(await readPayment(odd)).toMatchObject({
      ok: true,
      value: { confirmation: { cashFee: null, bankType: null } },
    })
  })

  test('of another currency says so', async () => {
    expect(await readPayment({ amount: { total: 2800, currency: 'HKD' } })).toMatchObject({
      ok: true,
      value: { confirmation: { feeType: 'HKD' } },
    })
  })

  test.each([
    ['another merchant', { mchid: '1900000110' }],
    ['another Mini Program', { appid: 'wx00000000other001' }],
  ])('of %s is refused', async (_, changes) => {
    expect(await readPayment(changes)).toEqual(rejected('merchant'))
  })

  test.each([
    ['without an order number', { out_trade_no: '' }],
    ['without a payment number', { transaction_id: undefined }],
    ['with a payment number of other characters', { transaction_id: '42 or 1=1' }],
    ['without a payer', { payer: {} }],
    ['without an amount', { amount: {} }],
    ['with an amount as text', { amount: { total: '2800' } }],
    ['with a fraction of a fen', { amount: { total: 28.5 } }],
    ['with an amount of zero', { amount: { total: 0 } }],
    ['with a currency that is no text', { amount: { total: 2800, currency: 156 } }],
    ['without a time', { success_time: undefined }],
    ['with a time without an offset', { success_time: '2025-01-02T03:05:01' }],
    ['on the 30th of February', { success_time: '2025-02-30T03:05:01+08:00' }],
    ['without a state', { trade_state: undefined }],
    ['with an attach that is no text', { attach: 1 }],
  ])('%s is refused', async (_, changes) => {
    expect(await readPayment(changes)).toEqual(rejected('content'))
  })

  test('of a payment that is not a success confirms nothing', async () => {
    expect(await readPayment({ trade_state: 'PAYERROR' })).toEqual({
      ok: true,
      value: { kind: 'not_paid' },
    })
  })
})

describe('a refund notification', () => {
  test.each([
    ['SUCCESS', 'REFUND.SUCCESS', 'SUCCESS'],
    ['CLOSED', 'REFUND.CLOSED', 'REFUNDCLOSE'],
    ['ABNORMAL', 'REFUND.ABNORMAL', 'CHANGE'],
    ['PROCESSING', 'REFUND.SUCCESS', 'PROCESSING'],
  ])('of the status %s has our word for it', async (status, event, refundStatus) => {
    const named = { outTradeNo: 'LATTE-000001', outRefundNo: 'R-1', refundStatus }
    const verified = {
      ...named,
      transactionId: '4200002500202501020000000001',
      refundId: '50300002502025010200000000001',
      refundFee: 1000,
    }
    expect(await readRefund({ refund_status: status }, event)).toEqual({
      ok: true,
      value: { kind: 'refund', ...named, verified },
    })
  })

  test('of another merchant is refused', async () => {
    expect(await readRefund({ mchid: '1900000110' })).toEqual(rejected('merchant'))
  })

  test.each([
    ['with an unknown status', { refund_status: 'REFUNDCLOSE' }],
    ['without an order number', { out_trade_no: '' }],
    ['without a payment number', { transaction_id: undefined }],
    ['without a refund number', { out_refund_no: undefined }],
    ['without WeChat’s number', { refund_id: '' }],
    ['with an amount as text', { amount: { refund: '1000' } }],
    ['with a negative amount', { amount: { refund: -1000 } }],
  ])('%s is refused', async (_, changes) => {
    expect(await readRefund(changes)).toEqual(rejected('content'))
  })
})

describe('a notification of a complaint', () => {
  const COMPLAINT = { complaint_id: '200201820200101080076610000', action_type: 'CREATE_COMPLAINT' }
  const readComplaint = (plain: unknown, event: string) =>
    readEnvelope(envelopeOf(plain, event, 'complaint'))

  test.each(['COMPLAINT.CREATE', 'COMPLAINT.STATE_CHANGE'])(
    '(%s) names the complaint, about which WeChat is asked',
    async (event) => {
      expect(await readComplaint(COMPLAINT, event)).toEqual({
        ok: true,
        value: { kind: 'complaint', complaintId: COMPLAINT.complaint_id },
      })
    },
  )

  test.each([[{}], [{ complaint_id: '' }], [{ complaint_id: '../orders' }], [{ complaint_id: 7 }]])(
    'is refused with the content %j',
    async (plain) => {
      expect(await readComplaint(plain, 'COMPLAINT.CREATE')).toEqual(rejected('content'))
    },
  )

  test('is refused if its envelope is that of a payment', async () => {
    expect(await readEnvelope(envelopeOf(COMPLAINT, 'COMPLAINT.CREATE'))).toEqual(
      rejected('content'),
    )
  })
})

describe('a notification of another kind', () => {
  test.each([
    'MCHTRANSFER.BILL.FINISHED',
    'REFUND.RETURNED',
    'REFUND.SUCCESS.LATE',
    'PARTNER.REFUND.SUCCESS',
    'TRANSACTION.PAY',
    'COMPLAINT.DELETE',
  ])('(%s) is unknown, whatever else it has', async (event) => {
    expect(await readEnvelope({ event_type: event })).toEqual(unknown(event))
    expect(await readPayment({}, event)).toEqual(unknown(event))
  })

  test('of a combine order is unknown, and confirms nothing', async () => {
    expect(await readPayment({ combine_out_trade_no: 'C-1' })).toEqual(
      unknown('TRANSACTION.SUCCESS with combine_out_trade_no'),
    )
  })

  test.each(['sp_mchid', 'sub_mchid'])(
    'of a service provider (%s) is unknown, and confirms nothing',
    async (field) => {
      const changes = { [field]: '1900000110' }
      expect(await readPayment(changes)).toEqual(unknown(`TRANSACTION.SUCCESS with ${field}`))
      expect(await readRefund(changes)).toEqual(unknown(`REFUND.SUCCESS with ${field}`))
    },
  )

  test.each([
    [{ ...transaction, echo_message: 'hello' }, 'hello'],
    [transaction, ''],
    [[], ''],
  ])(
    '(the echo that doctor asks for) is no payment, whatever it contains',
    async (plain, message) => {
      const echo = envelopeOf(plain, 'SECURITY_ECHO.SUCCESS', 'security')
      expect(await readEnvelope(echo)).toEqual({ ok: true, value: { kind: 'echo', message } })
    },
  )

  test('(the echo that doctor asks for) is refused under another APIv3 key', async () => {
    const apiKey = 'AnotherV3ApiKey00000000000000001'
    const echo = envelopeOf({}, 'SECURITY_ECHO.SUCCESS', 'security')
    const resource = { ...echo.resource, ...sealed('{}', { apiKey }) }
    expect(await readEnvelope({ ...echo, resource })).toEqual(rejected('decryption'))
  })

  test('is refused without a valid signature', async () => {
    const body = JSON.stringify({ event_type: 'COMPLAINT.CREATE' })
    const headers = new Headers(signedHeaders(`${body} `, AT))
    const incoming = { headers, bytes: Buffer.from(body), query: new URLSearchParams() }
    expect(await readNotification(demoV3, keys, incoming, AT)).toEqual(rejected('signature'))
  })
})

describe('the envelope of a notification', () => {
  const envelope = envelopeOf(transaction, 'TRANSACTION.SUCCESS')

  test.each(['id', 'create_time', 'resource_type', 'summary', 'resource', 'event_type'])(
    'is refused without %s',
    async (name) => {
      expect(await readEnvelope({ ...envelope, [name]: undefined })).toEqual(rejected('content'))
    },
  )

  test.each([
    ['original_type', 'refund'],
    ['original_type', ''],
    ['algorithm', 'AEAD_SM4_GCM'],
    ['ciphertext', undefined],
    ['nonce', undefined],
    ['associated_data', null],
  ])('is refused with the %s %j of its resource', async (name, value) => {
    const resource = { ...envelope.resource, [name]: value }
    expect(await readEnvelope({ ...envelope, resource })).toEqual(rejected('content'))
  })

  test.each([
    ['ciphertext', ''],
    ['ciphertext', 'AAAA'],
    ['ciphertext', '%%%'],
    ['nonce', ''],
    ['nonce', 'fdasflkja485'],
    ['associated_data', 'refund'],
    ['associated_data', ''],
  ])('cannot be decrypted with the %s %j', async (name, value) => {
    const resource = { ...envelope.resource, [name]: value }
    expect(await readEnvelope({ ...envelope, resource })).toEqual(rejected('decryption'))
  })

  test('is accepted with empty associated data that was encrypted like that', async () => {
    const text = JSON.stringify(transaction)
    const resource = { ...envelope.resource, ...sealed(text, { associatedData: '' }) }
    expect(await readEnvelope({ ...envelope, resource })).toMatchObject({ ok: true })
    const { associated_data: _, ...without } = resource
    expect(await readEnvelope({ ...envelope, resource: without })).toMatchObject({ ok: true })
  })

  test('is refused if any bit of the cipher text is changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(7), async (at, bit) => {
        const bytes = Buffer.from(envelope.resource.ciphertext, 'base64')
        const index = at % bytes.byteLength
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
        const resource = { ...envelope.resource, ciphertext: bytes.toString('base64') }
        expect(await readEnvelope({ ...envelope, resource })).toEqual(rejected('decryption'))
      }),
    )
  })

  test.each(['', 'null', '[]', '"TRANSACTION.SUCCESS"', '7', '{', '<xml></xml>'])(
    'is refused if the body is %j',
    async (body) => {
      const isJson = /^(?:null|\[|"|7)/.test(body)
      expect(await readBody(body)).toEqual(rejected(isJson ? 'content' : 'syntax'))
    },
  )

  test.each(['null', '[]', '7', '{}', '{'])('is refused if the plain text is %j', async (plain) => {
    const check = plain === '{' ? 'syntax' : 'content'
    expect(await readEnvelope(envelopeOf(plain, 'TRANSACTION.SUCCESS'))).toEqual(rejected(check))
    expect(await readEnvelope(envelopeOf(plain, 'REFUND.SUCCESS', 'refund'))).toEqual(
      rejected(check),
    )
  })

  test('is refused if it is no UTF-8', async () => {
    expect(await readBody(Uint8Array.of(0x22, 0xff, 0x22))).toEqual(rejected('encoding'))
  })

  test('never throws, whatever WeChat signs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('TRANSACTION.SUCCESS', 'REFUND.CLOSED', 'SECURITY_ECHO.SUCCESS', 'X'),
        fc.json(),
        fc.constantFrom('transaction', 'refund', 'security'),
        async (event, plain, original) => {
          const read = await readEnvelope(envelopeOf(plain, event, original))
          expect(read.ok ? read.value.kind : read.error.reason).toMatch(
            /^(?:unknown|echo|notice_rejected)$/,
          )
        },
      ),
    )
  })
})

describe('the answer to a notification', () => {
  test('of a success is 200', () => {
    expect(acknowledge({ ok: true, value: null })).toEqual({
      status: 200,
      contentType: 'application/json; charset=utf-8',
      body: '{"code":"SUCCESS","message":"OK"}',
    })
  })

  test.each<[Failure, number]>([
    [{ reason: 'notice_rejected', check: 'signature' }, 400],
    [{ reason: 'notice_contradicts', field: 'amount' }, 400],
    [{ reason: 'refund_not_found' }, 400],
    [{ reason: 'body_too_large' }, 413],
    [{ reason: 'unavailable', dependency: 'database', why: 'timeout' }, 500],
    [{ reason: 'wechat_unknown' }, 500],
    [{ reason: 'too_slow' }, 500],
    [{ reason: 'internal_error' }, 500],
  ])('of %j does not say why; its status is %d', (error, status) => {
    expect(acknowledge({ ok: false, error })).toMatchObject({
      status,
      body: '{"code":"FAIL","message":"NOT TAKEN"}',
    })
  })
})

test('a message without a header of APIv3 is not one of APIv3', () => {
  const query = new URLSearchParams()
  expect(recognizes({ headers: new Headers({ 'content-type': 'text/xml' }), query })).toBe(false)
  expect(recognizes({ headers: new Headers({ 'Wechatpay-Nonce': 'n' }), query })).toBe(true)
})
