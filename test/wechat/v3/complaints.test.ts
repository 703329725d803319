/** The calls about complaints against the simulator, which signs and parses with its own code. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { demoCertificate, demoV3Values } from '../../../dev/world/demo-values.ts'
import { dayOf } from '../../../lib/core/day.ts'
import { parseComplaintId, parseOutTradeNo, type ComplaintId } from '../../../lib/core/ids.ts'
import type { Order } from '../../../lib/core/order.ts'
import { toWholeSeconds } from '../../../lib/core/time.ts'
import type { ComplaintGateway } from '../../../lib/ports.ts'
import { newNonce } from '../../../lib/wechat/nonce.ts'
import type { Protocol } from '../../../lib/wechat/protocols.ts'
import { createV3 } from '../../../lib/wechat/v3/v3.ts'
import { openPeer, SERIAL, type Peer } from '../../dev/v3/peer.ts'
import { openOrder, theAccount } from '../../support/latte.ts'
import { must } from '../../support/must.ts'

let peer: Peer
let protocol: Protocol
let calls: ComplaintGateway
let next = 0
const now = () => new Date(peer.simulator.now())

beforeAll(async () => {
  peer = await openPeer('public-key')
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
      publicKeys: new Map([[id, createPublicKey(pem)]]),
      // The second one is the stand-by host.
      hosts: [peer.url, peer.url],
    }),
    newNonce,
    now,
    certificates: {
      find: async () => 'down',
      keep: async () => undefined,
      forget: async () => undefined,
    },
    refundLists: { overV2: null, findNumbers: async () => [] },
  })
  const complaints = await protocol.complaints?.()
  if (complaints === undefined) throw new Error('no calls')
  calls = complaints
})
afterAll(() => peer.stop())
beforeEach(() => peer.simulator.clearFaults())

async function paidOrder() {
  const order: Order = {
    ...openOrder,
    outTradeNo: must(parseOutTradeNo(`COMPLAINED-${(next += 1)}`)),
    createdAt: toWholeSeconds(now()),
    timeExpire: new Date(toWholeSeconds(now()).getTime() + 7_200_000),
    notifyUrl: peer.notifyUrl,
  }
  const pay = protocol.gateway({ ...theAccount, protocol: 'v3' })
  const placed = must(await pay.placeOrder(order, now()))
  if (placed.outcome !== 'placed') throw new Error('not placed')
  peer.simulator.pay(await pay.signPayment(placed.prepayId, now()))
  return order
}

async function complain(over: Partial<Parameters<Peer['simulator']['complain']>[0]> = {}) {
  const order = await paidOrder()
  const filed = peer.simulator.complain({ outTradeNo: order.outTradeNo, ...over })
  return { order, filed, id: must(parseComplaintId(filed.complaintId)) }
}

const complaintAtWechat = (id: ComplaintId) =>
  peer.simulator.complaints().find(({ complaintId }) => complaintId === id)
const requests = (path: string) =>
  peer.simulator.messageLog.filter(({ direction, url }) => direction === 'in' && url.includes(path))

const REPLY = { action: 'reply', content: '您好，已经补发' } as const

describe('a complaint', () => {
  test('is found with its payment, without the phone number', async () => {
    const { order, filed, id } = await complain({ problemType: 'REFUND', detail: '坏了' })
    const found = must(await calls.find(id))
    expect(found).toEqual({
      complaintId: id,
      state: 'PENDING',
      complainedAt: toWholeSeconds(new Date(filed.createdAt)),
      detail: '坏了',
      problemType: 'REFUND',
      openid: order.openid,
      payment: {
        outTradeNo: order.outTradeNo,
        transactionId: expect.stringMatching(/^\d+$/),
        totalFee: order.totalFee,
      },
      applyRefundFee: order.totalFee,
      isFullyRefunded: false,
      isReplyAwaited: true,
      times: 1,
    })
    expect(JSON.stringify(found)).not.toContain(filed.phone)
  })

  test('that WeChat does not know is null', async () => {
    const id = must(parseComplaintId('1'))
    expect(must(await calls.find(id))).toBeNull()
    expect(must(await calls.findPhone(id))).toBeNull()
    expect(must(await calls.history(id))).toBeNull()
    expect(must(await calls.act(id, REPLY))).toEqual({ outcome: 'missing' })
  })

  test('has a phone number that is decrypted on request', async () => {
    const { id } = await complain({ phone: '13900001111' })
    expect(must(await calls.findPhone(id))).toBe('13900001111')
  })

  test('is in the list of its day, page by page', async () => {
    const { id } = await complain()
    const { id: later } = await complain()
    const today = dayOf(now())
    const first = must(await calls.list(today, today, 0, 1))
    expect(first.complaints.map(({ complaintId }) => complaintId)).toEqual([later])
    expect(first.total).toBe(peer.simulator.complaints().length)
    const second = must(await calls.list(today, today, 1, 50))
    expect(second.complaints[0]?.complaintId).toBe(id)
  })
})

describe('an action', () => {
  test('replies, then finishes, and is in the history', async () => {
    const { id } = await complain()
    expect(must(await calls.act(id, REPLY))).toEqual({ outcome: 'done' })
    expect(must(await calls.find(id))?.state).toBe('PROCESSING')
    expect(must(await calls.act(id, { action: 'finish' }))).toEqual({ outcome: 'done' })
    expect(must(await calls.find(id))?.state).toBe('PROCESSED')
    expect(must(await calls.history(id))?.map(({ type, text }) => [type, text])).toEqual([
      ['USER_CREATE_COMPLAINT', '没有收到商品'],
      ['MERCHANT_RESPONSE', REPLY.content],
      ['MERCHANT_CONFIRM_COMPLETE', ''],
    ])
  })

  test('decides about a refund', async () => {
    const approved = await complain({ problemType: 'REFUND' })
    const yes = { action: 'refund', decision: 'approve', refundInDays: 0 } as const
    expect(must(await calls.act(approved.id, yes))).toEqual({ outcome: 'done' })
    const rejected = await complain({ problemType: 'REFUND' })
    const no = { action: 'refund', decision: 'reject', reason: '已经使用' } as const
    expect(must(await calls.act(rejected.id, no))).toEqual({ outcome: 'done' })
    expect(complaintAtWechat(approved.id)?.decision).toBe('APPROVE')
    expect(complaintAtWechat(rejected.id)?.decision).toBe('REJECT')
  })

  test('that does not fit the state is refused with WeChat’s code', async () => {
    const { id } = await complain()
    expect(must(await calls.act(id, { action: 'finish' }))).toEqual({
      outcome: 'refused',
      code: 'INVALID_REQUEST',
      text: '投诉单状态不是处理中',
    })
  })

  test('that is a reply is sent to one host only, because WeChat would show it twice', async () => {
    const { id } = await complain()
    peer.simulator.misbehave({ on: 'complaint-action', do: 'lose-answer', times: 1 })
    expect(await calls.act(id, REPLY)).toMatchObject({ error: { reason: 'wechat_unknown' } })
    expect(requests(`${id}/response`)).toHaveLength(1)
    expect(complaintAtWechat(id)?.history).toHaveLength(2)
  })

  test('that finishes is sent to the stand-by host, too', async () => {
    const { id } = await complain()
    await calls.act(id, REPLY)
    peer.simulator.misbehave({ on: 'complaint-action', do: 'drop', times: 1 })
    expect(must(await calls.act(id, { action: 'finish' }))).toEqual({ outcome: 'done' })
  })
})

describe('the URL for notifications', () => {
  test('is registered, replaced and deleted', async () => {
    expect(must(await calls.findNotifyUrl())).toBeNull()
    must(await calls.setNotifyUrl(peer.notifyUrl))
    expect(must(await calls.findNotifyUrl())).toBe(peer.notifyUrl)
    must(await calls.setNotifyUrl(`${peer.notifyUrl}/2`))
    expect(must(await calls.findNotifyUrl())).toBe(`${peer.notifyUrl}/2`)
    must(await calls.deleteNotifyUrl())
    must(await calls.deleteNotifyUrl())
    expect(must(await calls.findNotifyUrl())).toBeNull()
  })

  test('receives a new complaint and each change', async () => {
    must(await calls.setNotifyUrl(peer.notifyUrl))
    const { id } = await complain()
    await calls.act(id, REPLY)
    await peer.simulator.tick()
    const kinds = await Promise.all(
      peer.received.map(({ headers, body }) => {
        const pairs = Object.entries(headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ])
        return protocol.notifications.read({
          headers: new Headers(pairs),
          query: new URLSearchParams(),
          bytes: Buffer.from(body),
        })
      }),
    )
    const about = kinds.filter((read) => read.ok && read.value.kind === 'complaint')
    expect(about).toEqual([
      { ok: true, value: { kind: 'complaint', complaintId: id } },
      { ok: true, value: { kind: 'complaint', complaintId: id } },
    ])
    must(await calls.deleteNotifyUrl())
  })
})

describe('an answer', () => {
  test.each(['tamper', 'wrong-key', 'unsigned', 'wrong-serial', 'old-timestamp'] as const)(
    'with the fault %s is not used',
    async (fault) => {
      const { id } = await complain()
      peer.simulator.misbehave({ on: 'complaint-query', do: fault })
      expect(await calls.find(id)).toMatchObject({ error: { reason: 'wechat_untrusted' } })
      expect(await calls.findPhone(id)).toMatchObject({ error: { reason: 'wechat_untrusted' } })
      expect(await calls.history(id)).toMatchObject({ error: { reason: 'wechat_untrusted' } })
    },
  )

  test('that asks to slow down is told apart', async () => {
    const { id } = await complain()
    peer.simulator.misbehave({
      on: 'complaint-query',
      do: 'err-code',
      errCode: 'FREQUENCY_LIMITED',
    })
    expect(await calls.find(id)).toMatchObject({ error: { reason: 'wechat_busy' } })
  })
})

test('72 hours after a complaint that is not finished, WeChat pays the payer back', async () => {
  const { order, id } = await complain()
  peer.advance(72 * 3_600_000)
  await peer.simulator.tick()
  const found = must(await calls.find(id))
  expect(found).toMatchObject({ state: 'PROCESSED', isFullyRefunded: true })
  expect(peer.simulator.refunds()).toContainEqual(
    expect.objectContaining({ outTradeNo: order.outTradeNo, refundFee: order.totalFee }),
  )
})
