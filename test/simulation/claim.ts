/**
 * A false notification with a valid signature: it reports one order's payment for another, unpaid
 * order.
 */
import { toBeijingDigits } from '../../lib/core/time.ts'
import { signed } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import type { Random } from './random.ts'
import type { World } from './world.ts'

/** Sends the notification. Returns a description of each broken promise. */
export async function claimAnotherPayment(
  world: World,
  outTradeNo: string,
  random: Random,
): Promise<readonly string[]> {
  const orders = world.simulator.orders()
  const paid = orders.find(({ payment }) => payment !== null)?.payment ?? null
  const wanted = orders.find((order) => order.outTradeNo === outTradeNo)
  if (paid === null || wanted === undefined || wanted.payment !== null) return []
  // The ledger can refuse the claim only after it has stored this payment for its own order.
  const [row] = await world.sql('select 1 from payments where transaction_id = $1', [
    paid.transactionId,
  ])
  if (row === undefined) return []
  const fields = Object.entries({
    return_code: 'SUCCESS',
    result_code: 'SUCCESS',
    appid: world.env.WECHAT_APPID,
    mch_id: world.env.WECHAT_MCH_ID,
    nonce_str: 'nonce',
    out_trade_no: outTradeNo,
    transaction_id: paid.transactionId,
    total_fee: String(wanted.totalFee),
    cash_fee: String(wanted.totalFee),
    time_end: toBeijingDigits(new Date()),
  })
  const body = writeXml(signed(new Map(fields), world.env.WECHAT_PAY_KEY, 'HMAC-SHA256'))
  const answer = await world.call(random, '/api/notify', { method: 'POST', body }).then(
    (response) => response.text(),
    () => '',
  )
  if (answer.includes('SUCCESS')) return ['3: one payment was taken for two orders']
  if (answer !== '') world.count('world', 'a claim refused')
  return []
}
