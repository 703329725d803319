import * as v from 'valibot'

const FEE = 'must be a whole number of fen, from 1 to 2147483647'
const fee = v.pipe(
  v.number(FEE),
  v.integer(FEE),
  v.minValue(1, FEE),
  v.maxValue(2_147_483_647, FEE),
)
const NUMBER = 'must be the number of an order or a refund: 1 to 64 letters, digits or _-|*@'
const number = v.pipe(v.string(NUMBER), v.regex(/^[0-9A-Za-z_\-|*@]{1,64}$/, NUMBER))

/** The errors in every later bill, of any day. The summary always matches the rows. */
export const billTamperingSchema = v.strictObject({
  /** The number of an order or a refund whose row is left out. */
  drop: v.exactOptional(number),
  /** A payment that WeChat did not take, at noon of the day. */
  addOrder: v.exactOptional(v.strictObject({ outTradeNo: number, totalFee: fee })),
  /** Another amount in the row of this payment. */
  changeAmount: v.exactOptional(v.strictObject({ outTradeNo: number, totalFee: fee })),
  /** A refund that was not requested, at noon of the day. */
  addRefund: v.exactOptional(
    v.strictObject({ outTradeNo: number, outRefundNo: number, refundFee: fee }),
  ),
})

export type BillTampering = v.InferOutput<typeof billTamperingSchema>
