import { describe, expect, test } from 'vitest'
import { parseOutRefundNo, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import { isFinalRefund, isOverdueRefund, toRefundView, type Refund } from '../../lib/core/refund.ts'
import { paidOrder } from '../support/latte.ts'
import { must } from '../support/must.ts'

const claimed: Refund = {
  payment: paidOrder,
  outRefundNo: must(parseOutRefundNo('R20250102030405000000000000000001')),
  outTradeNo: must(parseOutTradeNo('20250102030405000000000000000001')),
  refundFee: must(toFen(50)),
  refundDesc: '商品已售完',
  refundStatus: 'PROCESSING',
  refundId: null,
  errCode: null,
  errText: null,
  waitingSince: new Date('2025-01-01T19:10:00Z'),
  isParked: false,
  payoutRequestedAt: null,
}
const shown = {
  outRefundNo: 'R20250102030405000000000000000001',
  outTradeNo: '20250102030405000000000000000001',
  refundFee: 50,
}

describe('the view of a refund', () => {
  test('has no WeChat refund number before WeChat has accepted the refund', () => {
    expect(toRefundView(claimed)).toStrictEqual({ ...shown, refundStatus: 'PROCESSING' })
  })

  test('shows why the refund waits', () => {
    const why = { errCode: 'NOTENOUGH', errText: '基本账户余额不足' }
    expect(toRefundView({ ...claimed, ...why })).toStrictEqual({
      ...shown,
      refundStatus: 'PROCESSING',
      ...why,
    })
  })

  test('shows WeChat’s refund number and the status', () => {
    expect(
      toRefundView({
        ...claimed,
        refundId: '50300002502025010200000000001',
        refundStatus: 'SUCCESS',
      }),
    ).toStrictEqual({
      ...shown,
      refundId: '50300002502025010200000000001',
      refundStatus: 'SUCCESS',
    })
  })
})

describe('a refund that is', () => {
  test.each([
    ['PROCESSING', 'is not final', false],
    ['CHANGE', 'is not final: a person can still complete it', false],
    ['SUCCESS', 'is final', true],
    ['REFUNDCLOSE', 'is final', true],
  ] as const)('%s %s', (refundStatus, _, expected) => {
    expect(isFinalRefund({ ...claimed, refundStatus })).toBe(expected)
  })
})

describe('a refund is overdue', () => {
  const DAY_MS = 86_400_000
  const after = (days: number, extraMs = 0) =>
    new Date(claimed.waitingSince.getTime() + days * DAY_MS + extraMs)
  test.each([
    ['that WeChat has not accepted', null, 7],
    ['that WeChat has accepted and not completed', '50300002502025010200000000001', 15],
  ])('%s (number %s) after more than %i days', (_, refundId, days) => {
    expect(
      [0, 1].map((extraMs) => isOverdueRefund({ ...claimed, refundId }, after(days, extraMs))),
    ).toEqual([false, true])
  })
})
