/** A message that is rightly signed, and lies: the payment of one order, for another that WeChat knows to be unpaid. */
import { toBeijingDigits } from '../../lib/core/time.ts'
import { signed } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import type { Luck } from './luck.ts'
import type { World } from './world.ts'

/** What it brought about that it should not, in words. */
export async function claimAnotherPayment(
  world: World,
  outTradeNo: string,
  luck: Luck,
): Promise<readonly string[]> {
  const orders = world.simulator.orders()
  const paid = orders.find(({ payment }) => payment !== null)?.payment ?? null
  const wanted = orders.find((order) => order.outTradeNo === outTradeNo)
  if (paid === null || wanted === undefined || wanted.payment !== null) return []
  // Only once the ledger knows whose payment it is can it know that it is nobody else's.
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
  const answer = await world.call(luck, '/api/notify', { method: 'POST', body }).then(
    (response) => response.text(),
    () => '',
  )
  if (answer.includes('SUCCESS')) return ['3: one payment was taken for two orders']
  if (answer !== '') world.met('world', 'a claim refused')
  return []
}
