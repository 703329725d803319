/** What `handleNotification` asks of lock and ledger, in which order, and what it answers. No world: each port is made by hand. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Confirmation } from '../../lib/core/confirmation.ts'
import { Unavailable } from '../../lib/core/failure.ts'
import { parseOutRefundNo } from '../../lib/core/ids.ts'
import { err, ok } from '../../lib/core/result.ts'
import type { Cache, Clock, Deps, Ledger, Notification, Refunds, Wechat } from '../../lib/ports.ts'
import { handleNotification } from '../../lib/steps/handle-notification.ts'
import { fen, openOrder, paidOrder, theConfirmation } from '../support/latte.ts'
import { must } from '../support/must.ts'
import { only } from '../support/only.ts'

const notification = Buffer.from('<xml>the notification</xml>')
const LOCK = { name: 'notice:LATTE-000001', token: 'ours' }

/** Everything asked of the world, in the order it was asked. */
let asked: string[]
let about: string[]
let works: (() => Promise<unknown>)[]
beforeEach(() => {
  asked = []
  about = []
  works = []
})

interface Situation {
  readonly notification?: ReturnType<Wechat['readNotification']>
  readonly lock?: Awaited<ReturnType<Cache['lockNotification']>>
  /** What the ledger finds, the first time and the next. */
  readonly finds?: readonly (Awaited<ReturnType<Ledger['find']>> | Error)[]
  /** What WeChat says when it is asked about the order. */
  readonly says?: Awaited<ReturnType<Wechat['askOrder']>>
}

async function take(situation: Situation) {
  const finds = [...(situation.finds ?? [openOrder])]
  const deps = only<Deps>({
    autoShipping: null,
    log: () => {},
    setLogOrder: (outTradeNo) => void about.push(outTradeNo),
    waitUntil: (work) => void works.push(work),
    clock: only<Clock>({
      now: () => new Date('2025-01-01T19:05:02Z'),
      sleep: async (ms) => void asked.push(`sleep ${ms}`),
    }),
    wechat: only<Wechat>({
      readNotification: (bytes) =>
        bytes === notification
          ? (situation.notification ?? paid())
          : err({ reason: 'internal_error' }),
      askOrder: async (order) => {
        asked.push(`ask ${JSON.stringify(order)}`)
        return situation.says ?? err({ reason: 'wechat_unknown' })
      },
    }),
    cache: only<Cache>({
      lockNotification: async (outTradeNo) => {
        asked.push(`lock ${outTradeNo}`)
        return situation.lock ?? LOCK
      },
      release: async ({ name, token }) => void asked.push(`release ${name} ${token}`),
    }),
    ledger: only<Ledger>({
      find: async (order) => {
        asked.push(`find ${JSON.stringify(order)}`)
        const found = finds.length > 1 ? finds.shift() : finds[0]
        if (found instanceof Error) throw found
        return found ?? null
      },
      settle: async (order, { transactionId }, source) => {
        asked.push(`settle ${order.tradeState} ${transactionId} ${source}`)
        return { moved: false, order: paidOrder }
      },
      recordIncident: async ({ kind, outTradeNo, expected, source }) => {
        asked.push(`incident ${kind} ${outTradeNo} ${JSON.stringify(expected)} ${source}`)
      },
    }),
    outbox: only({}),
    webhook: null,
    refunds: only<Refunds>({
      find: async (outRefundNo) => {
        asked.push(`refund ${outRefundNo}`)
        return {
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
        }
      },
    }),
  })
  return handleNotification(deps, notification)
}
const paid = (
  changes: Partial<Confirmation> = {},
  doubtful: {
    attach?: string
    undocumented?: string
    mayAttachHideFields?: boolean
  } = {},
) =>
  ok<Notification>({
    kind: 'paid',
    confirmation: { ...theConfirmation, ...changes },
    attach: null,
    undocumented: null,
    mayAttachHideFields: false,
    ...doubtful,
  })
/** What is left for later, done; what that asked of the world. */
async function afterwards(): Promise<readonly string[]> {
  const before = asked.length
  for (const work of works) await work()
  return asked.slice(before)
}

const TAKEN = { ok: true, value: 'taken' }
const contradicts = (field: string) => ({
  ok: false,
  error: { reason: 'notice_contradicts', field },
})
const FIND = 'find {"outTradeNo":"LATTE-000001"}'
const SETTLE = 'settle NOTPAY 4200002500202501020000000001 notify'

describe('a notification that could be the text of another product, cut anew', () => {
  const ASK = 'ask {"outTradeNo":"LATTE-000001"}'
  const paidAtWechat = ok({ state: 'paid', confirmation: theConfirmation } as const)
  const doubtful = [
    ['has a field that no documented notification has', paid({}, { undocumented: 'product_id' })],
    [
      'has an attach that is not the order’s and hides a field',
      paid({}, { attach: 'x&product_id=1', mayAttachHideFields: true }),
    ],
  ] as const

  test.each(doubtful)('because it %s counts once WeChat confirms it', async (_, message) => {
    expect(await take({ notification: message, says: paidAtWechat })).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND, ASK, SETTLE])
  })

  test.each(doubtful)(
    'because it %s pays nothing when WeChat does not confirm it, and is kept for a person',
    async (_, message) => {
      expect(await take({ notification: message, says: ok({ state: 'open' }) })).toEqual(
        contradicts('unconfirmed'),
      )
      expect(asked).toEqual([
        'lock LATTE-000001',
        FIND,
        ASK,
        'incident unconfirmed LATTE-000001 {"totalFee":2800,"feeType":"CNY","transactionId":null} notify',
      ])
    },
  )

  test.each(doubtful)(
    'because it %s is refused while WeChat gives no answer',
    async (_, message) => {
      expect(await take({ notification: message })).toEqual({
        ok: false,
        error: { reason: 'wechat_unknown' },
      })
      expect(asked).toEqual(['lock LATTE-000001', FIND, ASK])
    },
  )

  test('and names another payment than WeChat does is an incident, and WeChat’s payment pays', async () => {
    const other = paid(
      { transactionId: '4200002500202501020000000009' },
      { undocumented: 'product_id' },
    )
    expect(await take({ notification: other, says: paidAtWechat })).toEqual(
      contradicts('transaction'),
    )
    expect(asked.filter((line) => line.startsWith('settle'))).toEqual([SETTLE])
  })

  test('is not asked about when it has the order’s own attach', async () => {
    const order = { ...openOrder, attach: 'store=1&src=mp' }
    expect(
      await take({
        notification: paid({}, { attach: 'store=1&src=mp', mayAttachHideFields: true }),
        finds: [order],
      }),
    ).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND, SETTLE])
  })

  test('is not asked about once the order is paid', async () => {
    expect(
      await take({ notification: paid({}, { undocumented: 'product_id' }), finds: [paidOrder] }),
    ).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND])
  })
})

describe('a notification of a payment', () => {
  test('settles the order it names under the lock of that order, and is taken', async () => {
    expect(await take({})).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND, SETTLE])
  })

  test('is logged under the order it names', async () => {
    await take({})
    expect(about).toEqual(['LATTE-000001'])
  })

  test('leaves its lock to run out once the order is paid, for nobody waits for it then', async () => {
    await take({})
    expect(await afterwards()).toEqual([])
  })

  test('that contradicts the order gives its lock back once WeChat has its answer, and only its own', async () => {
    await take({ notification: paid({ totalFee: fen(1) }) })
    expect(await afterwards()).toEqual(['release notice:LATTE-000001 ours'])
  })

  test('that finds a copy at work gives it a quarter of a second, looks again and settles by itself', async () => {
    expect(await take({ lock: 'busy' })).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND, 'sleep 250', FIND, SETTLE])
  })

  test('that finds the copy done after that moment is taken, and settles nothing twice', async () => {
    expect(await take({ lock: 'busy', finds: [openOrder, paidOrder] })).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND, 'sleep 250', FIND])
  })

  test('that finds a copy at work on an order that is paid does not wait for it', async () => {
    expect(await take({ lock: 'busy', finds: [paidOrder] })).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND])
  })

  test.each(['busy', 'down'] as const)('that got no lock (%s) gives none back', async (lock) => {
    await take({ lock, notification: paid({ totalFee: fen(1) }) })
    expect(await afterwards()).toEqual([])
  })

  test('settles without any lock when the cache is out of reach, and waits for nobody', async () => {
    expect(await take({ lock: 'down' })).toEqual(TAKEN)
    expect(asked).toEqual(['lock LATTE-000001', FIND, SETTLE])
  })

  test('of another amount is not taken, and is kept for a person', async () => {
    expect(await take({ notification: paid({ totalFee: fen(1) }) })).toEqual(contradicts('amount'))
    expect(asked).toEqual([
      'lock LATTE-000001',
      FIND,
      'incident amount LATTE-000001 {"totalFee":2800,"feeType":"CNY","transactionId":null} notify',
    ])
  })

  test('that meets a database out of reach is not taken, and gives its lock back all the same', async () => {
    await expect(take({ finds: [new Unavailable('database', null, 'no_answer')] })).rejects.toThrow(
      'database is unavailable',
    )
    expect(await afterwards()).toEqual(['release notice:LATTE-000001 ours'])
  })
})

describe('a notification of a payment for nothing we know', () => {
  test.each(['busy', LOCK] as const)(
    'is kept for a person and not taken, without waiting for a copy (lock %o)',
    async (lock) => {
      expect(await take({ lock, finds: [null] })).toEqual(contradicts('order'))
      expect(asked).toEqual(['lock LATTE-000001', FIND, 'incident order LATTE-000001 {} notify'])
    },
  )

  test.each([
    { undocumented: 'product_id' },
    { attach: 'x&product_id=1', mayAttachHideFields: true },
  ])(
    'and that is doubtful (%j) is kept as a payment that WeChat has not confirmed, and not taken',
    async (doubtful) => {
      expect(await take({ notification: paid({}, doubtful), finds: [null] })).toEqual(
        contradicts('unconfirmed'),
      )
      expect(asked).toEqual([
        'lock LATTE-000001',
        FIND,
        'incident unconfirmed LATTE-000001 {} notify',
      ])
    },
  )

  test('gives its lock back', async () => {
    await take({ finds: [null] })
    expect(await afterwards()).toEqual(['release notice:LATTE-000001 ours'])
  })

  test('whose order number is none never comes near lock, orders or the log line', async () => {
    expect(await take({ notification: paid({ outTradeNo: "x'; drop table orders" }) })).toEqual(
      contradicts('order'),
    )
    expect([asked, about]).toEqual([["incident order x'; drop table orders {} notify"], []])
  })
})

describe('any other notice', () => {
  test('that was refused is refused for the same reason, and touches nothing', async () => {
    const refused = err({ reason: 'notice_rejected', check: 'signature' } as const)
    expect(await take({ notification: refused })).toEqual({
      ok: false,
      error: { reason: 'notice_rejected', check: 'signature' },
    })
    expect([asked, works]).toEqual([[], []])
  })

  test('of a payment that failed is taken, and touches nothing', async () => {
    expect(await take({ notification: ok<Notification>({ kind: 'not_paid' }) })).toEqual(TAKEN)
    expect([asked, works]).toEqual([[], []])
  })

  test('of a refund goes to the refunds, and no order is settled over it', async () => {
    const refund: Notification = {
      kind: 'refund',
      outTradeNo: 'LATTE-000001',
      outRefundNo: 'R-1',
      refundStatus: 'SUCCESS',
    }
    expect(await take({ notification: ok(refund) })).toEqual(TAKEN)
    expect(asked).toEqual(['refund R-1'])
  })
})
