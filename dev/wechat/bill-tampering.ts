import * as v from 'valibot'

const fee = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2_147_483_647))
const number = v.pipe(v.string(), v.regex(/^[0-9A-Za-z_\-|*@]{1,64}$/))

/** What is wrong with every bill from now on, whichever day it is of. The summary always fits the rows. */
export const billTamperingSchema = v.strictObject({
  /** The number of an order or a refund whose row is missing. */
  drop: v.exactOptional(number),
  /** A payment this WeChat never saw, on the bill's noon. */
  addOrder: v.exactOptional(v.strictObject({ outTradeNo: number, totalFee: fee })),
  /** Another amount in the row of this order's payment. */
  changeAmount: v.exactOptional(v.strictObject({ outTradeNo: number, totalFee: fee })),
  /** A refund nobody asked for, on the bill's noon. */
  addRefund: v.exactOptional(v.strictObject({ outTradeNo: number, outRefundNo: number, refundFee: fee })),
})

export type BillTampering = v.InferOutput<typeof billTamperingSchema>
