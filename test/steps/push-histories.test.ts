/**
 * Random histories of message push: pushes are lost, doubled, forged and out of order. An order
 * never shows more than WeChat's own order, and in the end it shows the same.
 */
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { Fault } from '../../dev/wechat/faults.ts'
import { openShop, type Sale, type Shop } from '../support/shop.ts'
import { listenToLog } from './log-lines.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** WeChat's numbers of an order's state. */
const CONFIRMED = [3, 4, 6]
const SETTLED = [4]

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())
afterEach(() => {
  vi.restoreAllMocks()
  shop.wechat.clearFaults()
})

async function shipped(): Promise<Sale> {
  const sale = await shop.sell()
  const { status } = await shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: {
      outTradeNo: sale.outTradeNo,
      logisticsType: 'self_pickup',
      items: [{ itemDesc: '拿铁' }],
    },
  })
  expect(status).toBe(200)
  return sale
}

const stateAtWechat = ({ outTradeNo }: Sale): number =>
  shop.wechat.shipments().find((shipment) => shipment.outTradeNo === outTradeNo)?.orderState ?? 0

const forgeries = ['tamper', 'wrong-key', 'unsigned', 'wrong-appid', 'bad-padding'] as const
const pushFaults = [
  'drop',
  'lose-answer',
  'repeat',
  'reorder',
  'no-settlement',
  ...forgeries,
] as const
type Kind = (typeof pushFaults)[number]

type Action =
  | { readonly do: 'confirm' }
  | { readonly do: 'pass'; readonly hours: number }
  | { readonly do: 'deliver'; readonly faults: readonly Kind[] }
  | { readonly do: 'forge'; readonly fault: Kind | null }

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('confirm') }),
  fc.record({ do: fc.constant('pass'), hours: fc.constantFrom(1, 12, 24, 240) }),
  fc.record({
    do: fc.constant('deliver'),
    faults: fc.array(fc.constantFrom(...pushFaults), { maxLength: 2 }),
  }),
  fc.record({
    do: fc.constant('forge'),
    fault: fc.option(fc.constantFrom(...forgeries)),
  }),
)

const toFault = (kind: Kind): Fault =>
  kind === 'repeat'
    ? { on: 'push', do: kind, copies: 3, times: 1 }
    : { on: 'push', do: kind, times: 1 }

async function play(sale: Sale, step: Action): Promise<void> {
  switch (step.do) {
    case 'confirm':
      if (stateAtWechat(sale) === 2) shop.wechat.confirmReceipt(sale.outTradeNo)
      return
    case 'pass':
      shop.advance(step.hours * HOUR_MS)
      return
    case 'deliver':
      for (const fault of step.faults) shop.wechat.misbehave(toFault(fault))
      await shop.deliverNotifications()
      shop.wechat.clearFaults()
      return
    case 'forge': {
      const written = shop.wechat.writePush(
        {
          MsgType: 'event',
          Event: 'trade_manage_order_settlement',
          CreateTime: Math.floor(Date.now() / 1000),
          transaction_id: sale.transactionId,
          merchant_trade_no: sale.outTradeNo,
          confirm_receive_time: 1,
          settlement_time: 1,
        },
        step.fault === null ? null : toFault(step.fault),
      )
      const { pathname, search } = new URL(written.url)
      const { headers, body } = written
      await shop.call('POST', pathname + search, { headers: { ...headers }, body })
      await shop.world.settled()
    }
  }
}

const settledEvents = ({ outTradeNo }: Sale) =>
  shop.world.events.filter(
    ({ body }) => body.includes('"order.settled"') && body.includes(outTradeNo),
  ).length

test('no history of pushes makes an order show more than WeChat confirms, and none loses its settlement', async () => {
  listenToLog()
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 12 }), async (actions) => {
      const sale = await shipped()
      for (const step of actions) {
        await play(sale, step)
        const ask = () => shop.query(shop.merchantKey, sale.outTradeNo)
        let order = await ask()
        // The query may have started work that settles the order and sends the event.
        await shop.world.settled()
        if (settledEvents(sale) > 0) order = await ask()
        const state = stateAtWechat(sale)
        if ('confirmedAt' in order) expect(CONFIRMED).toContain(state)
        if ('settledAt' in order) expect(SETTLED).toContain(state)
        expect(settledEvents(sale)).toBe('settledAt' in order ? 1 : 0)
      }
      shop.advance(20 * DAY_MS)
      await shop.cron()
      expect(await shop.query(shop.merchantKey, sale.outTradeNo)).toMatchObject({
        settledAt: expect.any(String),
      })
      expect(settledEvents(sale)).toBe(1)
    }),
    { numRuns: 12 },
  )
})
