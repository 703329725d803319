/**
 * Errors of WeChat's bills. Most make the bill contradict the ledger, and then an
 * incident must name the order.
 */
import { startOfDay } from '../../dev/wechat/beijing.ts'
import type { BillTampering } from '../../dev/wechat/bill-tampering.ts'
import { isEarlier } from './earlier-number.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

export const BILL_ERRORS = [
  'payment missing',
  'other amount',
  'unknown order',
  'unpaid order',
  'unknown refund',
  'first download fails',
] as const
export type BillError = (typeof BILL_ERRORS)[number]

/**
 * Spoils the bill of this day and later ones. Returns the order number that an incident must
 * name; null if none is due, because the day has no order for this error, or a download fails only.
 */
export function spoilBills(world: World, error: BillError, random: Random): string | null {
  if (error === 'first download fails') {
    world.simulator.misbehave({ on: 'downloadbill', times: 1, do: 'drop' })
    world.count('world', `bill error ${error}`)
    return null
  }
  const spoiled = drawError(world, error, random)
  if (spoiled === null) return null
  world.simulator.tamperBill(spoiled.tampering)
  world.suspects.add(spoiled.outTradeNo)
  world.count('world', `bill error ${error}`)
  return spoiled.outTradeNo
}

function drawError(
  { simulator, time }: World,
  error: Exclude<BillError, 'first download fails'>,
  random: Random,
): { readonly outTradeNo: string; readonly tampering: BillTampering } | null {
  // Cron has not compared the bill of this day.
  const today = startOfDay(time.now())
  const orders = simulator.orders().filter(({ outTradeNo }) => !isEarlier(outTradeNo))
  const paid = orders.filter(({ payment }) => payment !== null && payment.paidAt >= today)
  const unpaid = orders.filter(({ payment }) => payment === null)
  switch (error) {
    case 'unknown order': {
      const outTradeNo = 'unknown-order'
      return { outTradeNo, tampering: { addOrder: { outTradeNo, totalFee: 700 } } }
    }
    case 'unpaid order': {
      if (unpaid.length === 0) return null
      const { outTradeNo, totalFee } = random.pick(unpaid)
      return { outTradeNo, tampering: { addOrder: { outTradeNo, totalFee } } }
    }
    case 'payment missing':
    case 'other amount':
    case 'unknown refund': {
      if (paid.length === 0) return null
      const { outTradeNo, totalFee } = random.pick(paid)
      const refund = { outTradeNo, outRefundNo: 'unknown-refund', refundFee: 100 }
      const tampering = {
        'payment missing': { drop: outTradeNo },
        'other amount': { changeAmount: { outTradeNo, totalFee: totalFee + 1 } },
        'unknown refund': { addRefund: refund },
      }[error]
      return { outTradeNo, tampering }
    }
  }
}

/** An error that no incident names. */
export async function findUnreported(
  { sql }: World,
  error: BillError,
  outTradeNo: string,
): Promise<readonly string[]> {
  const [incident] = await sql('select from incidents where out_trade_no = $1', [outTradeNo])
  return incident === undefined ? [`no incident names the bill's error: ${error}`] : []
}
