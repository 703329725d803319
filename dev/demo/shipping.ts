import { REFUND_FEE } from './amounts.ts'
import { expectThat, type Answer, type Stage } from './stage.ts'

const DAY_MS = 86_400_000

const box = (trackingNo: string, itemDesc: string) => ({
  itemDesc,
  trackingNo,
  expressCompany: 'ZTO',
})

/** Reports two parcels, one after the other. The payer confirms the receipt. */
export async function shipInTwoParts(
  { world, wechat, call, step, scene, sleep }: Stage,
  outTradeNo: string,
): Promise<void> {
  const { MERCHANT_API_KEY: merchant } = world.env
  const ship = (
    title: string,
    parcel: ReturnType<typeof box>,
    isAllDelivered: boolean,
    verify: (answer: Answer) => string,
  ) =>
    step(
      title,
      () =>
        call('POST', '/api/shipping', merchant, {
          outTradeNo,
          logisticsType: 'express',
          items: [parcel],
          isAllDelivered,
        }),
      verify,
    )
  const parcels = () => wechat.shipments()[0]?.parcels.length
  await ship('shipping of the latte', box('770001', '拿铁'), false, ({ isAllDelivered }) =>
    expectThat(isAllDelivered === false && parcels() === 1, 'WeChat has one parcel of two'),
  )
  sleep(60_000)
  await ship('shipping of the cookie', box('770002', '曲奇'), true, ({ shippingState }) =>
    expectThat(shippingState === 'UPLOADED' && parcels() === 2, 'WeChat has both parcels'),
  )
  sleep(60_000)
  await scene(
    'the payer confirms the receipt',
    'wx.openBusinessView',
    () => {
      wechat.confirmReceipt(outTradeNo)
      return { outTradeNo }
    },
    () => expectThat(wechat.shipments()[0]?.confirmedAt !== null, 'WeChat will release the money'),
  )
}

/** WeChat releases the money. Cron detects it, and the merchant receives `order.settled`. */
export async function awaitSettlement(
  { world, call, step, sleep }: Stage,
  outTradeNo: string,
): Promise<void> {
  sleep(DAY_MS)
  await step(
    'cron, a day later',
    () => call('GET', '/api/cron', world.env.CRON_SECRET),
    () =>
      // QStash delivers elsewhere.
      expectThat(
        world.env['QSTASH_TOKEN'] !== undefined ||
          world.events.filter(({ body }) => body.includes('order.settled')).length === 1,
        'the merchant’s system received one order.settled',
      ),
  )
  await step(
    'the final order',
    () => call('GET', `/api/shipping?outTradeNo=${outTradeNo}`, world.env.MERCHANT_API_KEY),
    ({ orderState, refundedFee }) =>
      expectThat(
        orderState === 'FINISHED' && refundedFee === REFUND_FEE,
        'FINISHED, and the money is released',
      ),
  )
}
