import { createPublicKey, verify } from 'node:crypto'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { configuredKeys } from '../../../lib/wechat/v3/platform-keys.ts'
import { acknowledge, readNotification, recognizes } from '../../../lib/wechat/v3/notification.ts'
import { openResource, sealedResource } from '../../../lib/wechat/v3/resource.ts'
import type { V3Settings } from '../../../lib/wechat/v3/settings.ts'
import { toConfirmation } from '../../../lib/wechat/v3/transaction.ts'
import { verifyMessage } from '../../../lib/wechat/v3/verify.ts'
import { confirmation } from '../../support/sample-outcomes.ts'
import { jsonSample, samples } from '../../support/samples.ts'
import { demoV3 } from '../../support/v3-keys.ts'

/** The clock of all samples. */
const NOW = new Date('2025-01-02T03:05:02+08:00')

const message = v.object({
  status: v.optional(v.number(), 200),
  headers: v.record(v.string(), v.string()),
  body: v.string(),
  plaintext: v.optional(v.string(), ''),
  wechatpayPublicKeyPem: v.optional(v.string(), ''),
  wechatpayPublicKeyId: v.optional(v.string(), ''),
})

const filesOf = (kind: string): readonly string[] =>
  samples.filter((sample) => sample.kind === kind).map(({ file }) => file)

/** A sample as it arrives, with settings that have the key inside it. */
function open(file: string) {
  const sample = jsonSample(file, message)
  const settings: V3Settings = {
    ...demoV3,
    publicKeys:
      sample.wechatpayPublicKeyPem === ''
        ? new Map()
        : new Map([[sample.wechatpayPublicKeyId, createPublicKey(sample.wechatpayPublicKeyPem)]]),
  }
  const bytes = Buffer.from(sample.body, 'utf8')
  const headers = new Headers(sample.headers)
  return { ...sample, settings, keys: configuredKeys(settings), bytes, headers }
}

const read = (file: string, changes: Partial<V3Settings> = {}) => {
  const { settings, keys, headers, bytes } = open(file)
  const incoming = { headers, bytes, query: new URLSearchParams() }
  return readNotification({ ...settings, ...changes }, keys, incoming, NOW)
}

describe('a request', () => {
  const request = v.object({
    method: v.string(),
    url: v.string(),
    body: v.string(),
    message: v.string(),
    headers: v.object({ Authorization: v.string() }),
    signature: v.string(),
    merchantPublicKeyPem: v.string(),
  })

  test.each(filesOf('v3-request'))('%s is signed over the five lines that we sign', (file) => {
    const { method, url, body, headers, signature, ...rest } = jsonSample(file, request)
    const [nonce, timestamp] = ['nonce_str', 'timestamp'].map(
      (name) => new RegExp(`${name}="([^"]*)"`).exec(headers.Authorization)?.[1],
    )
    const text = `${method}\n${url}\n${timestamp}\n${nonce}\n${body}\n`
    expect(text).toBe(rest.message)
    expect(headers.Authorization).toBe(
      `WECHATPAY2-SHA256-RSA2048 mchid="1900000109",nonce_str="${nonce}",signature="${signature}",` +
        `timestamp="${timestamp}",serial_no="5157F09EFDC096DE15EBE81A47057A72DEMO0001"`,
    )
    expect(
      verify(
        'sha256',
        Buffer.from(text),
        createPublicKey(rest.merchantPublicKeyPem),
        Buffer.from(signature, 'base64'),
      ),
    ).toBe(true)
  })
})

describe('an answer', () => {
  const signed = [...filesOf('v3-response'), ...filesOf('v3-error')].filter(
    (file) => file !== 'v3-error.sign-error.json',
  )

  test.each(signed)('%s is WeChat’s', async (file) => {
    const { keys, headers, bytes } = open(file)
    expect(await verifyMessage(keys, headers, bytes, NOW)).toBeNull()
  })

  test.each(signed)('%s is refused with one more byte, or five minutes later', async (file) => {
    const { keys, headers, bytes } = open(file)
    const longer = Buffer.concat([bytes, Buffer.from(' ')])
    expect(await verifyMessage(keys, headers, longer, NOW)).toBe('signature')
    const later = new Date(NOW.getTime() + 300_000)
    expect(await verifyMessage(keys, headers, bytes, later)).toBe('time')
  })

  test('v3-close-response.json is a signed answer without a body', () => {
    const { status, bytes } = open('v3-close-response.json')
    expect([status, bytes.byteLength]).toEqual([204, 0])
  })

  test('v3-error.sign-error.json is not signed, so it is not accepted', async () => {
    const { keys, headers, bytes } = open('v3-error.sign-error.json')
    expect(await verifyMessage(keys, headers, bytes, NOW)).toBe('signature')
  })

  test('v3-query-response.success.json has the payment of all samples', () => {
    expect(toConfirmation(JSON.parse(open('v3-query-response.success.json').body))).toEqual(
      confirmation,
    )
  })

  test('v3-query-response.notpay.json has no payment', () => {
    expect(toConfirmation(JSON.parse(open('v3-query-response.notpay.json').body))).toBeNull()
  })
})

/** The result of each notification. */
const paid = {
  kind: 'paid',
  confirmation,
  attach: 'store=1&src=mp',
  undocumented: null,
  mayAttachHideFields: false,
}
const refunded = (refundStatus: string) => ({
  kind: 'refund',
  outTradeNo: '20250102030405000000000000000001',
  outRefundNo: 'R20250102030405000000000000000001',
  refundStatus,
  verified: {
    outTradeNo: '20250102030405000000000000000001',
    outRefundNo: 'R20250102030405000000000000000001',
    refundStatus,
    transactionId: '4200002500202501020000000001',
    refundId: '50300002502025010200000000001',
    refundFee: 50,
  },
})
const notifications: Readonly<Record<string, unknown>> = {
  'v3-notify.pay-success.json': paid,
  'v3-notify.pay-success.empty-aad.json': paid,
  'v3-notify.refund-success.json': refunded('SUCCESS'),
  'v3-notify.refund-abnormal.json': refunded('CHANGE'),
}
const forged = ['v3-notify.tampered.json', 'v3-notify.signtest-probe.json']

describe('a notification', () => {
  test.each(Object.entries(notifications))('%s is accepted', async (file, value) => {
    expect(await read(file)).toEqual({ ok: true, value })
  })

  test.each(Object.keys(notifications))('%s has the listed plain text', (file) => {
    const { body, plaintext, settings } = open(file)
    const { resource } = v.parse(v.object({ resource: sealedResource }), JSON.parse(body))
    const opened = openResource(settings.apiKey, resource)
    expect(Buffer.from(opened ?? []).toString('utf8')).toBe(plaintext)
  })

  test.each(Object.keys(notifications))('%s is refused under another APIv3 key', async (file) => {
    expect(await read(file, { apiKey: 'AnotherV3ApiKey00000000000000001' })).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'decryption' },
    })
  })

  test.each(Object.keys(notifications))('%s is refused by another merchant', async (file) => {
    expect(await read(file, { mchId: '1900000110' })).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'merchant' },
    })
  })

  test.each(forged)('%s is refused by its signature', async (file) => {
    expect(await read(file)).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'signature' },
    })
  })

  test.each([...Object.keys(notifications), ...forged])(
    '%s is recognized as a message of APIv3',
    (file) => {
      expect(recognizes({ headers: open(file).headers, query: new URLSearchParams() })).toBe(true)
    },
  )
})

describe('an acknowledgement', () => {
  const acknowledgement = v.object({ code: v.string(), message: v.string() })

  test('of an accepted notification is v3-notify-ack.success.json', () => {
    const { status, body } = acknowledge({ ok: true, value: null })
    expect([status, JSON.parse(body)]).toEqual([
      200,
      jsonSample('v3-notify-ack.success.json', acknowledgement),
    ])
  })

  test('of a refused notification has the code of v3-notify-ack.fail.json', () => {
    const { status, body } = acknowledge({
      ok: false,
      error: { reason: 'notice_rejected', check: 'signature' },
    })
    expect(status).toBe(400)
    expect(v.parse(acknowledgement, JSON.parse(body)).code).toBe(
      jsonSample('v3-notify-ack.fail.json', acknowledgement).code,
    )
  })
})

describe('the second signature', () => {
  test('second-sign.json: the payment is signed over the four lines that we sign', () => {
    const { v3rsa } = jsonSample(
      'second-sign.json',
      v.object({ v3rsa: v.record(v.string(), v.string()) }),
    )
    const { appId, timeStamp, nonceStr, paySign = '', merchantPublicKeyPem = '' } = v3rsa
    const text = `${appId}\n${timeStamp}\n${nonceStr}\n${v3rsa['package']}\n`
    expect([text, v3rsa['signType']]).toEqual([v3rsa['message'], 'RSA'])
    expect(
      verify(
        'sha256',
        Buffer.from(text),
        createPublicKey(merchantPublicKeyPem),
        Buffer.from(paySign, 'base64'),
      ),
    ).toBe(true)
  })
})

describe('the samples of APIv3', () => {
  test('are all tested above', () => {
    const kinds = ['v3-request', 'v3-response', 'v3-error', 'v3-notify', 'v3-notify-ack']
    expect(kinds.flatMap((kind) => filesOf(kind)).toSorted()).toEqual(
      samples
        .filter(({ kind }) => kind.startsWith('v3-'))
        .map(({ file }) => file)
        .toSorted(),
    )
    expect([...Object.keys(notifications), ...forged].toSorted()).toEqual(
      filesOf('v3-notify').toSorted(),
    )
  })

  test('that are listed as forged are all refused above', () => {
    const listed = samples.filter(({ file, valid }) => valid === false && file.startsWith('v3-'))
    expect(listed.map(({ file }) => file).toSorted()).toEqual(forged.toSorted())
  })
})
