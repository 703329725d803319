/** Whether WeChat holds the money of orders, and whether they are shipped. */
import { misbehaving, type Row } from './row.ts'

const HELD = 'WeChat holds the money of orders until they are shipped'

const row = (fault: string, code: string, status: Row[3], what: string, bring: Row[5]): Row => [
  fault,
  'shipping',
  code,
  status,
  what,
  bring,
]

export const shipping: readonly Row[] = [
  row(
    'a shop that ships nothing',
    'nothing_shipped',
    'warning',
    `${HELD}, and none was ever reported here`,
    () => ({}),
  ),
  row(
    'nothing in a shop whose money is not held',
    'not_managed',
    'ok',
    'WeChat does not wait for shipments before it pays the shop',
    (setup) => {
      setup.shop.wechat.changeSettings({ tradeManaged: false })
      setup.undoLater(async () => setup.shop.wechat.changeSettings({ tradeManaged: true }))
      return {}
    },
  ),
  row(
    'nothing in a shop with automatic shipping',
    'automatic',
    'ok',
    `${HELD}, and WECHAT_AUTO_SHIPPING reports each payment`,
    (setup) => setup.changed({ WECHAT_AUTO_SHIPPING: 'self_pickup' }),
  ),
  row(
    'nothing in a shop that ships',
    'reported',
    'ok',
    `${HELD}, and shipments are reported`,
    async ({ shop, undoLater }) => {
      const { outTradeNo } = await shop.sell()
      await shop.call('POST', '/api/shipping', {
        token: shop.merchantKey,
        body: { outTradeNo, logisticsType: 'self_pickup', items: [{ itemDesc: '拿铁' }] },
      })
      undoLater(() => shop.sql('delete from shipments'))
      return {}
    },
  ),
  row(
    'WeChat is busy',
    'unknown',
    'unknown',
    'WeChat did not say whether it holds the money of orders until they are shipped (wechat_busy)',
    misbehaving({ on: 'is_trade_managed', do: 'errcode', errcode: -1 }),
  ),
  row(
    'a wrong AppSecret',
    'unknown',
    'unknown',
    'WeChat did not say whether it holds the money of orders until they are shipped (40125)',
    (setup) => setup.changed({ WECHAT_APP_SECRET: 'ffeeddccbbaa99887766554433221100' }),
  ),
]
