/** An authenticated refund notification is compared with the ledger, and WeChat is not asked. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RefundStatus } from '../../lib/core/refund.ts'
import { ok } from '../../lib/core/result.ts'
import type { Deps, Notification } from '../../lib/ports.ts'
import { handleNotification } from '../../lib/steps/handle-notification.ts'
import { createInstance } from '../../lib/composition.ts'
import { fen } from '../support/latte.ts'
import { inProtocol, protocol as ours } from '../support/mode.ts'
import { requestRefund, paidOrder, summariseRefunds } from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'

type NotifiedRefund = NonNullable<Extract<Notification, { kind: 'refund' }>['verified']>

let shop: Shop
let deps: Deps
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  deps = createInstance(process.env).deps
})
afterAll(() => shop.close())

/** A paid order of 2800 fen, and the number of a refund of 1000. */
let order = ''
let number = ''
let transactionId = ''
let count = 0
beforeEach(async () => {
  order = await paidOrder(shop)
  number = `R-${(count += 1)}`
  const [row] = await shop.sql('select transaction_id from orders where out_trade_no = $1', [order])
  transactionId = String(row?.['transaction_id'])
})

const ledger = (outTradeNo = order) => summariseRefunds(shop, outTradeNo)

/** Handles a notification of this refund; returns the failure, or `taken`. */
async function notify(
  refundStatus: RefundStatus,
  changes: Partial<NotifiedRefund> = {},
  protocol: string = ours,
) {
  const verified: NotifiedRefund = {
    outTradeNo: order,
    outRefundNo: number,
    transactionId,
    refundId: `503000025020250102${count}`,
    refundFee: fen(1000),
    refundStatus,
    ...changes,
  }
  const { outTradeNo, outRefundNo } = verified
  const notifications = {
    ...deps.notifications,
    read: async () =>
      ok({ kind: 'refund', protocol, outTradeNo, outRefundNo, refundStatus, verified } as const),
  }
  const head = { headers: new Headers(), query: new URLSearchParams() }
  const asked = shop.calls('query refund').length
  const handled = await handleNotification(
    { ...deps, notifications },
    { ...head, bytes: Buffer.from('') },
  )
  expect(shop.calls('query refund').length > asked).toBe(protocol !== ours)
  await shop.world.settled()
  return handled.ok ? handled.value : handled.error
}

const contradicts = { reason: 'notice_contradicts', field: 'refund' }
const PROCESSING = 'REFUND 1000/0: PROCESSING'
const DONE = 'REFUND 1000/1000: SUCCESS → refund.succeeded'

describe('an authenticated notification of a requested refund', () => {
  beforeEach(async () =>
    expect(await requestRefund(shop, order, number, 1000)).toEqual([202, 'PROCESSING']),
  )

  test('of a success settles the refund, and a repeat changes nothing', async () => {
    expect([await notify('SUCCESS'), await ledger()]).toEqual(['taken', DONE])
    expect([await notify('SUCCESS'), await ledger()]).toEqual(['taken', DONE])
  })

  test('of another protocol than the order’s counts only once WeChat confirms it', async () => {
    expect(await notify('SUCCESS', {}, inProtocol({ v2: 'v3', v3: 'v2' }))).toEqual({
      reason: 'wechat_unknown',
    })
    expect(await ledger()).toBe(PROCESSING)
  })

  test('counts once in fifteen concurrent copies', async () => {
    const copies = Array.from({ length: 15 }, () => notify('SUCCESS'))
    expect(new Set(await Promise.all(copies))).toEqual(new Set(['taken']))
    expect(await ledger()).toBe(DONE)
  })

  test('of a closed refund releases its claim', async () => {
    expect([await notify('REFUNDCLOSE'), await ledger()]).toEqual([
      'taken',
      'REFUND 0/0: REFUNDCLOSE → refund.failed',
    ])
  })

  test('of a card that takes no money asks for a person, and a success may still follow', async () => {
    expect([await notify('CHANGE'), await ledger()]).toEqual([
      'taken',
      'REFUND 1000/0: CHANGE → refund.needs_attention',
    ])
    expect(await notify('SUCCESS')).toBe('taken')
    expect(await ledger()).toMatch(/^REFUND 1000\/1000: SUCCESS /)
  })

  test('of PROCESSING changes nothing', async () => {
    expect([await notify('PROCESSING'), await ledger()]).toEqual(['taken', PROCESSING])
  })

  test('that is older than the outcome changes nothing', async () => {
    await notify('SUCCESS')
    expect([await notify('PROCESSING'), await ledger()]).toEqual(['taken', DONE])
    expect([await notify('CHANGE'), await ledger()]).toEqual(['taken', DONE])
  })

  test('that contradicts the outcome becomes an incident, and changes nothing else', async () => {
    await notify('SUCCESS')
    expect(await notify('REFUNDCLOSE')).toEqual(contradicts)
    expect(await ledger()).toBe(`${DONE} → payment.incident`)
  })

  test('of another amount becomes one incident, before and after the outcome', async () => {
    expect(await notify('SUCCESS', { refundFee: fen(2800) })).toEqual(contradicts)
    expect(await notify('SUCCESS', { refundFee: fen(2800) })).toEqual(contradicts)
    expect(await ledger()).toBe(`${PROCESSING} → payment.incident`)
    await notify('SUCCESS')
    expect(await notify('SUCCESS', { refundFee: fen(999) })).toEqual(contradicts)
    const incidents = await shop.sql(
      `select source, received from incidents where out_trade_no = $1 order by occurred_at`,
      [order],
    )
    expect(incidents).toMatchObject([
      { source: 'notify', received: { refundFee: 2800, outRefundNo: number } },
      { source: 'notify', received: { refundFee: 999 } },
    ])
  })

  test('of another payment becomes an incident', async () => {
    expect(await notify('SUCCESS', { transactionId: '42' })).toEqual(contradicts)
    expect(await ledger()).toBe(`${PROCESSING} → payment.incident`)
    expect(
      await shop.sql('select expected, received from incidents where out_trade_no = $1', [order]),
    ).toMatchObject([{ expected: { transactionId }, received: { transactionId: '42' } }])
  })

  test('that names another order becomes an incident', async () => {
    const other = await paidOrder(shop)
    expect(await notify('SUCCESS', { outTradeNo: other })).toEqual(contradicts)
    expect([await ledger(), await ledger(other)]).toEqual([
      `${PROCESSING} → payment.incident`,
      'SUCCESS 0/0:',
    ])
  })
})

describe('an authenticated notification of a refund made in the merchant console', () => {
  test('stores the refund and its outcome', async () => {
    expect([await notify('SUCCESS'), await ledger()]).toEqual(['taken', DONE])
  })

  test('that exceeds the payment becomes an incident, and is refused', async () => {
    expect(await notify('SUCCESS', { refundFee: fen(2801) })).toEqual({
      reason: 'refund_not_found',
    })
    expect(await ledger()).toBe('SUCCESS 0/0: → payment.incident')
    expect(
      await shop.sql('select source from incidents where out_trade_no = $1', [order]),
    ).toMatchObject([{ source: 'notify' }])
  })

  test.each([
    { outTradeNo: 'UNKNOWN-ORDER' },
    { outTradeNo: "' or 1=1" },
    { outRefundNo: '退款' },
    { transactionId: '42' },
  ])('with a number that is not here (%j) is refused, and changes nothing', async (changes) => {
    expect(await notify('SUCCESS', changes)).toEqual({ reason: 'refund_not_found' })
    expect(await ledger()).toBe('SUCCESS 0/0:')
  })
})
