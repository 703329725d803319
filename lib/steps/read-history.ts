import type { OutTradeNo } from '../core/ids.ts'
import { err, ok, type Outcome } from '../core/result.ts'
import type { Deps } from '../ports.ts'

type Found = NonNullable<Awaited<ReturnType<Deps['orderHistory']['read']>>>

/** Everything that is stored about an order, as a time line. */
export async function readHistory(
  { orderHistory }: Pick<Deps, 'orderHistory'>,
  outTradeNo: OutTradeNo,
): Promise<Outcome<Found>> {
  const found = await orderHistory.read(outTradeNo)
  return found === null ? err({ reason: 'order_not_found' }) : ok(found)
}
