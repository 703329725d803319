import type { Answer, Stage } from './stage.ts'

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
): Promise<boolean> {
  const { MERCHANT_API_KEY: merchant } = world.env
  const ship = (title: string, parcel: ReturnType<typeof box>, isAllDelivered: boolean) =>
    step(title, () =>
      call('POST', '/api/shipping', merchant, {
        outTradeNo,
        logisticsType: 'express',
        items: [parcel],
        isAllDelivered,
      }),
    )
  const first = await ship('shipping: the first parcel', box('770001', '拿铁'), false)
  sleep(60_000)
  const last = await ship('shipping: the last parcel, a minute later', box('770002', '曲奇'), true)
  sleep(60_000)
  await scene('the receipt: the payer confirms it', 'wx.openBusinessView', () => {
    wechat.confirmReceipt(outTradeNo)
    return { outTradeNo }
  })
  const [shipment] = wechat.shipments()
  return (
    first['isAllDelivered'] === false &&
    last['shippingState'] === 'UPLOADED' &&
    shipment?.parcels.length === 2
  )
}

/** WeChat releases the money. Cron learns of it, and the merchant receives `order.settled`. */
export async function awaitSettlement(
  { world, call, step, sleep }: Stage,
  outTradeNo: string,
): Promise<Answer> {
  sleep(DAY_MS)
  await step('a day later, cron: WeChat is asked whether the money is released', () =>
    call('GET', '/api/cron', world.env.CRON_SECRET),
  )
  return step('the final order', () =>
    call('GET', `/api/shipping?outTradeNo=${outTradeNo}`, world.env.MERCHANT_API_KEY),
  )
}
