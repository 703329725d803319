/** No misbehaviour of the simulator over APIv3 is taken for an answer or a payment. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { demoV3Values } from '../../../dev/world/demo-values.ts'
import { createV3 } from '../../../lib/wechat/v3/v3.ts'
import { openOrder, theAccount } from '../../support/latte.ts'
import {
  APPID,
  MCHID,
  openPeer,
  PRIVATE_KEY,
  PUBLIC_KEY_ID,
  SERIAL,
  type Peer,
} from '../../dev/v3/peer.ts'

let peer: Peer
afterEach(() => peer.stop())

const account = { ...theAccount, protocol: 'v3' }
const now = () => new Date(peer.simulator.now())
const order = () => ({
  ...openOrder,
  account,
  attach: 'store=1',
  notifyUrl: peer.notifyUrl,
  createdAt: now(),
  timeExpire: new Date(Math.floor(now().getTime() / 1000) * 1000 + 3_600_000),
})

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
    refundLists: { overV2: null, findNumbers: async () => [] },
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
  test.each([
    'unsigned',
    'wrong-key',
    'wrong-serial',
    'old-timestamp',
    'future-timestamp',
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

  test.each(['SYSTEM_ERROR', 'ORDER_NOT_EXIST', 'ORDER_CLOSED'])(
    'an unsigned refusal with %s decides nothing',
    async (errCode) => {
      const { pay } = await open(mode)
      const placed = order()
      await pay.placeOrder(placed, now())
      peer.simulator.misbehave({ on: 'orderquery', do: 'err-code', errCode, unsigned: true })
      expect(await pay.queryOrder(placed)).toMatchObject({
        ok: false,
        error: { reason: expect.stringMatching(/^wechat_(?:untrusted|unknown)$/) },
      })
    },
  )

  test.each([
    ['probe', ['signature', 'paid']],
    ['unknown-event', ['unknown', 'paid']],
    ['unsigned', ['signature']],
    ['wrong-key', ['signature']],
    ['tamper', ['signature']],
    ['wrong-serial', ['serial']],
    ['old-timestamp', ['time']],
    ['future-timestamp', ['time']],
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
