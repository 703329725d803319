/** A made-up protocol "v0" beside the real one. The code above `lib/wechat/` does not know it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createInstance } from '../../lib/composition.ts'
import { confirm } from '../../lib/core/confirmation.ts'
import type { OrderTerms } from '../../lib/core/order.ts'
import { err, ok } from '../../lib/core/result.ts'
import type { Deps, PayGateway } from '../../lib/ports.ts'
import { handleNotification } from '../../lib/steps/handle-notification.ts'
import { newNumber, placePriced } from '../../lib/steps/place-order.ts'
import { prepay } from '../../lib/steps/prepay.ts'
import { query } from '../../lib/steps/query.ts'
import { createGateways, createNotifications, type Protocol } from '../../lib/wechat/protocols.ts'
import { fen, openOrder } from '../support/latte.ts'
import { must } from '../support/must.ts'
import { only } from '../support/only.ts'
import { openShop, type Shop } from '../support/shop.ts'

const SECRET = 'known to WeChat and to this shop'
const payments = new Map<string, OrderTerms>()

/** Signs nothing: a message is genuine if it names the secret, and its fields are JSON. */
const v0: Protocol = {
  gateway: ({ appid }) =>
    only<PayGateway>({
      placeOrder: async (order) => {
        payments.set(order.outTradeNo, order)
        return ok({ outcome: 'placed', prepayId: `v0-${order.outTradeNo}` })
      },
      prepayKey: async ({ outTradeNo }) => outTradeNo,
      signPayment: async (prepayId) => ({
        appId: appid,
        timeStamp: '1735758246',
        nonceStr: 'v0',
        package: `prepay_id=${prepayId}`,
        signType: 'V0',
        paySign: SECRET,
      }),
    }),
  recognizes: ({ headers }) => headers.has('x-v0-secret'),
  notifications: {
    async read({ headers, bytes }) {
      const order = payments.get(Buffer.from(bytes).toString())
      if (headers.get('x-v0-secret') !== SECRET || order === undefined)
        return err({ reason: 'notice_rejected', check: 'signature' })
      const { outTradeNo, openid, totalFee } = order
      const confirmation = confirm({
        outTradeNo,
        openid,
        totalFee,
        feeType: 'CNY',
        cashFee: null,
        bankType: null,
        transactionId: 'v0payment',
        paidAt: new Date(),
      })
      const asDocumented = { undocumented: null, mayAttachHideFields: false }
      return ok({ kind: 'paid', confirmation, attach: order.attach, ...asDocumented })
    },
    acknowledge: async (_, handled) => ({
      status: handled.ok ? 204 : 401,
      contentType: '',
      body: '',
    }),
  },
}

let shop: Shop
let deps: Deps
beforeAll(async () => {
  shop = await openShop()
  const real = createInstance(shop.world.env).deps
  deps = {
    ...real,
    account: { ...real.account, protocol: 'v0' },
    gateway: createGateways({ v0: async () => v0 }),
    notifications: createNotifications({ v0: async () => v0 }, () =>
      Promise.reject(new Error('nothing is pushed here')),
    ),
  }
})
afterAll(() => shop.close())

test('takes a payment from prepay to a settled notification', async () => {
  const merchant = { kind: 'merchant' } as const
  const { order } = must(
    await placePriced(
      deps,
      { openid: openOrder.openid, totalFee: fen(2800), body: { sent: 'latte', shown: 'latte' } },
      { idempotencyKey: null, clientIp: '203.0.113.7', newNumber: newNumber(deps) },
    ),
  )
  const { outTradeNo, account } = order
  expect(account.protocol).toBe('v0')
  expect(must(await prepay(deps, merchant, outTradeNo))).toMatchObject({
    package: `prepay_id=v0-${outTradeNo}`,
    signType: 'V0',
  })

  const send = async (secret: string) => {
    const head = { headers: new Headers({ 'x-v0-secret': secret }), query: new URLSearchParams() }
    const handled = await handleNotification(deps, { ...head, bytes: Buffer.from(outTradeNo) })
    return (await deps.notifications.acknowledge(head, handled)).status
  }
  expect(await send('a guess')).toBe(401)
  expect(await send(SECRET)).toBe(204)
  expect(must(await query(deps, merchant, { outTradeNo }))).toMatchObject({
    tradeState: 'SUCCESS',
    transactionId: 'v0payment',
    account: { protocol: 'v0' },
  })
})

test('an order of a protocol without settings is refused by name, and nothing is sent', async () => {
  const gateway = createGateways({ v0: async () => v0 })({ ...deps.account, protocol: 'v9' })
  expect(await gateway.queryOrder(openOrder)).toMatchObject({
    ok: false,
    error: { reason: 'not_configured', fault: expect.stringContaining('v9') },
  })
})
