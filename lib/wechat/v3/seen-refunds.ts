/**
 * The numbers of refunds that this instance has met in WeChat's messages: in notifications, bills
 * and answers to queries. A refund that was made in the merchant console is known in no other way,
 * because APIv3 cannot list the refunds of an order. A number is only a hint: WeChat is asked about
 * it before it counts.
 */
export interface SeenRefunds {
  add(refund: { readonly outTradeNo: string; readonly outRefundNo: string }): void
  numbersOf(outTradeNo: string): readonly string[]
}

/** Many more than one batch of a bill has. */
const MOST_ORDERS = 5_000

/** WeChat allows 50 refunds of an order. */
const MOST_REFUNDS = 50

export function createSeenRefunds(): SeenRefunds {
  const seen = new Map<string, ReadonlySet<string>>()
  return {
    add({ outTradeNo, outRefundNo }) {
      const numbers = new Set(seen.get(outTradeNo)).add(outRefundNo)
      if (numbers.size > MOST_REFUNDS) return
      // The order moves to the end, so the order that was met the longest ago is dropped first.
      seen.delete(outTradeNo)
      seen.set(outTradeNo, numbers)
      const [oldest] = seen.keys()
      if (seen.size > MOST_ORDERS && oldest !== undefined) seen.delete(oldest)
    },
    numbersOf: (outTradeNo) => [...(seen.get(outTradeNo) ?? [])],
  }
}
