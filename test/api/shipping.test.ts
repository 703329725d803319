import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, type Answer, type Sale, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

const BOX = { itemDesc: '咖啡豆 250g', trackingNo: 'SF1000000000001', expressCompany: 'ZTO' }

const ship = (outTradeNo: string, logisticsType: unknown, items: unknown): Promise<Answer> =>
  shop.call('POST', '/api/shipping', {
    token: shop.merchantKey,
    body: { outTradeNo, logisticsType, items },
  })

const atWechat = (sale: Sale) =>
  shop.wechat.shipments().find(({ outTradeNo }) => outTradeNo === sale.outTradeNo)

test.each([
  ['express', 1, BOX],
  ['local_delivery', 2, { itemDesc: '拿铁，骑手送达' }],
  ['virtual', 3, { itemDesc: '会员卡' }],
  ['self_pickup', 4, { itemDesc: '到店自提' }],
])(
  '%s, by name or by WeChat’s number, is uploaded as logistics type %i',
  async (kind, number, item) => {
    for (const logisticsType of [kind, number]) {
      const sale = await shop.sell()
      const answer = await ship(sale.outTradeNo, logisticsType, [item])
      expect(answer.status).toBe(200)
      expect(answer.json).toEqual({
        outTradeNo: sale.outTradeNo,
        logisticsType: kind,
        shippingState: 'UPLOADED',
        isAllDelivered: true,
      })
      expect(atWechat(sale)).toMatchObject({
        logisticsType: number,
        deliveryMode: 1,
        finished: true,
        parcels: [{ itemDesc: item.itemDesc }],
      })
      expect(await shop.query(sale.token, sale.outTradeNo)).toMatchObject({
        tradeState: 'SUCCESS',
        shippingState: 'UPLOADED',
      })
    }
  },
)

test('the upload names the payment, the payer and the upload time in Beijing', async () => {
  const openid = 'oShipping00000000000000Payer'
  const token = await shop.logIn(openid)
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  const { transactionId } = await shop.query(token, outTradeNo)
  await ship(outTradeNo, 'express', [
    { ...BOX, expressCompany: 'SF', contact: { receiverContact: '+86-177****1234' } },
  ])
  const [upload] = shop.uploads(String(transactionId))
  expect(upload).toEqual({
    order_key: { order_number_type: 2, transaction_id: transactionId },
    logistics_type: 1,
    delivery_mode: 1,
    shipping_list: [
      {
        item_desc: '咖啡豆 250g',
        tracking_no: 'SF1000000000001',
        express_company: 'SF',
        contact: { receiver_contact: '+86-177****1234' },
      },
    ],
    upload_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/),
    payer: { openid },
  })
  expect(Math.abs(Date.parse(String(upload?.['upload_time'])) - Date.now())).toBeLessThan(10_000)
})

test.each(['189****1234', '021-****1234', '****1234', '0**2-******23-10', '****123-8008'])(
  'a parcel of SF is accepted with the masked phone number %s',
  async (consignorContact) => {
    const sale = await shop.sell()
    const box = { ...BOX, expressCompany: 'SF', contact: { consignorContact } }
    expect((await ship(sale.outTradeNo, 'express', [box])).json).toMatchObject({
      shippingState: 'UPLOADED',
    })
  },
)

test('an express order in two boxes is uploaded as two parcels', async () => {
  const sale = await shop.sell()
  const answer = await ship(sale.outTradeNo, 'express', [
    BOX,
    { ...BOX, trackingNo: 'SF1000000000002' },
  ])
  expect(answer.json['shippingState']).toBe('UPLOADED')
  expect(shop.uploads(sale.transactionId)).toMatchObject([
    { delivery_mode: 2, is_all_delivered: true },
  ])
  expect(atWechat(sale)).toMatchObject({
    deliveryMode: 2,
    finished: true,
    parcels: [{ trackingNo: 'SF1000000000001' }, { trackingNo: 'SF1000000000002' }],
  })
})

test('fifteen boxes are accepted', async () => {
  const sale = await shop.sell()
  const boxes = Array.from({ length: 15 }, (_, index) => ({
    ...BOX,
    trackingNo: `SF200000000000${index}`,
  }))
  expect((await ship(sale.outTradeNo, 'express', boxes)).json['shippingState']).toBe('UPLOADED')
  expect(atWechat(sale)?.parcels).toHaveLength(15)
})

test('a long description in Chinese is cut to the 120 characters that WeChat accepts', async () => {
  const sale = await shop.sell()
  expect(
    (await ship(sale.outTradeNo, 'virtual', [{ itemDesc: '豆'.repeat(300) }])).json[
      'shippingState'
    ],
  ).toBe('UPLOADED')
  expect(atWechat(sale)?.parcels).toMatchObject([{ itemDesc: '豆'.repeat(120) }])
})

const refusals: readonly (readonly [what: string, body: Record<string, unknown>, field: string])[] =
  [
    ['no order', { logisticsType: 'virtual', items: [{ itemDesc: '会员卡' }] }, 'outTradeNo'],
    ['no kind', { outTradeNo: '123456', items: [{ itemDesc: '会员卡' }] }, 'logisticsType'],
    [
      'an unknown kind',
      { outTradeNo: '123456', logisticsType: 'drone', items: [{ itemDesc: '会员卡' }] },
      'logisticsType',
    ],
    [
      'kind 0',
      { outTradeNo: '123456', logisticsType: 0, items: [{ itemDesc: '会员卡' }] },
      'logisticsType',
    ],
    [
      'kind 5',
      { outTradeNo: '123456', logisticsType: 5, items: [{ itemDesc: '会员卡' }] },
      'logisticsType',
    ],
    ['no items', { outTradeNo: '123456', logisticsType: 'virtual' }, 'items'],
    ['an empty list', { outTradeNo: '123456', logisticsType: 'virtual', items: [] }, 'items'],
    [
      'two items for virtual goods',
      {
        outTradeNo: '123456',
        logisticsType: 'virtual',
        items: [{ itemDesc: 'a' }, { itemDesc: 'b' }],
      },
      'items',
    ],
    [
      'two items for self pick-up',
      { outTradeNo: '123456', logisticsType: 4, items: [{ itemDesc: 'a' }, { itemDesc: 'b' }] },
      'items',
    ],
    [
      'an item without a description',
      { outTradeNo: '123456', logisticsType: 'virtual', items: [{}] },
      'items.0.itemDesc',
    ],
    [
      'express without a tracking number',
      {
        outTradeNo: '123456',
        logisticsType: 'express',
        items: [{ itemDesc: 'a', expressCompany: 'ZTO' }],
      },
      'items',
    ],
    [
      'express without a company',
      { outTradeNo: '123456', logisticsType: 1, items: [{ itemDesc: 'a', trackingNo: '1' }] },
      'items',
    ],
    [
      'sixteen parcels',
      {
        outTradeNo: '123456',
        logisticsType: 'express',
        items: Array.from({ length: 16 }, () => BOX),
      },
      'items',
    ],
    [
      'a tracking number that is too long',
      {
        outTradeNo: '123456',
        logisticsType: 'express',
        items: [{ ...BOX, trackingNo: '1'.repeat(129) }],
      },
      'items.0.trackingNo',
    ],
    ...[' ', 'SF 1000', ' SF1000', 'SF1000\u3000'].map(
      (trackingNo) =>
        [
          `the tracking number ${JSON.stringify(trackingNo)}`,
          { outTradeNo: '123456', logisticsType: 'express', items: [{ ...BOX, trackingNo }] },
          'items.0.trackingNo',
        ] as const,
    ),
    [
      'a blank in the company',
      {
        outTradeNo: '123456',
        logisticsType: 'express',
        items: [{ ...BOX, expressCompany: 'ZTO ' }],
      },
      'items.0.expressCompany',
    ],
    ...[
      {},
      { contact: {} },
      { contact: { receiverContact: '13800001234' } },
      { contact: { receiverContact: '138****' } },
      { contact: { consignorContact: '138****123' } },
    ].map(
      (contact) =>
        [
          `SF and ${JSON.stringify(contact)}`,
          {
            outTradeNo: '123456',
            logisticsType: 'express',
            items: [BOX, { ...BOX, expressCompany: 'SF', ...contact }],
          },
          'items.1.contact',
        ] as const,
    ),
    [
      'an unknown field',
      { outTradeNo: '123456', logisticsType: 'virtual', items: [{ itemDesc: 'a', weight: 3 }] },
      'items.0.weight',
    ],
  ]

test.each(refusals)(
  'a shipment with %s is refused by name, and WeChat is not called',
  async (_, body, field) => {
    const before = shop.countCalls('/upload_shipping_info')
    const answer = await shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(answer.json['detail']).toMatch(new RegExp(`^${field.replaceAll('.', '\\.')}: `))
    expect(shop.countCalls('/upload_shipping_info')).toBe(before)
  },
)

test.each(['latte\ud83e', 'latte\u0000', '😀'])(
  'a description that WeChat cannot show, %j, is refused by name, and nothing is stored',
  async (itemDesc) => {
    const { token, outTradeNo, transactionId } = await shop.sell()
    const answer = await ship(outTradeNo, 'virtual', [{ itemDesc }])
    expect(answer.json).toMatchObject({
      status: 400,
      code: 'invalid_request',
      detail: expect.stringMatching(/^items\.0\.itemDesc: /),
    })
    expect([
      shop.uploads(transactionId),
      (await shop.query(token, outTradeNo))['shippingState'],
    ]).toEqual([[], undefined])
  },
)

test('only the merchant ships: no token gets 401, the payer 403, an unknown order 404, another method 405', async () => {
  const { token, outTradeNo, transactionId } = await shop.sell()
  const body = { outTradeNo, logisticsType: 'virtual', items: [{ itemDesc: '会员卡' }] }
  expect((await shop.call('POST', '/api/shipping', { body })).status).toBe(401)
  expect(
    (
      await shop.call('POST', '/api/shipping', {
        body,
        token: 'not-the-merchant-key-but-as-long-as-it',
      })
    ).status,
  ).toBe(401)
  expect((await shop.call('POST', '/api/shipping', { body, token })).status).toBe(403)
  expect(shop.uploads(transactionId)).toEqual([])
  const unknown = await ship('no-such-order-1', 'virtual', [{ itemDesc: '会员卡' }])
  expect(unknown.json).toMatchObject({ status: 404, code: 'order_not_found' })
  const wrong = await shop.call('PUT', '/api/shipping', { token: shop.merchantKey })
  expect(wrong.status).toBe(405)
  expect(wrong.headers.get('allow')).toBe('GET, POST')
})

test('an unpaid order is not shipped', async () => {
  const outTradeNo = await shop.placeOrder(await shop.logIn())
  const answer = await ship(outTradeNo, 'virtual', [{ itemDesc: '会员卡' }])
  expect(answer.json).toMatchObject({ status: 409, code: 'order_not_paid' })
})

test('the refusal to ship an unpaid order does not mention refunds', async () => {
  const outTradeNo = await shop.placeOrder(await shop.logIn())
  const answer = await ship(outTradeNo, 'virtual', [{ itemDesc: '会员卡' }])
  expect(answer.json['detail']).not.toContain('given back')
})
