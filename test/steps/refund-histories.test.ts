/**
 * Random histories of refunds while WeChat, the network, the database, Redis and the clock fail. A
 * small model checks each answer, and after every step no order may have more refunded than was
 * paid. Then the faults end, notifications and cron run until nothing is left to do, and WeChat and
 * the ledger must agree.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'

/** Set both in the environment to replay a failure or to search longer. */
const RUNS = Number(process.env['HISTORY_RUNS'] ?? 8)
const SEED = Number(process.env['HISTORY_SEED'] ?? Date.now() % 2 ** 31)

let shop: Shop
let token = ''
/**
 * On real servers only: on the embedded ones `test/simulation/` searches further, with its own
 * clock.
 */
const isReal = process.env['TEST_DATABASE_URL'] !== undefined
beforeAll(async () => {
  if (!isReal) return
  shop = await openShop()
  // So that orders that are not shipped send no events.
  shop.wechat.changeSettings({ tradeManaged: false })
  await shop.wechat.stop()
  token = await shop.logIn()
})
afterAll(() => (isReal ? shop.close() : undefined))

type Action =
  | { readonly do: 'refund'; readonly order: number; readonly name: string; readonly fee: number }
  | { readonly do: 'query'; readonly order: number; readonly name: string }
  | {
      readonly do: 'console'
      readonly order: number
      readonly fee: number
      readonly reported: 'reported' | 'unreported'
    }
  | {
      readonly do: 'notifications'
      readonly fault: 'none' | 'drop' | 'lose-answer' | 'copies' | 'reorder' | 'tamper'
    }
  | { readonly do: 'cron' }
  | { readonly do: 'time passes'; readonly seconds: number }
  | { readonly do: 'database' | 'redis'; readonly is: 'down' | 'losing answers' | 'up' }
  | {
      readonly do: 'wechat'
      readonly is:
        | 'drop'
        | 'lose-answer'
        | 'html'
        | 'wrong-key'
        | 'NOTENOUGH'
        | 'SYSTEMERROR'
        | 'ERROR'
        | 'A_CODE_OF_TOMORROW'
        | 'up'
    }
  | { readonly do: 'ends as'; readonly status: 'CHANGE' | 'REFUNDCLOSE' }
  | { readonly do: 'together'; readonly actions: readonly Action[] }

const order = fc.constantFrom(0, 0, 0, 1)
/** Few names, so that refund numbers repeat, sometimes with another amount. */
const name = fc.constantFrom('a', 'a', 'b', 'c', 'd', 'e', 'f')
const fee = fc.constantFrom(400, 700, 700, 1000, 1000, 1500, 2800)
const step: fc.Arbitrary<Action> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ do: fc.constant('refund'), order, name, fee }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('query'), order, name }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('console'),
      order,
      fee,
      reported: fc.constantFrom('reported', 'unreported'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('notifications'),
      fault: fc.constantFrom(
        'none',
        'none',
        'none',
        'drop',
        'lose-answer',
        'copies',
        'reorder',
        'tamper',
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('cron') }) },
)
const turn: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('time passes'),
      seconds: fc.constantFrom(1, 3, 15, 60, 600),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('database', 'redis'),
      is: fc.constantFrom('down', 'losing answers', 'up', 'up'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wechat'),
      is: fc.constantFrom(
        'drop',
        'lose-answer',
        'html',
        'wrong-key',
        'NOTENOUGH',
        'SYSTEMERROR',
        'ERROR',
        'A_CODE_OF_TOMORROW',
        'up',
        'up',
        'up',
        'up',
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('ends as'),
      status: fc.constantFrom('CHANGE', 'REFUNDCLOSE'),
    }),
  },
)
const together: fc.Arbitrary<Action> = fc.record({
  do: fc.constant('together'),
  actions: fc.array(fc.oneof({ weight: 6, arbitrary: step }, { weight: 1, arbitrary: turn }), {
    minLength: 2,
    maxLength: 5,
  }),
})
const history = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: step },
    { weight: 4, arbitrary: turn },
    { weight: 3, arbitrary: together },
  ),
  {
    minLength: 25,
    maxLength: 25,
    size: 'max',
  },
)

/** The answers that the contract allows under any fault. */
const ALLOWED = new Set(
  '200 |202 |404 refund_not_found|409 refund_conflict|409 refund_too_much|409 refund_refused|502 wechat_untrusted|503 wechat_unknown|503 unavailable'.split(
    '|',
  ),
)

class RefundModel {
  readonly problems: string[] = []
  readonly #orders: readonly string[]
  /** The first accepted amount of each refund number, which never changes. */
  readonly #accepted = new Map<string, number>()

  constructor(orders: readonly string[]) {
    this.#orders = orders
  }

  numberOf = (action: { order: number; name: string }): string =>
    `${this.#orders[action.order] ?? ''}-${action.name}`
  note = (text: string): void => void this.problems.push(text)

  async do(action: Action): Promise<void> {
    const { faults } = shop.world
    switch (action.do) {
      case 'refund': {
        const body = {
          outTradeNo: this.#orders[action.order],
          outRefundNo: this.numberOf(action),
          refundFee: action.fee,
        }
        const { status, json } = await shop.call('POST', '/api/refund', {
          token: shop.merchantKey,
          body,
        })
        this.#judge('refund', status, json['code'])
        if (status !== 202) return
        const accepted = this.#accepted.get(body.outRefundNo) ?? action.fee
        this.#accepted.set(body.outRefundNo, accepted)
        if (json['refundFee'] !== action.fee || accepted !== action.fee)
          this.note(`${body.outRefundNo} was accepted for ${accepted}, then for ${action.fee}`)
        return
      }
      case 'query': {
        const { status, json } = await shop.call(
          'GET',
          `/api/refund?outRefundNo=${this.numberOf(action)}`,
          { token: shop.merchantKey },
        )
        return this.#judge('query', status, json['code'])
      }
      case 'console':
        try {
          shop.wechat.refundInConsole(this.#orders[action.order] ?? '', action.fee, action.reported)
        } catch (error) {
          // The console refuses what the API refuses.
          if (!(error instanceof TypeError)) throw error
        }
        return
      case 'cron': {
        const { status, json } = await shop.call('GET', '/api/cron', { token: shop.cronSecret })
        return this.#judge('cron', status, json['code'])
      }
      case 'notifications': {
        if (action.fault === 'copies')
          shop.wechat.misbehave({ on: 'notify', do: 'repeat', copies: 5, times: 1 })
        else if (action.fault === 'reorder' || action.fault === 'tamper')
          shop.wechat.misbehave({ on: 'notify', do: action.fault, times: 1 })
        else if (action.fault !== 'none')
          shop.wechat.misbehave({ on: 'notify', do: action.fault, times: 1 })
        return void (await shop.wechat.tick())
      }
      case 'time passes':
        return shop.advance(action.seconds * 1_000)
      case 'database':
      case 'redis':
        faults[action.do].up()
        if (action.is === 'down') faults[action.do].down()
        if (action.is === 'losing answers') faults[action.do].loseAnswers()
        return
      case 'wechat':
        shop.wechat.clearFaults()
        for (const on of ['refund', 'refundquery'] as const) {
          if (action.is === 'up') continue
          if (action.is === 'drop' || action.is === 'lose-answer' || action.is === 'html')
            shop.wechat.misbehave({ on, do: action.is })
          else if (action.is === 'wrong-key') shop.wechat.misbehave({ on, do: action.is })
          else if (on === 'refund')
            shop.wechat.misbehave({ on, do: 'err-code', errCode: action.is })
        }
        return
      case 'ends as':
        return shop.wechat.misbehave({
          on: 'refund',
          do: 'end-as',
          status: action.status,
          times: 1,
        })
      case 'together':
        await Promise.all(action.actions.map((one) => this.do(one)))
    }
  }

  #judge(what: string, status: number, code: unknown): void {
    const answer = `${status} ${typeof code === 'string' ? code : ''}`
    if (!ALLOWED.has(answer)) this.note(`${what}: ${answer}`)
  }

  /** At all times WeChat has one refund for each number, and no more refunded than was paid. */
  checkWechat(): void {
    for (const outTradeNo of this.#orders) {
      const made = shop.wechat.refunds().filter((refund) => refund.outTradeNo === outTradeNo)
      const total = made
        .filter((refund) => refund.refundStatus !== 'REFUNDCLOSE')
        .reduce((sum, { refundFee }) => sum + refundFee, 0)
      if (total > 2800) this.note(`${outTradeNo}: ${total} refunded of 2800`)
      if (new Set(made.map(({ outRefundNo }) => outRefundNo)).size !== made.length)
        this.note(`${outTradeNo}: one number was refunded twice`)
      for (const { outRefundNo, refundFee } of made)
        if ((this.#accepted.get(outRefundNo) ?? refundFee) !== refundFee)
          this.note(`${outRefundNo}: ${refundFee} at WeChat`)
    }
  }

  /** In the end the ledger holds exactly the refunds that WeChat made. */
  async checkLedger(): Promise<void> {
    for (const outTradeNo of this.#orders) {
      const made = shop.wechat.refunds().filter((refund) => refund.outTradeNo === outTradeNo)
      const sumOf = (...states: string[]) =>
        made
          .filter(({ refundStatus }) => states.includes(refundStatus))
          .reduce((sum, { refundFee }) => sum + refundFee, 0)
      const [row] = await shop.sql(
        `select trade_state as state, claimed_fee as claimed, refunded_fee as refunded,
           (select coalesce(jsonb_object_agg(out_refund_no, refund_status), '{}') from refunds r where r.out_trade_no = o.out_trade_no and refund_id is not null) as refunds,
           (select coalesce(jsonb_object_agg(out_refund_no, refund_status), '{}') from refunds r where r.out_trade_no = o.out_trade_no and refund_id is null) as refused,
           (select coalesce(jsonb_object_agg(no, types), '{}') from (select data->>'outRefundNo' as no, string_agg(type, ' ' order by seq) as types
              from events e where e.out_trade_no = o.out_trade_no and type like 'refund%' group by 1) t) as events,
           (select count(*)::integer from events e where e.out_trade_no = o.out_trade_no and type = 'order.paid') as paid,
           (select count(*)::integer from events e where e.out_trade_no = o.out_trade_no and delivered_at is null) as undelivered
         from orders o where out_trade_no = $1`,
        [outTradeNo],
      )
      const eventOf = {
        SUCCESS: 'refund.succeeded',
        REFUNDCLOSE: 'refund.failed',
        CHANGE: 'refund.needs_attention',
        PROCESSING: '',
      } as const
      // Refunds that WeChat never made, because too little was left for them.
      const refused = Object.keys(row?.['refused'] ?? {})
      // A refund in CHANGE waits for manual action in the console, and refunds that need its amount
      // wait for it.
      if (
        made.some(({ refundStatus }) => refundStatus === 'CHANGE') &&
        JSON.stringify(row).includes('PROCESSING')
      )
        continue
      expect(row).toEqual({
        state: made.length === 0 ? 'SUCCESS' : 'REFUND',
        claimed: sumOf('SUCCESS', 'CHANGE'),
        refunded: sumOf('SUCCESS'),
        refunds: Object.fromEntries(
          made.map(({ outRefundNo, refundStatus }) => [outRefundNo, refundStatus]),
        ),
        refused: Object.fromEntries(refused.map((number) => [number, 'REFUNDCLOSE'])),
        events: Object.fromEntries([
          ...made.map(({ outRefundNo, refundStatus }) => [outRefundNo, eventOf[refundStatus]]),
          ...refused.map((number) => [number, 'refund.failed']),
        ]),
        paid: 1,
        undelivered: 0,
      })
    }
  }
}

async function paidOrder(): Promise<string> {
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  await shop.deliverNotifications()
  return outTradeNo
}

/** Six days. Notifications repeat for one day, and events are retried for three. */
const MOST_ROUNDS = 48

/** Ends the faults, then runs notifications and cron until nothing is left to do. */
async function runUntilIdle(notificationsAreLost: boolean): Promise<void> {
  shop.world.faults.database.up()
  shop.world.faults.redis.up()
  shop.wechat.clearFaults()
  if (notificationsAreLost) shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  // Run for at least two days, because only the bill reveals an unreported refund.
  for (
    let [left, rounds] = [1, 0];
    rounds < MOST_ROUNDS && (left > 0 || rounds < 16);
    rounds += 1
  ) {
    shop.advance(3 * 3_600_000)
    await shop.deliverNotifications()
    await shop.cron()
    const [row] =
      await shop.sql(`select (select count(*) from refunds r where (refund_status = 'PROCESSING' or (refund_status = 'REFUNDCLOSE' and next_attempt_at is not null))
        and not exists (select from refunds c where c.out_trade_no = r.out_trade_no and c.refund_status = 'CHANGE'))::integer
      + (select count(*) from events where delivered_at is null)::integer as left`)
    left =
      Number(row?.['left']) +
      shop.wechat.notifications().filter(({ nextDueAt }) => nextDueAt !== null).length
  }
  shop.wechat.clearFaults()
}

test.runIf(isReal)(
  'in any history no order is refunded beyond its payment, and the ledger and WeChat agree in the end',
  async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.boolean(), async (actions, notificationsAreLost) => {
        token = await shop.logIn()
        const model = new RefundModel([await paidOrder(), await paidOrder()])
        for (const action of actions) {
          await model.do(action)
          await shop.world.settled()
          model.checkWechat()
        }
        await runUntilIdle(notificationsAreLost)
        model.checkWechat()
        expect(model.problems).toEqual([])
        await model.checkLedger()
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    )
    const made = shop.wechat.refunds().filter(({ refundStatus }) => refundStatus === 'SUCCESS')
    expect(made.length, 'histories with too few refunds prove nothing').toBeGreaterThan(RUNS)
  },
  RUNS * 15_000,
)
