/** The set-up of the tests of `/api/close`: one shop for a file, and a new order for each test. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { openShop, type Answer, type Shop } from './shop.ts'

const PAYER = 'oPayer0000000000000000000001'

export let shop: Shop
export let token: string
export let outTradeNo: string

export function openClosingShop(): void {
  beforeAll(async () => {
    shop = await openShop()
    // The simulator sends no notification by itself; a test that needs one delivers it.
    await shop.wechat.stop()
  })
  beforeEach(async () => {
    token = await shop.logIn(PAYER)
    outTradeNo = await shop.placeOrder(token)
  })
  afterEach(async () => {
    shop.wechat.clearFaults()
    shop.world.faults.redis.up()
    shop.world.faults.database.up()
    await shop.world.settled()
  })
  afterAll(() => shop.close())
}

export const close = async (as = token): Promise<Answer> => {
  const answer = await shop.call('POST', '/api/close', { token: as, body: { outTradeNo } })
  await shop.world.settled()
  return answer
}
export const outcome = ({ status, json }: Answer) => [status, json['code'] ?? json['tradeState']]
export const atWechat = () =>
  shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.tradeState
export const inLedger = async () =>
  (await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]))[0]?.[
    'trade_state'
  ]
export const sources = async () =>
  (await shop.sql('select source from payments where out_trade_no = $1', [outTradeNo])).map(
    (payment) => payment['source'],
  )
export const eventTypes = () =>
  shop.world.events
    .filter(({ body }) => body.includes(outTradeNo))
    .map(({ body }) => /"type":"([^"]+)"/.exec(body)?.[1])
