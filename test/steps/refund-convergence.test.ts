/**
 * Random histories of our refunds and refunds in the merchant console, with lost answers, refusals
 * and lost notifications. In the end cron brings the ledger in line with WeChat's refunds, and no
 * refund waits.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { paidOrder } from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

/** Set both in the environment to replay a failure or to search longer. */
const RUNS = Number(process.env['HISTORY_RUNS'] ?? 8)
const SEED = Number(process.env['HISTORY_SEED'] ?? Date.now() % 2 ** 31)
const TOTAL = 2800

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
})
afterAll(() => shop.close())

type Action =
  | { readonly do: 'ours'; readonly name: string; readonly fee: number }
  | { readonly do: 'console'; readonly fee: number; readonly reported: 'reported' | 'unreported' }
  | {
      readonly do: 'answer'
      readonly is:
        | 'lost'
        | 'dropped'
        | 'garbled'
        | 'BIZERR_NEED_RETRY'
        | 'ERROR'
        | 'A_CODE_NOBODY_KNOWS'
    }
  | { readonly do: 'query'; readonly is: 'lost' | 'dropped' }
  | { readonly do: 'end as closed' | 'notifications' | 'drop notifications' | 'cron' }
  | { readonly do: 'balance'; readonly fen: number | null }
  | { readonly do: 'time passes'; readonly seconds: number }

const fee = fc.constantFrom(300, 900, 1000, 1500, TOTAL)
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('ours' as const),
      name: fc.constantFrom('a', 'b', 'c'),
      fee,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('console' as const),
      fee,
      reported: fc.constantFrom('reported' as const, 'unreported' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      is: fc.constantFrom(
        'lost',
        'dropped',
        'garbled',
        'BIZERR_NEED_RETRY',
        'ERROR',
        'A_CODE_NOBODY_KNOWS',
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('query' as const),
      is: fc.constantFrom('lost' as const, 'dropped' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end as closed' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('notifications' as const, 'drop notifications' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cron' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('balance' as const),
      fen: fc.constantFrom(0, 1000, null),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('time passes' as const),
      seconds: fc.constantFrom(1, 4, 60, 900, 20_000),
    }),
  },
)

async function act(order: string, one: Action): Promise<void> {
  switch (one.do) {
    case 'ours': {
      const body = { outTradeNo: order, outRefundNo: `${order}-${one.name}`, refundFee: one.fee }
      await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
      return shop.world.settled()
    }
    case 'console':
      try {
        shop.wechat.refundInConsole(order, one.fee, one.reported)
      } catch (error) {
        // The console refuses what the API refuses.
        if (!(error instanceof TypeError)) throw error
      }
      return
    case 'answer':
      if (one.is === 'lost')
        return shop.wechat.misbehave({ on: 'refund', do: 'lose-answer', times: 1 })
      if (one.is === 'dropped') return shop.wechat.misbehave({ on: 'refund', do: 'drop', times: 1 })
      if (one.is === 'garbled')
        return shop.wechat.misbehave({ on: 'refund', do: 'garble', times: 1 })
      return shop.wechat.misbehave({ on: 'refund', do: 'err-code', errCode: one.is, times: 1 })
    case 'query':
      return shop.wechat.misbehave({
        on: 'refundquery',
        do: one.is === 'lost' ? 'lose-answer' : 'drop',
        times: 1,
      })
    case 'end as closed':
      return shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'REFUNDCLOSE', times: 1 })
    case 'drop notifications':
      return shop.wechat.misbehave({ on: 'notify', do: 'drop', times: 2 })
    case 'notifications':
      return void (await shop.deliverNotifications())
    case 'cron':
      return void (await shop.cron())
    case 'balance':
      return shop.wechat.setBalance(one.fen)
    case 'time passes':
      return shop.advance(one.seconds * 1_000)
  }
}

/** At all times the amounts of the order equal the sums of its refunds. */
async function checkSums(order: string): Promise<void> {
  const [row] = await shop.sql(
    `select o.claimed_fee as claimed, coalesce(sum(r.refund_fee) filter (where r.refund_status <> 'REFUNDCLOSE'), 0)::integer as held,
       o.refunded_fee as refunded, coalesce(sum(r.refund_fee) filter (where r.refund_status = 'SUCCESS'), 0)::integer as given
     from orders o left join refunds r using (out_trade_no) where out_trade_no = $1 group by 1, 3`,
    [order],
  )
  expect([row?.['claimed'], row?.['refunded']], 'the order and its refunds add up').toEqual([
    row?.['held'],
    row?.['given'],
  ])
}

test(
  'after any history of refunds the ledger agrees with WeChat, and no refund waits',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { minLength: 4, maxLength: 14 }),
        fc.boolean(),
        async (actions, areNotificationsLost) => {
          const order = await paidOrder(shop)
          for (const one of actions) {
            await act(order, one)
            await checkSums(order)
          }
          shop.wechat.clearFaults()
          shop.wechat.setBalance(null)
          if (areNotificationsLost) shop.wechat.misbehave({ on: 'notify', do: 'drop' })
          // Run until the bill of the last day is compared, because only the bill reveals an
          // unreported refund.
          for (let rounds = 0; rounds < 8; rounds += 1) {
            shop.advance(8 * 3_600_000)
            await shop.deliverNotifications()
            await shop.cron()
          }
          shop.wechat.clearFaults()
          await checkSums(order)
          const made = shop.wechat.refunds().filter(({ outTradeNo }) => outTradeNo === order)
          const given = made.filter(({ refundStatus }) => refundStatus === 'SUCCESS')
          const [row] = await shop.sql(
            `select trade_state as state, refunded_fee as refunded, claimed_fee as claimed,
           (select count(*) from refunds r where r.out_trade_no = o.out_trade_no and (refund_status in ('PROCESSING', 'CHANGE') or next_attempt_at is not null))::integer as waiting,
           (select coalesce(array_agg(out_refund_no order by out_refund_no), '{}') from refunds r where r.out_trade_no = o.out_trade_no and refund_status = 'SUCCESS') as given,
           (select count(*) from events e where e.out_trade_no = o.out_trade_no and e.type = 'refund.succeeded')::integer as events
         from orders o where out_trade_no = $1`,
            [order],
          )
          const refundedFee = given.reduce((sum, { refundFee }) => sum + refundFee, 0)
          expect(row).toEqual({
            state: made.length === 0 ? 'SUCCESS' : 'REFUND',
            refunded: refundedFee,
            claimed: refundedFee,
            waiting: 0,
            given: given.map(({ outRefundNo }) => outRefundNo).toSorted(),
            events: given.length,
          })
        },
      ),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    )
    expect(
      shop.wechat.refunds().length,
      'histories with too few refunds prove nothing',
    ).toBeGreaterThan(RUNS / 2)
  },
  RUNS * 8_000,
)
