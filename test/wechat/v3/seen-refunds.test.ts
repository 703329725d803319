import { expect, test } from 'vitest'
import { createSeenRefunds } from '../../../lib/wechat/v3/seen-refunds.ts'

test('the numbers of each order are kept, once each', () => {
  const seen = createSeenRefunds()
  for (const outRefundNo of ['R-1', 'R-2', 'R-1']) seen.add({ outTradeNo: 'LATTE-1', outRefundNo })
  seen.add({ outTradeNo: 'LATTE-2', outRefundNo: 'R-3' })
  expect(seen.numbersOf('LATTE-1')).toEqual(['R-1', 'R-2'])
  expect(seen.numbersOf('LATTE-2')).toEqual(['R-3'])
  expect(seen.numbersOf('LATTE-3')).toEqual([])
})

test('memory is limited: the order that was met the longest ago is dropped', () => {
  const seen = createSeenRefunds()
  const add = (order: number, refund = 0) =>
    seen.add({ outTradeNo: `LATTE-${order}`, outRefundNo: `R-${refund}` })
  for (let order = 0; order < 5_000; order += 1) add(order)
  add(0, 1)
  add(5_000)
  expect(seen.numbersOf('LATTE-0')).toEqual(['R-0', 'R-1'])
  expect(seen.numbersOf('LATTE-1')).toEqual([])
  for (let refund = 0; refund < 200; refund += 1) add(2, refund)
  expect(seen.numbersOf('LATTE-2')).toHaveLength(50)
})
