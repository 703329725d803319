/** The adapter of APIv3 works with the simulator: two programs that share no code for messages. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { demoV3Values } from '../../../dev/world/demo-values.ts'
import { dayOf } from '../../../lib/core/day.ts'
import { parseOutRefundNo } from '../../../lib/core/ids.ts'
import type { Refund } from '../../../lib/core/refund.ts'
import { createV3 } from '../../../lib/wechat/v3/v3.ts'
import { fen, openOrder, theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'
import { APPID, MCHID, openPeer, PRIVATE_KEY, PUBLIC_KEY_ID, SERIAL, type Peer } from './peer.ts'

let peer: Peer
afterEach(() => peer.stop())

const account = { ...theAccount, protocol: 'v3' }
const outRefundNo = must(parseOutRefundNo('R1'))
const now = () => new Date(peer.simulator.now())
const order = () => ({
  ...openOrder,
  account,
  attach: 'store=1',
  notifyUrl: peer.notifyUrl,
  createdAt: now(),
  timeExpire: new Date(Math.floor(now().getTime() / 1000) * 1000 + 3_600_000),
})

const DOWNLOAD_DAYS_MS = 2 * 86_400_000
let nonces = 0

async function open(mode: 'public-key' | 'certificates') {
  peer = await openPeer(mode)
  const protocol = createV3({
    settings: () => ({
      appid: APPID,
      mchId: MCHID,
      apiKey: demoV3Values.WECHAT_PAY_V3_KEY,
      merchant: { serial: SERIAL, privateKey: createPrivateKey(PRIVATE_KEY) },
      publicKeys: new Map(
        mode === 'certificates'
          ? []
          : [[PUBLIC_KEY_ID, createPublicKey(demoV3Values.WECHAT_PAY_PUBLIC_KEY)]],
      ),
      hosts: [peer.url],
    }),
    newNonce: () => `593BEC0C930BF1AFEB40B4A08C8F${String((nonces += 1)).padStart(4, '0')}`,
    now,
    certificates: {
      find: async () => 'down',
      keep: async () => undefined,
      forget: async () => undefined,
    },
    refundLists: { overV2: null, findNumbers: async () => [outRefundNo] },
  })
  const read = ({ headers, body }: Peer['received'][number]) =>
    protocol.notifications.read({
      headers: new Headers(
        Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      ),
      query: new URLSearchParams(),
      bytes: Buffer.from(body),
    })
  return { pay: protocol.gateway(account), read }
}

describe.each(['public-key', 'certificates'] as const)('with %s', (mode) => {
  test('an order is placed, paid, notified, refunded and in the bill', async () => {
    const { pay, read } = await open(mode)
    const placed = order()
    const placement = await pay.placeOrder(placed, now())
    if (!placement.ok || placement.value.outcome !== 'placed') throw new Error('not placed')
    expect(await pay.placeOrder(placed, now())).toEqual(placement)
    expect(await pay.queryOrder(placed)).toEqual({ ok: true, value: { state: 'open' } })
    const args = await pay.signPayment(placement.value.prepayId, now())
    expect(peer.simulator.pay(args)).toEqual({ errMsg: 'requestPayment:ok' })

    const paid = await pay.queryOrder(placed)
    if (!paid.ok || paid.value.state !== 'paid') throw new Error('not paid')
    const { confirmation } = paid.value
    expect(await pay.findPayment(confirmation.transactionId)).toEqual(paid)
    // The second code of a paid order says less, and the caller queries the order.
    expect([await pay.closeOrder(placed), await pay.closeOrder(placed)]).toEqual([
      { ok: true, value: 'paid' },
      { ok: true, value: 'not_now' },
    ])
    const payment = {
      ...placed,
      ...confirmation,
      openid: placed.openid,
      outTradeNo: placed.outTradeNo,
    }
    const refund: Refund = {
      payment,
      outRefundNo,
      outTradeNo: placed.outTradeNo,
      refundFee: fen(100),
      refundDesc: '不想要了',
      refundStatus: 'PROCESSING',
      refundId: null,
      errCode: null,
      errText: null,
      waitingSince: now(),
      isParked: false,
    }
    expect(await pay.queryRefund(refund)).toEqual({ ok: true, value: { state: 'missing' } })
    expect(await pay.sendRefund(refund)).toMatchObject({ value: { outcome: 'accepted' } })
    peer.advance(3000)
    await peer.simulator.tick()
    const heard = await Promise.all(peer.received.map(read))
    expect(heard).toMatchObject([
      { ok: true, value: { kind: 'paid', confirmation, attach: 'store=1' } },
      { ok: true, value: { kind: 'refund', outRefundNo, refundStatus: 'SUCCESS' } },
    ])
    expect(await pay.queryRefund(refund)).toMatchObject({
      value: { state: 'known', refundFee: 100, refundStatus: 'SUCCESS' },
    })

    const day = dayOf(now())
    const billOf = async () => {
      const batches = []
      for await (const batch of pay.readBill(day, 5000)) batches.push(batch)
      return batches
    }
    expect(await billOf()).toMatchObject([{ ok: false, error: { reason: 'bill_not_ready' } }])
    peer.advance(DOWNLOAD_DAYS_MS)
    expect(await billOf()).toMatchObject([
      { ok: true, value: [{ outTradeNo: placed.outTradeNo }, { outTradeNo: placed.outTradeNo }] },
    ])
  })

  test('an unpaid order is closed, and an unknown one is missing', async () => {
    const { pay } = await open(mode)
    const placed = order()
    expect(await pay.closeOrder(placed)).toEqual({ ok: true, value: 'missing' })
    await pay.placeOrder(placed, now())
    expect(await pay.closeOrder(placed)).toEqual({ ok: true, value: 'closed' })
    expect(await pay.placeOrder(placed, now())).toMatchObject({ value: { outcome: 'closed' } })
    expect(await pay.probe('order')).toMatchObject({ ok: true })
    expect(await pay.probe('refund')).toMatchObject({ ok: true })
  })

  test.each([
    'unsigned',
    'wrong-key',
    'wrong-serial',
    'old-timestamp',
    'other-signature-type',
    'tamper',
    'garble',
    'http-500',
    'html',
  ] as const)('an answer with the fault %s decides nothing', async (fault) => {
    const { pay } = await open(mode)
    const placed = order()
    await pay.placeOrder(placed, now())
    peer.simulator.misbehave({ on: 'orderquery', do: fault, times: 1 })
    expect(await pay.queryOrder(placed)).toMatchObject({
      ok: false,
      error: { reason: expect.stringMatching(/^wechat_(?:untrusted|unknown)$/) },
    })
    expect(await pay.queryOrder(placed)).toEqual({ ok: true, value: { state: 'open' } })
  })

  test.each([
    ['probe', ['signature', 'paid']],
    ['unknown-event', ['unknown', 'paid']],
    ['unsigned', ['signature']],
    ['wrong-key', ['signature']],
    ['tamper', ['signature']],
    ['wrong-serial', ['serial']],
    ['other-signature-type', ['signature']],
    ['wrong-api-key', ['decryption']],
    ['wrong-mch-id', ['merchant']],
    ['wrong-appid', ['merchant']],
    ['err-code', ['not_paid']],
  ] as const)('a notification with the fault %s is %j', async (fault, expected) => {
    const { pay, read } = await open(mode)
    const placement = await pay.placeOrder(order(), now())
    if (!placement.ok || placement.value.outcome !== 'placed') throw new Error('not placed')
    peer.simulator.pay(await pay.signPayment(placement.value.prepayId, now()))
    peer.simulator.misbehave(
      fault === 'err-code'
        ? { on: 'notify', do: fault, errCode: 'PAYERROR' }
        : { on: 'notify', do: fault },
    )
    await peer.simulator.tick()
    const heard = await Promise.all(peer.received.map(read))
    const told = heard.map((one) => {
      if (one.ok) return one.value.kind
      return 'check' in one.error ? one.error.check : one.error.reason
    })
    expect(told).toEqual(expected)
  })
})

test('the keys of WeChat may change while orders are open', async () => {
  const { pay } = await open('certificates')
  const placed = order()
  await pay.placeOrder(placed, now())
  const [old] = peer.simulator.keys().certificates
  peer.simulator.changeKeys({ rotate: 'certificate' })
  expect(await pay.queryOrder(placed)).toMatchObject({ ok: true })
  peer.advance(60_000)
  peer.simulator.changeKeys({ retire: old?.serial ?? '' })
  await pay.queryOrder(placed)
  peer.advance(60_000)
  expect(await pay.queryOrder(placed)).toMatchObject({ ok: true })
})
