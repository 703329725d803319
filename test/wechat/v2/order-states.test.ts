/** The state of an order in WeChat's signed answer to a query, over real HTTP. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOrderCalls } from '../../../lib/wechat/v2/pay.ts'
import { signed } from '../../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../../lib/wechat/xml.ts'
import { openOrder } from '../../support/latte.ts'
import { demoPay } from '../../support/samples.ts'

let answer = ''
let host = ''
const server = createServer((_request, response) => void response.end(answer))
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  host = `http://127.0.0.1:${address.port}`
})
afterAll(() => void server.close())

/** The answer has the facts of a payment, whatever its state is. */
function queryWith(changes: Readonly<Record<string, string>>) {
  const fields = {
    return_code: 'SUCCESS',
    result_code: 'SUCCESS',
    appid: demoPay.appid,
    mch_id: demoPay.mchId,
    nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
    out_trade_no: openOrder.outTradeNo,
    transaction_id: '4200002500202501020000000001',
    total_fee: String(openOrder.totalFee),
    fee_type: 'CNY',
    openid: openOrder.openid,
    time_end: '20250102030501',
    ...changes,
  }
  answer = writeXml(signed(new Map(Object.entries(fields)), demoPay.key, demoPay.signType))
  const calls = createOrderCalls({
    ...demoPay,
    hosts: [host],
    newNonce: () => 'ibuaiVcKdpRxkhJA',
  })
  return calls.queryOrder(openOrder)
}

describe('a signed answer to a query', () => {
  test.each([
    ['SUCCESS', 'paid'],
    ['REFUND', 'refunded'],
    ['CLOSED', 'closed'],
    ['REVOKED', 'open'],
    ['USERPAYING', 'open'],
    ['PAYERROR', 'open'],
    ['A_STATE_OF_NEXT_YEAR', 'open'],
  ])('with the state %s: the order is %s', async (trade_state, state) => {
    expect(await queryWith({ trade_state })).toMatchObject({ ok: true, value: { state } })
  })

  test.each([
    ['no state', {}],
    ['an empty state', { trade_state: '' }],
    ['the number of another order', { trade_state: 'SUCCESS', out_trade_no: 'T20250102000009' }],
    ['a payment without a number', { trade_state: 'SUCCESS', transaction_id: '' }],
  ])('with %s is not used', async (_, changes) => {
    expect(await queryWith(changes)).toEqual({
      ok: false,
      error: { reason: 'wechat_untrusted', check: 'content' },
    })
  })
})
