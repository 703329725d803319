/** APIv3 as a whole: its gateway, its notifications, and what one instance keeps of both. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseDay } from '../../../lib/core/day.ts'
import { ConfigError } from '../../../lib/core/failure.ts'
import { parseOutRefundNo } from '../../../lib/core/ids.ts'
import { createV3, type V3Parts } from '../../../lib/wechat/v3/v3.ts'
import { writeBill, type BillLine } from '../../support/bill.ts'
import { openOrder, paidOrder, theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'
import { certificateList, newCertificate } from '../../support/v3-certificates.ts'
import { AT, openHost, reply, unsigned, type Host, type Reply } from '../../support/v3-host.ts'
import { demoV3, sealed, signedHeaders } from '../../support/v3-keys.ts'

let host: Host
beforeAll(async () => {
  host = await openHost(() => 'reset')
})
beforeEach(() => {
  host.received.length = 0
})
afterAll(() => host.close())

const account = { ...theAccount, protocol: 'v3' }
const NONCE = '593BEC0C930BF1AFEB40B4A08C8FB242'
const v3 = (changes: Partial<V3Parts> = {}) =>
  createV3({
    settings: () => ({ ...demoV3, hosts: [host.url] }),
    newNonce: () => NONCE,
    now: () => AT,
    certificates: {
      find: async () => 'down',
      keep: async () => undefined,
      forget: async () => undefined,
    },
    refundLists: { overV2: null, findNumbers: async () => [] },
    ...changes,
  })

const REFUNDS = '/v3/refund/domestic/refunds/'
const CONSOLE = 'CONSOLE-1'
const refundAt = (outRefundNo: string, changes: object = {}) => ({
  refund_id: '50300002502025010200000000001',
  out_refund_no: outRefundNo,
  transaction_id: paidOrder.transactionId,
  out_trade_no: paidOrder.outTradeNo,
  status: 'SUCCESS',
  amount: { total: 2800, refund: 1000 },
  ...changes,
})
const transaction = {
  appid: demoV3.appid,
  mchid: demoV3.mchId,
  out_trade_no: paidOrder.outTradeNo,
  transaction_id: paidOrder.transactionId,
  trade_state: 'REFUND',
  success_time: '2025-01-02T03:05:01+08:00',
  payer: { openid: paidOrder.openid },
  amount: { total: 2800, currency: 'CNY' },
}

const numbered = (outRefundNo: string) => ({
  payment: paidOrder,
  outRefundNo: must(parseOutRefundNo(outRefundNo)),
})

/** WeChat knows every refund that it is asked for, and answers other targets as given. */
const serveRefunds = (others: Readonly<Record<string, Reply>> = {}) => {
  host.behave = ({ target }) => {
    if (target.startsWith(REFUNDS)) return reply(200, refundAt(target.slice(REFUNDS.length)))
    return others[target] ?? reply(200, transaction)
  }
}

const refundMessage = (outRefundNo: string, changes: object = {}) => {
  const plain = { mchid: demoV3.mchId, ...refundAt(outRefundNo), refund_status: 'SUCCESS' }
  const body = JSON.stringify({
    id: 'EV-1',
    create_time: '2025-01-02T03:05:02+08:00',
    resource_type: 'encrypt-resource',
    event_type: 'REFUND.SUCCESS',
    summary: '退款成功',
    resource: {
      original_type: 'refund',
      ...sealed(JSON.stringify({ ...plain, ...changes }), { associatedData: 'refund' }),
    },
  })
  return { headers: new Headers(signedHeaders(body, AT)), bytes: Buffer.from(body), query }
}
const query = new URLSearchParams()

describe('a refund that was made in the merchant console', () => {
  const known = {
    outRefundNo: CONSOLE,
    outTradeNo: paidOrder.outTradeNo,
    refundId: '50300002502025010200000000001',
    refundFee: 1000,
    refundStatus: 'SUCCESS',
  }
  const notListed = { ok: false, error: { code: 'REFUNDS_NOT_LISTED' } }

  test('is not listed while its number is not known', async () => {
    serveRefunds()
    expect(await v3().gateway(account).listRefunds(paidOrder)).toMatchObject(notListed)
  })

  test('is listed after its notification', async () => {
    serveRefunds()
    const shop = v3()
    expect(await shop.notifications.read(refundMessage(CONSOLE))).toMatchObject({
      ok: true,
      value: { kind: 'refund', outRefundNo: CONSOLE },
    })
    expect(await shop.gateway(account).listRefunds(paidOrder)).toEqual({ ok: true, value: [known] })
  })

  test('is not listed after a forged notification', async () => {
    serveRefunds()
    const shop = v3()
    const forged = refundMessage(CONSOLE)
    forged.headers.set('wechatpay-nonce', 'another')
    expect(await shop.notifications.read(forged)).toMatchObject({ ok: false })
    expect(await shop.gateway(account).listRefunds(paidOrder)).toMatchObject(notListed)
  })

  test('is listed after it was queried', async () => {
    serveRefunds()
    const pay = v3().gateway(account)
    await pay.queryRefund(numbered(CONSOLE))
    expect(await pay.listRefunds(paidOrder)).toEqual({ ok: true, value: [known] })
  })

  test('is listed after it was in a bill', async () => {
    const lines: readonly BillLine[] = [
      {
        outTradeNo: paidOrder.outTradeNo,
        transactionId: paidOrder.transactionId,
        outRefundNo: CONSOLE,
        refundId: known.refundId,
        refundFee: 1000,
      },
      {
        outTradeNo: paidOrder.outTradeNo,
        transactionId: paidOrder.transactionId,
        totalFee: 2800,
      },
    ]
    const bill = writeBill(lines)
    const file = '/v3/billdownload/file?token=1'
    serveRefunds({
      '/v3/bill/tradebill?bill_date=2025-01-01&bill_type=ALL&tar_type=GZIP': reply(200, {
        hash_type: 'SHA1',
        hash_value: createHash('sha1').update(bill).digest('hex'),
        download_url: host.url + file,
      }),
      [file]: unsigned(200, bill),
    })
    const pay = v3().gateway(account)
    const kinds: string[] = []
    for await (const batch of pay.readBill(must(parseDay('2025-01-01')), 10_000))
      kinds.push(...(batch.ok ? batch.value.map(({ kind }) => kind) : [batch.error.reason]))
    expect(kinds).toEqual(['refund', 'payment'])
    expect(await pay.listRefunds(paidOrder)).toEqual({ ok: true, value: [known] })
    expect(host.received.filter(({ target }) => target.startsWith(REFUNDS))).toHaveLength(1)
  })

  test('of another order is not listed', async () => {
    serveRefunds()
    const shop = v3()
    await shop.notifications.read(refundMessage(CONSOLE, { out_trade_no: 'LATTE-2' }))
    expect(await shop.gateway(account).listRefunds(paidOrder)).toMatchObject(notListed)
  })
})

describe('the list of the refunds of an order', () => {
  test('asks for each number once, and for at most ten at the same time', async () => {
    const numbers = Array.from({ length: 23 }, (_, index) => `R-${index}`)
    let now = 0
    let most = 0
    const waiting: (() => void)[] = []
    host.behave = async ({ target }) => {
      now += 1
      most = Math.max(most, now)
      // The answers wait until ten requests have arrived, or all that are left.
      await new Promise<void>((resolve) => {
        waiting.push(resolve)
        const left = numbers.length - host.received.length
        if (waiting.length === 10 || left === 0) waiting.splice(0).forEach((go) => go())
      })
      now -= 1
      return reply(200, refundAt(target.slice(REFUNDS.length)))
    }
    const shop = v3({ refundLists: { overV2: null, findNumbers: async () => numbers } })
    await shop.notifications.read(refundMessage('R-0'))
    const listed = await shop.gateway(account).listRefunds(paidOrder)
    expect(listed.ok ? listed.value.map(({ outRefundNo }) => outRefundNo) : listed).toEqual(numbers)
    expect([host.received.length, most]).toEqual([23, 10])
  })

  test('leaves out a number of the ledger that WeChat knows for another order', async () => {
    host.behave = ({ target }) =>
      target.startsWith(REFUNDS)
        ? reply(200, refundAt('R-1', { out_trade_no: 'LATTE-2' }))
        : reply(200, { ...transaction, trade_state: 'SUCCESS' })
    const shop = v3({ refundLists: { overV2: null, findNumbers: async () => ['R-1'] } })
    expect(await shop.gateway(account).listRefunds(paidOrder)).toEqual({ ok: true, value: [] })
  })

  test('with only closed refunds is complete if the order is not refunded', async () => {
    host.behave = ({ target }) =>
      target.startsWith(REFUNDS)
        ? reply(200, refundAt('R-1', { status: 'CLOSED' }))
        : reply(200, { ...transaction, trade_state: 'SUCCESS' })
    const shop = v3({ refundLists: { overV2: null, findNumbers: async () => ['R-1'] } })
    expect(await shop.gateway(account).listRefunds(paidOrder)).toMatchObject({
      ok: true,
      value: [{ outRefundNo: 'R-1', refundStatus: 'REFUNDCLOSE' }],
    })
  })

  test('fails if the state of the order is not known', async () => {
    host.behave = ({ target }) =>
      target.startsWith(REFUNDS)
        ? reply(404, { code: 'RESOURCE_NOT_EXISTS', message: '' })
        : reply(500, { code: 'SYSTEM_ERROR', message: '' })
    const shop = v3({ refundLists: { overV2: null, findNumbers: async () => ['R-1'] } })
    expect(await shop.gateway(account).listRefunds(paidOrder)).toMatchObject({
      ok: false,
      error: { reason: 'wechat_unknown' },
    })
  })
})

describe('an answer about a refund', () => {
  test.each([
    ['WeChat’s number with a blank', { refund_id: '503 1' }],
    ['WeChat’s number of 65 characters', { refund_id: '5'.repeat(65) }],
    ['no number of WeChat', { refund_id: '' }],
    ['no payment', { transaction_id: '' }],
    ['no order', { out_trade_no: '' }],
    ['an unknown status', { status: 'TOMORROW' }],
    ['an amount of nothing', { amount: { total: 2800, refund: 0 } }],
    ['a total that is a text', { amount: { total: '2800', refund: 1000 } }],
    ['another number', { out_refund_no: 'R-2' }],
  ])('with %s is refused', async (_what, changes) => {
    host.behave = () => reply(200, refundAt('R-1', changes))
    const pay = v3().gateway(account)
    expect(await pay.queryRefund(numbered('R-1'))).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'content' },
    })
  })

  test('may have a number of WeChat with 64 characters', async () => {
    host.behave = () => reply(200, refundAt('R-1', { refund_id: '5'.repeat(64) }))
    const pay = v3().gateway(account)
    expect(await pay.queryRefund(numbered('R-1'))).toMatchObject({
      ok: true,
      value: { refundId: '5'.repeat(64) },
    })
  })
})

describe('a paid transaction', () => {
  const paid = { ...transaction, trade_state: 'SUCCESS', bank_type: 'OTHERS' }
  const ask = async (changes: object) => {
    host.behave = () => reply(200, { ...paid, ...changes })
    return v3().gateway(account).queryOrder(openOrder)
  }

  test.each([
    ['the number of the order', { out_trade_no: '' }],
    ['WeChat’s number', { transaction_id: '' }],
    ['a plausible number of WeChat', { transaction_id: '4200 0001' }],
    ['a number of WeChat of at most 32 characters', { transaction_id: '4'.repeat(33) }],
    ['a time', { success_time: '' }],
    ['a time with an offset', { success_time: '2025-01-02T03:05:01' }],
    ['a payer', { payer: {} }],
    ['the openid of the payer', { payer: { openid: '' } }],
    ['an amount of at least one fen', { amount: { total: 0 } }],
    ['a whole amount', { amount: { total: 28.5 } }],
    ['a currency that is a text', { amount: { total: 2800, currency: 156 } }],
  ])('without %s is refused', async (_what, changes) => {
    expect(await ask(changes)).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'content' },
    })
  })

  test('is in CNY if WeChat names no currency, and in the currency that it names', async () => {
    expect(await ask({ amount: { total: 2800 } })).toMatchObject({
      value: { confirmation: { feeType: 'CNY', totalFee: 2800 } },
    })
    expect(await ask({ amount: { total: 2800, currency: 'USD' } })).toMatchObject({
      value: { confirmation: { feeType: 'USD' } },
    })
  })

  test.each([
    [undefined, null],
    [null, null],
    ['2000', null],
    [-1, null],
    [20.5, null],
    [0, 0],
    [2000, 2000],
  ])('with the payer’s own amount %j has %j', async (payer_total, cashFee) => {
    expect(await ask({ amount: { total: 2800, payer_total } })).toMatchObject({
      value: { confirmation: { cashFee } },
    })
  })

  test.each([
    [undefined, null],
    ['', null],
    [7, null],
    ['OTHERS', 'OTHERS'],
  ])('with the bank %j has %j', async (bank_type, bankType) => {
    expect(await ask({ bank_type })).toMatchObject({ value: { confirmation: { bankType } } })
  })
})

describe('a probe', () => {
  test('asks for an order, and for a refund, with a number that cannot exist', async () => {
    host.behave = () => reply(404, { code: 'ORDER_NOT_EXIST', message: '' })
    await v3().gateway(account).probe('order')
    await v3().gateway(account).probe('refund')
    expect(host.received.map(({ method, target }) => [method, target])).toEqual([
      ['GET', `/v3/pay/transactions/out-trade-no/${NONCE}?mchid=1900000109`],
      ['GET', REFUNDS + NONCE],
    ])
  })
})

describe('one instance', () => {
  test('downloads the platform certificates once for its calls and notifications', async () => {
    const certificate = newCertificate(
      '7132D72A03E93CDDF8C03BBD1F37EEDF09C6AE0C',
      new Date('2024-06-08T00:00:00Z'),
      new Date('2029-06-07T00:00:00Z'),
    )
    const by = { serial: certificate.serial, key: certificate.key }
    host.behave = ({ target }) =>
      target === '/v3/certificates'
        ? reply(200, certificateList([certificate]), by)
        : reply(200, transaction, by)
    const shop = v3({
      settings: () => ({ ...demoV3, hosts: [host.url], publicKeys: new Map() }),
    })
    for (const _ of [1, 2])
      expect(await shop.gateway(account).queryOrder(openOrder)).toMatchObject({ ok: true })
    const message = refundMessage('R-1')
    const headers = new Headers(signedHeaders(message.bytes, AT, by))
    expect(await shop.notifications.read({ ...message, headers })).toMatchObject({ ok: true })
    expect(host.received.map(({ target }) => target.split('?')[0])).toEqual([
      '/v3/certificates',
      '/v3/pay/transactions/out-trade-no/LATTE-000001',
      '/v3/pay/transactions/out-trade-no/LATTE-000001',
    ])
  })

  test('reads its settings when they are needed', () => {
    const shop = v3({
      settings: () => {
        throw new ConfigError('WECHAT_PAY_V3_KEY', 'is not set')
      },
    })
    expect(shop.recognizes({ headers: new Headers(), query })).toBe(false)
    expect(() => shop.gateway(account)).toThrow('WECHAT_PAY_V3_KEY')
  })

  test('acknowledges in JSON', async () => {
    const head = { headers: new Headers(), query }
    expect(await v3().notifications.acknowledge(head, { ok: true, value: null })).toEqual({
      status: 200,
      contentType: 'application/json; charset=utf-8',
      body: '{"code":"SUCCESS","message":"OK"}',
    })
  })

  test('has no gateway for an order of another merchant, and says which variable differs', async () => {
    const others = [
      { ...account, mchId: '1900000999' },
      { ...account, sub: { mchId: '1900000110', appid: null } },
    ]
    for (const other of others)
      expect(await v3().gateway(other).queryOrder(openOrder)).toEqual({
        ok: false,
        error: {
          reason: 'not_configured',
          variable: 'WECHAT_MCH_ID',
          fault: 'is not the merchant number that this order was placed under',
          why: 'account',
        },
      })
    expect(host.received).toEqual([])
  })

  test('asks under the appid of the order', async () => {
    host.behave = () => reply(200, { ...transaction, appid: 'wx00000000other001' })
    const other = { ...account, appid: 'wx00000000other001' }
    expect(await v3().gateway(other).queryOrder(openOrder)).toMatchObject({ ok: true })
    expect(await v3().gateway(account).queryOrder(openOrder)).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'merchant' },
    })
  })
})
