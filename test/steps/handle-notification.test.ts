/**
 * Which calls `handleNotification` makes, in which order, and what it answers. All ports are fakes.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Confirmation } from '../../lib/core/confirmation.ts'
import type { Failure } from '../../lib/core/failure.ts'
import { Unavailable } from '../../lib/core/failure.ts'
import { parseOutRefundNo } from '../../lib/core/ids.ts'
import { err, ok } from '../../lib/core/result.ts'
import type {
  Cache,
  Clock,
  Deps,
  Ledger,
  Notification,
  Refunds,
  Notifications,
  PayGateway,
} from '../../lib/ports.ts'
import { handleNotification } from '../../lib/steps/handle-notification.ts'
import { fen, openOrder, paidOrder, theConfirmation } from '../support/latte.ts'
import { must } from '../support/must.ts'
import { only } from '../support/only.ts'

const notification = Buffer.from('<xml>the notification</xml>')
const LOCK = { name: 'notification:LATTE-000001', token: 'ours' }

/** Every call to a port, in order. */
let calls: string[]
let logOrders: string[]
let background: (() => Promise<unknown>)[]
beforeEach(() => {
  calls = []
  logOrders = []
  background = []
})

interface Situation {
  readonly notification?: Awaited<ReturnType<Notifications['read']>>
  readonly lock?: Awaited<ReturnType<Cache['lockNotification']>>
  /** The ledger's result of the first and later reads. */
  readonly finds?: readonly (Awaited<ReturnType<Ledger['find']>> | Error)[]
  /** WeChat's answer to the query of the order. */
  readonly says?: Awaited<ReturnType<PayGateway['queryOrder']>>
}

async function handle(situation: Situation) {
  const finds = [...(situation.finds ?? [openOrder])]
  const deps = only<Deps>({
    autoShipping: null,
    log: ({ event, detail }) => {
      if (event === 'notice_unknown') calls.push(`log ${event} ${detail}`)
    },
    setLogOrder: (outTradeNo) => void logOrders.push(outTradeNo),
    waitUntil: (work) => void background.push(work),
    clock: only<Clock>({
      now: () => new Date('2025-01-01T19:05:02Z'),
      sleep: async (ms) => void calls.push(`sleep ${ms}`),
    }),
    notifications: only<Notifications>({
      read: async ({ bytes }) =>
        bytes === notification
          ? (situation.notification ?? paid())
          : err({ reason: 'internal_error' }),
    }),
    gateway: () =>
      only<PayGateway>({
        queryOrder: async ({ outTradeNo }) => {
          calls.push(`ask ${JSON.stringify({ outTradeNo })}`)
          return situation.says ?? err({ reason: 'wechat_unknown' })
        },
      }),
    cache: only<Cache>({
      lockNotification: async (outTradeNo) => {
        calls.push(`lock ${outTradeNo}`)
        return situation.lock ?? LOCK
      },
      release: async ({ name, token }) => void calls.push(`release ${name} ${token}`),
    }),
    ledger: only<Ledger>({
      find: async (order) => {
        calls.push(`find ${JSON.stringify(order)}`)
        const found = finds.length > 1 ? finds.shift() : finds[0]
        if (found instanceof Error) throw found
        return found ?? null
      },
      settle: async (order, { transactionId }, source) => {
        calls.push(`settle ${order.tradeState} ${transactionId} ${source}`)
        return { moved: false, order: paidOrder }
      },
      recordIncident: async ({ kind, outTradeNo, expected, source }) => {
        calls.push(`incident ${kind} ${outTradeNo} ${JSON.stringify(expected)} ${source}`)
      },
    }),
    outbox: only({}),
    webhook: null,
    refunds: only<Refunds>({
      find: async (outRefundNo) => {
        calls.push(`refund ${outRefundNo}`)
        return {
          payment: paidOrder,
          outRefundNo: must(parseOutRefundNo('R-1')),
          outTradeNo: openOrder.outTradeNo,
          refundFee: fen(2800),
          refundDesc: null,
          refundStatus: 'SUCCESS',
          refundId: '50300002502025010200000000001',
          errCode: null,
          errText: null,
          waitingSince: new Date('2025-01-01T19:10:00Z'),
          isParked: false,
          payoutRequestedAt: null,
        }
      },
    }),
  })
  return handleNotification(deps, {
    headers: new Headers(),
    query: new URLSearchParams(),
    bytes: notification,
  })
}
const paid = (
  changes: Partial<Confirmation> = {},
  doubtful: {
    protocol?: string
    attach?: string
    undocumented?: string
    mayAttachHideFields?: boolean
  } = {},
) =>
  ok<Notification>({
    kind: 'paid',
    protocol: 'v2',
    confirmation: { ...theConfirmation, ...changes },
    attach: null,
    undocumented: null,
    mayAttachHideFields: false,
    ...doubtful,
  })
/** Runs the background work and returns the calls it made. */
async function runBackground(): Promise<readonly string[]> {
  const before = calls.length
  for (const work of background) await work()
  return calls.slice(before)
}

const TAKEN = { ok: true, value: 'taken' }
const contradicts = (field: string) => ({
  ok: false,
  error: { reason: 'notice_contradicts', field },
})
const FIND = 'find {"outTradeNo":"LATTE-000001"}'
const SETTLE = 'settle NOTPAY 4200002500202501020000000001 notify'

describe('a notification that is no proof of the payment', () => {
  const ASK = 'ask {"outTradeNo":"LATTE-000001"}'
  const paidAtWechat = ok({ state: 'paid', confirmation: theConfirmation } as const)
  const doubtful = [
    ['has another protocol than the order', paid({}, { protocol: 'v3' })],
    ['has an undocumented field', paid({}, { undocumented: 'product_id' })],
    [
      'has an attach that differs from the order’s and hides a field',
      paid({}, { attach: 'x&product_id=1', mayAttachHideFields: true }),
    ],
  ] as const

  test.each(doubtful)(
    'because it %s settles the order once WeChat confirms it',
    async (_, message) => {
      expect(await handle({ notification: message, says: paidAtWechat })).toEqual(TAKEN)
      expect(calls).toEqual(['lock LATTE-000001', FIND, ASK, SETTLE])
    },
  )

  test.each(doubtful)(
    'because it %s settles nothing and is an incident if WeChat does not confirm it',
    async (_, message) => {
      expect(await handle({ notification: message, says: ok({ state: 'open' }) })).toEqual(
        contradicts('unconfirmed'),
      )
      expect(calls).toEqual([
        'lock LATTE-000001',
        FIND,
        ASK,
        'incident unconfirmed LATTE-000001 {"totalFee":2800,"feeType":"CNY","transactionId":null} notify',
      ])
    },
  )

  test.each(doubtful)(
    'because it %s is refused while WeChat does not answer',
    async (_, message) => {
      expect(await handle({ notification: message })).toEqual({
        ok: false,
        error: { reason: 'wechat_unknown' },
      })
      expect(calls).toEqual(['lock LATTE-000001', FIND, ASK])
    },
  )

  test('is an incident if the order’s account has no settings any more', async () => {
    const failure: Failure = {
      reason: 'not_configured',
      variable: 'WECHAT_PAY_KEY',
      fault: 'is not set',
    }
    const message = paid({}, { protocol: 'v3' })
    expect(await handle({ notification: message, says: err(failure) })).toEqual(
      contradicts('unconfirmed'),
    )
    expect(calls.at(-1)).toMatch(/^incident unconfirmed LATTE-000001 /)
  })

  test('and that names another payment than WeChat is an incident, and WeChat’s payment settles the order', async () => {
    const other = paid(
      { transactionId: '4200002500202501020000000009' },
      { undocumented: 'product_id' },
    )
    expect(await handle({ notification: other, says: paidAtWechat })).toEqual(
      contradicts('transaction'),
    )
    expect(calls.filter((line) => line.startsWith('settle'))).toEqual([SETTLE])
  })

  test('needs no query if it has the order’s own attach', async () => {
    const order = { ...openOrder, attach: 'store=1&src=mp' }
    expect(
      await handle({
        notification: paid({}, { attach: 'store=1&src=mp', mayAttachHideFields: true }),
        finds: [order],
      }),
    ).toEqual(TAKEN)
    expect(calls).toEqual(['lock LATTE-000001', FIND, SETTLE])
  })

  test('needs no query once the order is paid', async () => {
    expect(
      await handle({ notification: paid({}, { undocumented: 'product_id' }), finds: [paidOrder] }),
    ).toEqual(TAKEN)
    expect(calls).toEqual(['lock LATTE-000001', FIND])
  })
})

describe('a notification of a payment', () => {
  test('settles the order it names under the lock of that order, and is acknowledged', async () => {
    expect(await handle({})).toEqual(TAKEN)
    expect(calls).toEqual(['lock LATTE-000001', FIND, SETTLE])
  })

  test('is logged under the order it names', async () => {
    await handle({})
    expect(logOrders).toEqual(['LATTE-000001'])
  })

  test('lets its lock expire once the order is paid, because no copy waits for it then', async () => {
    await handle({})
    expect(await runBackground()).toEqual([])
  })

  test('that contradicts the order releases its own lock after the answer', async () => {
    await handle({ notification: paid({ totalFee: fen(1) }) })
    expect(await runBackground()).toEqual(['release notification:LATTE-000001 ours'])
  })

  test('that finds a copy in progress waits 250 ms, reads again and settles the order itself', async () => {
    expect(await handle({ lock: 'busy' })).toEqual(TAKEN)
    expect(calls).toEqual(['lock LATTE-000001', FIND, 'sleep 250', FIND, SETTLE])
  })

  test('that finds the order settled after that wait is acknowledged, and settles nothing twice', async () => {
    expect(await handle({ lock: 'busy', finds: [openOrder, paidOrder] })).toEqual(TAKEN)
    expect(calls).toEqual(['lock LATTE-000001', FIND, 'sleep 250', FIND])
  })

  test('that finds a copy in progress does not wait if the order is already paid', async () => {
    expect(await handle({ lock: 'busy', finds: [paidOrder] })).toEqual(TAKEN)
    expect(calls).toEqual(['lock LATTE-000001', FIND])
  })

  test.each(['busy', 'down'] as const)('that got no lock (%s) releases none', async (lock) => {
    await handle({ lock, notification: paid({ totalFee: fen(1) }) })
    expect(await runBackground()).toEqual([])
  })

  test('settles without a lock and without a wait when the cache is down', async () => {
    expect(await handle({ lock: 'down' })).toEqual(TAKEN)
    expect(calls).toEqual(['lock LATTE-000001', FIND, SETTLE])
  })

  test('of another amount is refused and becomes an incident', async () => {
    expect(await handle({ notification: paid({ totalFee: fen(1) }) })).toEqual(
      contradicts('amount'),
    )
    expect(calls).toEqual([
      'lock LATTE-000001',
      FIND,
      'incident amount LATTE-000001 {"totalFee":2800,"feeType":"CNY","transactionId":null} notify',
    ])
  })

  test('is refused when the database is down, and its lock is released', async () => {
    await expect(
      handle({ finds: [new Unavailable('database', null, 'no_answer')] }),
    ).rejects.toThrow('database is unavailable')
    expect(await runBackground()).toEqual(['release notification:LATTE-000001 ours'])
  })
})

describe('a notification of a payment for an unknown order', () => {
  test.each(['busy', LOCK] as const)(
    'becomes an incident and is refused, without waiting for a copy (lock %o)',
    async (lock) => {
      expect(await handle({ lock, finds: [null] })).toEqual(contradicts('order'))
      expect(calls).toEqual(['lock LATTE-000001', FIND, 'incident order LATTE-000001 {} notify'])
    },
  )

  test.each([
    { undocumented: 'product_id' },
    { attach: 'x&product_id=1', mayAttachHideFields: true },
  ])(
    'that is doubtful (%j) becomes an incident of an unconfirmed payment, and is refused',
    async (doubtful) => {
      expect(await handle({ notification: paid({}, doubtful), finds: [null] })).toEqual(
        contradicts('unconfirmed'),
      )
      expect(calls).toEqual([
        'lock LATTE-000001',
        FIND,
        'incident unconfirmed LATTE-000001 {} notify',
      ])
    },
  )

  test('releases its lock', async () => {
    await handle({ finds: [null] })
    expect(await runBackground()).toEqual(['release notification:LATTE-000001 ours'])
  })

  test('whose order number is invalid reaches neither lock, ledger nor the order of the log line', async () => {
    expect(await handle({ notification: paid({ outTradeNo: "x'; drop table orders" }) })).toEqual(
      contradicts('order'),
    )
    expect([calls, logOrders]).toEqual([["incident order x'; drop table orders {} notify"], []])
  })
})

describe('any other notification', () => {
  test('that could not be read is refused for the same reason, and calls nothing', async () => {
    const refused = err({ reason: 'notice_rejected', check: 'signature' } as const)
    expect(await handle({ notification: refused })).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'signature' },
    })
    expect([calls, background]).toEqual([[], []])
  })

  test('of a failed payment is acknowledged, and calls nothing', async () => {
    expect(await handle({ notification: ok<Notification>({ kind: 'not_paid' }) })).toEqual(TAKEN)
    expect([calls, background]).toEqual([[], []])
  })

  test('of a kind that is not handled here is acknowledged, and logged once', async () => {
    const unknown: Notification = { kind: 'unknown', name: 'COMPLAINT.CREATE' }
    expect(await handle({ notification: ok(unknown) })).toEqual(TAKEN)
    expect([calls, background]).toEqual([['log notice_unknown COMPLAINT.CREATE'], []])
  })

  test('of a refund is handled as a refund, and settles no order', async () => {
    const refund: Notification = {
      kind: 'refund',
      protocol: 'v2',
      outTradeNo: 'LATTE-000001',
      outRefundNo: 'R-1',
      refundStatus: 'SUCCESS',
    }
    expect(await handle({ notification: ok(refund) })).toEqual(TAKEN)
    expect(calls).toEqual(['refund R-1'])
  })
})
