/** The day that the benchmark compares: what its ledger and its bill hold, the same in every process. */

export const BILL_DAY = '2026-11-20'

/** One row in twenty is a refund, as in a shop with many of them. */
export const toRefunds = (rows: number): number => Math.floor(rows / 20)

/** Every so many payments, the bill says another amount: the comparison must find exactly these. */
export const WRONG_EVERY = 100_000

const padded = (number: number, digits: number): string => String(number).padStart(digits, '0')

/** The numbers of an order, its payment and its refund. */
export const numbersOf = (order: number) => ({
  outTradeNo: `20261120${padded(order, 24)}`,
  transactionId: `42000025002026112${padded(order, 11)}`,
  outRefundNo: `R20261120${padded(order, 23)}`,
  refundId: `503000025020261120${padded(order, 11)}`,
  totalFee: 100 + (order % 9_900),
})

/** The same in SQL, for `n`. */
export const numbersInSql = {
  outTradeNo: `'20261120' || lpad(n::text, 24, '0')`,
  transactionId: `'42000025002026112' || lpad(n::text, 11, '0')`,
  outRefundNo: `'R20261120' || lpad(n::text, 23, '0')`,
  refundId: `'503000025020261120' || lpad(n::text, 11, '0')`,
  totalFee: `100 + n % 9900`,
}
