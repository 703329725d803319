/** The gateway of APIv3 against the simulator, which signs and parses with code of its own. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { demoCertificate, demoV3Values } from '../../../dev/world/demo-values.ts'
import { dayOf } from '../../../lib/core/day.ts'
import { parseOutRefundNo } from '../../../lib/core/ids.ts'
import type { OrderTerms } from '../../../lib/core/order.ts'
import type { Refund } from '../../../lib/core/refund.ts'
import { toWholeSeconds } from '../../../lib/core/time.ts'
import type { BillRow, PayGateway } from '../../../lib/ports.ts'
import { newNonce } from '../../../lib/wechat/nonce.ts'
import type { Protocol } from '../../../lib/wechat/protocols.ts'
import { createV3 } from '../../../lib/wechat/v3/v3.ts'
import { openPeer, SERIAL, type Peer } from '../../dev/v3/peer.ts'
import { fen, openOrder, theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'

let peer: Peer
let protocol: Protocol
let pay: PayGateway
let order: OrderTerms
/** The refund numbers that the ledger of the shop has. */
let ledger: readonly string[] = []
const now = () => new Date(peer.simulator.now())
const account = { ...theAccount, protocol: 'v3' }

/** The shop as it is after a start: it knows only its settings. */
function startShop(mode: 'public-key' | 'certificates') {
  const { WECHAT_PAY_PUBLIC_KEY_ID: id, WECHAT_PAY_PUBLIC_KEY: pem } = demoV3Values
  protocol = createV3({
    settings: () => ({
      appid: theAccount.appid,
      mchId: theAccount.mchId,
      apiKey: demoV3Values.WECHAT_PAY_V3_KEY,
      merchant: {
        serial: SERIAL,
        privateKey: createPrivateKey(demoCertificate.WECHAT_PAY_CERT_KEY),
      },
      publicKeys: new Map(mode === 'public-key' ? [[id, createPublicKey(pem)]] : []),
      hosts: [peer.url],
    }),
    newNonce,
    now,
    certificates: {
      find: async () => 'down',
      keep: async () => undefined,
      forget: async () => undefined,
    },
    refundLists: {
      overV2: null,
      findNumbers: async () => ledger,
    },
  })
  pay = protocol.gateway(account)
}

async function placeAndPay() {
  const placed = must(await pay.placeOrder(order, now()))
  if (placed.outcome !== 'placed') throw new Error('not placed')
  const args = await pay.signPayment(placed.prepayId, now())
  expect(peer.simulator.pay(args).errMsg).toBe('requestPayment:ok')
  const found = must(await pay.queryOrder(order))
  if (found.state !== 'paid') throw new Error('not paid')
  return found.confirmation
}
const newRefund = (transactionId: string): Refund => ({
  payment: { ...order, transactionId },
  outRefundNo: must(parseOutRefundNo('R@1')),
  outTradeNo: order.outTradeNo,
  refundFee: fen(1000),
  refundDesc: '不要了',
  refundStatus: 'PROCESSING',
  refundId: null,
  errCode: null,
  errText: null,
  waitingSince: now(),
  isParked: false,
  payoutRequestedAt: null,
})
/** The last notification that the shop received, read and verified by the shop. */
async function readLast() {
  await peer.simulator.tick()
  const last = peer.received.at(-1)
  if (last === undefined) throw new Error('no notification')
  const headers = new Headers(
    Object.entries(last.headers).map(([name, value]): [string, string] => [name, String(value)]),
  )
  const head = { headers, query: new URLSearchParams() }
  expect(protocol.recognizes(head)).toBe(true)
  return protocol.notifications.read({ ...head, bytes: Buffer.from(last.body) })
}

describe.each(['public-key', 'certificates'] as const)('with %s', (mode) => {
  beforeEach(async () => {
    peer = await openPeer(mode)
    const createdAt = toWholeSeconds(now())
    const timeExpire = new Date(createdAt.getTime() + 3_600_000)
    order = { ...openOrder, account, createdAt, timeExpire, notifyUrl: peer.notifyUrl }
    startShop(mode)
  })
  afterEach(() => peer.stop())

  test('an order is placed twice as one, paid, notified and found by both numbers', async () => {
    const first = must(await pay.placeOrder(order, now()))
    expect(await pay.placeOrder(order, now())).toEqual({ ok: true, value: first })
    expect(await pay.queryOrder(order)).toEqual({ ok: true, value: { state: 'open' } })
    const confirmation = await placeAndPay()
    expect(confirmation).toMatchObject({ outTradeNo: order.outTradeNo, totalFee: 2800 })
    expect(await readLast()).toMatchObject({ ok: true, value: { kind: 'paid', confirmation } })
    expect(await pay.findPayment(confirmation.transactionId)).toEqual({
      ok: true,
      value: { state: 'paid', confirmation },
    })
  })

  test('a paid order is neither placed nor closed', async () => {
    await placeAndPay()
    for (let turn = 0; turn < 2; turn += 1) {
      expect(must(await pay.placeOrder(order, now())).outcome).toMatch(/^(?:paid|number_taken)$/)
      expect(must(await pay.closeOrder(order))).toMatch(/^(?:paid|not_now)$/)
    }
  })

  test('an order is closed, and not placed again', async () => {
    expect(await pay.closeOrder(order)).toEqual({ ok: true, value: 'missing' })
    await pay.placeOrder(order, now())
    expect(await pay.placeOrder({ ...order, body: 'Tea' }, now())).toMatchObject({
      ok: true,
      value: { outcome: 'number_taken' },
    })
    expect(await pay.closeOrder(order)).toEqual({ ok: true, value: 'closed' })
    expect(await pay.closeOrder(order)).toEqual({ ok: true, value: 'closed' })
    expect(await pay.queryOrder(order)).toEqual({ ok: true, value: { state: 'closed' } })
    expect(await pay.placeOrder(order, now())).toEqual({ ok: true, value: { outcome: 'closed' } })
  })

  test('a refund is made once, notified, queried and listed', async () => {
    const { transactionId } = await placeAndPay()
    const refund = newRefund(transactionId)
    expect(await pay.queryRefund(refund)).toEqual({ ok: true, value: { state: 'missing' } })
    const sent = must(await pay.sendRefund(refund))
    expect(sent).toMatchObject({ outcome: 'accepted' })
    expect(await pay.sendRefund(refund)).toEqual({ ok: true, value: sent })
    peer.advance(60_000)
    expect(must(await pay.queryRefund(refund))).toMatchObject({
      state: 'known',
      refundFee: 1000,
      refundStatus: 'SUCCESS',
    })
    ledger = ['R@1']
    expect(must(await pay.listRefunds(refund.payment))).toMatchObject([{ outRefundNo: 'R@1' }])
    expect(must(await pay.queryOrder(order))).toMatchObject({ state: 'refunded' })
    expect(await readLast()).toMatchObject({
      ok: true,
      value: { kind: 'refund', outRefundNo: 'R@1', refundStatus: 'SUCCESS' },
    })
  })

  test('a refund without an order is never made, and one that is too large is refused', async () => {
    expect(await pay.sendRefund(newRefund('4200000000000000000000000000'))).toMatchObject({
      ok: true,
      value: { outcome: 'never', code: 'RESOURCE_NOT_EXISTS' },
    })
    const { transactionId } = await placeAndPay()
    peer.simulator.refundInConsole(order.outTradeNo, 2000)
    expect(await pay.sendRefund(newRefund(transactionId))).toMatchObject({
      ok: true,
      value: { outcome: 'refused', code: 'INVALID_REQUEST' },
    })
  })

  test('an abnormal refund is paid to another account, also after WeChat has rotated its key', async () => {
    const { transactionId } = await placeAndPay()
    peer.simulator.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE' })
    const refund = newRefund(transactionId)
    const sent = must(await pay.sendRefund(refund))
    const refundId = sent.outcome === 'accepted' ? sent.refundId : ''
    const payOut = () =>
      pay.payOutRefund(
        { ...refund, refundId },
        {
          type: 'user_bank_card',
          bankType: 'CMB_DEBIT',
          bankAccount: '62258801',
          realName: '张三',
        },
      )
    expect(must(await payOut())).toMatchObject({ outcome: 'refused', code: 'INVALID_REQUEST' })
    peer.advance(60_000)
    peer.simulator.changeKeys({ rotate: mode === 'public-key' ? 'public-key' : 'certificate' })
    expect(must(await payOut())).toMatchObject({
      outcome: 'accepted',
      refund: { outRefundNo: 'R@1', refundStatus: 'PROCESSING' },
    })
    expect(peer.simulator.refunds()).toMatchObject([{ paidTo: 'CMB_DEBIT 62258801 张三' }])
    expect(must(await payOut())).toMatchObject({ outcome: 'refused', code: 'INVALID_REQUEST' })
  })

  describe('a refund that was made in the merchant console', () => {
    const listed = { ok: true, value: [expect.objectContaining({ refundFee: 1000 })] }
    const refundInConsole = async () => {
      const { transactionId } = await placeAndPay()
      peer.simulator.refundInConsole(order.outTradeNo, 1000)
      peer.advance(60_000)
      return { ...order, transactionId }
    }
    beforeEach(() => {
      ledger = []
    })

    test('is missed by the list, which says so', async () => {
      const payment = await refundInConsole()
      expect(await pay.listRefunds(payment)).toMatchObject({
        ok: false,
        error: { reason: 'wechat_misconfigured', code: 'REFUNDS_NOT_LISTED' },
      })
    })

    test('is listed once its notification has come', async () => {
      const payment = await refundInConsole()
      expect(await readLast()).toMatchObject({ ok: true, value: { kind: 'refund' } })
      expect(await pay.listRefunds(payment)).toEqual(listed)
    })

    test('is listed once it was queried', async () => {
      const payment = await refundInConsole()
      const outRefundNo = must(parseOutRefundNo(peer.simulator.refunds()[0]?.outRefundNo ?? ''))
      await pay.queryRefund({ outRefundNo, payment })
      expect(await pay.listRefunds(payment)).toEqual(listed)
    })

    test('is listed once a bill with it was read', async () => {
      const payment = await refundInConsole()
      const day = dayOf(now())
      peer.advance(36 * 3_600_000)
      for await (const batch of pay.readBill(day, 10_000)) expect(batch.ok).toBe(true)
      expect(await pay.listRefunds(payment)).toEqual(listed)
    })
  })

  test('the bill of a day is read', async () => {
    const { transactionId } = await placeAndPay()
    const day = dayOf(now())
    peer.advance(36 * 3_600_000)
    const rows: BillRow[] = []
    for await (const batch of pay.readBill(day, 10_000)) rows.push(...must(batch))
    expect(rows).toMatchObject([{ kind: 'payment', outTradeNo: order.outTradeNo, transactionId }])
  })

  test('probes and queries of what does not exist are answered', async () => {
    expect(await pay.probe('order')).toEqual({ ok: true, value: { state: 'missing' } })
    expect(await pay.probe('refund')).toEqual({ ok: true, value: { state: 'missing' } })
    expect(await pay.isReachable()).toBe(true)
  })
})

describe('a change of keys', () => {
  const begin = async (mode: 'public-key' | 'certificates') => {
    peer = await openPeer(mode)
    const createdAt = toWholeSeconds(now())
    const timeExpire = new Date(createdAt.getTime() + 3_600_000)
    order = { ...openOrder, account, createdAt, timeExpire, notifyUrl: peer.notifyUrl }
    startShop(mode)
  }
  afterEach(() => peer.stop())

  test('to the next platform certificate needs no restart', async () => {
    await begin('certificates')
    const { transactionId } = await placeAndPay()
    const [old] = peer.simulator.keys().certificates
    peer.advance(60_000)
    peer.simulator.changeKeys({ rotate: 'certificate' })
    expect(await pay.queryOrder(order)).toMatchObject({ ok: true })
    peer.simulator.changeKeys({ retire: old?.serial ?? '' })
    expect(await readLast()).toMatchObject({ ok: true, value: { kind: 'paid' } })
    expect(await pay.findPayment(transactionId)).toMatchObject({ ok: true })
  })

  test('to the public key is named, if the shop has only certificates and they are withdrawn', async () => {
    await begin('certificates')
    peer.simulator.changeKeys({ mode: 'public-key' })
    expect(await pay.queryOrder(order)).toMatchObject({
      ok: false,
      error: { reason: 'not_configured', variable: 'WECHAT_PAY_PUBLIC_KEY' },
    })
  })

  test('to the public key is harmless, if the shop has both', async () => {
    await begin('public-key')
    peer.simulator.changeKeys({ mode: 'change-over' })
    await placeAndPay()
    expect(await readLast()).toMatchObject({ ok: true, value: { kind: 'paid' } })
  })
})
