/**
 * Generates what an honest client sends to each function. Hostile requests are changed from these.
 */
import fc from 'fast-check'
import type { Fields } from './requests.ts'

/** Generators of numbers and openids. Each target provides its own. */
export interface Numbers {
  readonly orders: fc.Arbitrary<string>
  readonly refunds: fc.Arbitrary<string>
  readonly openids: fc.Arbitrary<string>
}

/** A placeholder. The call target replaces it by a code that the simulator issued. */
export const LOGIN_CODE = 'issued-by-wechat'

const sku = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom('latte', 'cookie') },
  { weight: 1, arbitrary: fc.constant('none') },
)
/** The only value here that depends on the current date. */
const soon = new Date(Date.now() + 86_400_000).toISOString()
const attach = fc.constantFrom('store=1&src=mp', '', '少冰', 'x'.repeat(127))

const code = fc.oneof(
  { weight: 3, arbitrary: fc.constant(LOGIN_CODE) },
  { weight: 1, arbitrary: fc.stringMatching(/^[0-9a-f]{16}$/) },
)

const login = fc.record(
  {
    code,
    phoneCode: fc.stringMatching(/^[0-9a-f]{64}$/),
    nickname: fc.constantFrom('小明', '😀'),
    avatarUrl: fc.constant('https://thirdwx.qlogo.cn/mmopen/x/132'),
    rawData: fc.constant('{"nickName":"x"}'),
    signature: fc.constant('75e81ceda165f4ffa64f4068af58c64b8f54b88c'),
    encryptedData: fc.constant('CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZM'),
    iv: fc.constant('r7BXXKkLb8qrSNn05n0qiA=='),
  },
  { requiredKeys: ['code'] },
)

/** With an invalid proof of the user data, or without one. */
export const genuineLogin: fc.Arbitrary<Fields> = fc.oneof(
  login,
  fc.record({ code, nickname: fc.constantFrom('小明', '😀') }),
  fc.record({ phoneCode: fc.stringMatching(/^[0-9a-f]{64}$/) }),
)

export const genuineBasket: fc.Arbitrary<Fields> = fc.record(
  {
    items: fc.uniqueArray(fc.record({ sku, quantity: fc.constantFrom(1, 2, 9_999) }), {
      minLength: 1,
      maxLength: 2,
      selector: (line) => line.sku,
    }),
    attach,
  },
  { requiredKeys: ['items'] },
)

export const genuinePriced = ({ orders, openids }: Numbers): fc.Arbitrary<Fields> =>
  fc.record(
    {
      openid: openids,
      totalFee: fc.constantFrom(1, 2_800, 2_147_483_647),
      body: fc.constantFrom('拿铁', 'x'.repeat(200)),
      outTradeNo: orders,
      attach,
      timeExpire: fc.constantFrom(
        soon,
        soon,
        soon,
        '2030-01-01T00:00:00+08:00',
        '2025-02-30T00:00:00Z',
        '9999-12-31T23:59:59.999-23:59',
      ),
    },
    { requiredKeys: ['openid', 'totalFee', 'body'] },
  )

export const genuineOrder = ({ orders }: Numbers): fc.Arbitrary<Fields> =>
  fc.record({ outTradeNo: orders })

export const genuineProducts: fc.Arbitrary<Fields> = fc.record({
  products: fc.uniqueArray(
    fc.record(
      {
        sku: fc.constantFrom('tea', 'cake', 'juice'),
        name: fc.constantFrom('茶', 'Cake'),
        price: fc.constantFrom(1, 900),
        active: fc.boolean(),
      },
      { requiredKeys: ['sku', 'name', 'price'] },
    ),
    { minLength: 1, maxLength: 3, selector: (product) => product.sku },
  ),
})

export const genuineRefund = ({ orders, refunds }: Numbers): fc.Arbitrary<Fields> =>
  fc.record(
    {
      outTradeNo: orders,
      outRefundNo: refunds,
      refundFee: fc.constantFrom(1, 100, 2_800, 2_801),
      refundDesc: fc.constant('洒了'),
    },
    { requiredKeys: ['outTradeNo', 'outRefundNo', 'refundFee'] },
  )

const complaintId = '200201820200101080076610000'

export const genuineComplaint: fc.Arbitrary<Fields> = fc.oneof(
  fc.constant({ complaintId, action: 'reply', content: '您好，已为您补发' }),
  fc.constant({ complaintId, action: 'finish' }),
  fc.constant({ complaintId, action: 'refund', decision: 'approve', refundInDays: 0 }),
  fc.constant({ complaintId, action: 'refund', decision: 'reject', reason: '商品已使用' }),
)

export const genuineComplaintsQuery: fc.Arbitrary<Fields> = fc.oneof(
  fc.constant({ id: complaintId, phone: '1' }),
  fc.constant({ state: 'PENDING,PROCESSING', cursor: complaintId, limit: '20' }),
)

export const genuineShipping = ({ orders }: Numbers): fc.Arbitrary<Fields> =>
  fc.record({
    outTradeNo: orders,
    logisticsType: fc.constantFrom<unknown[]>('express', 'virtual', 'self_pickup', 1, 4),
    items: fc.constantFrom(
      [{ itemDesc: '拿铁' }],
      [
        {
          itemDesc: '豆子',
          trackingNo: 'SF1',
          expressCompany: 'SF',
          contact: { receiverContact: '189****1234' },
        },
      ],
    ),
  })

export const genuineReceipt = ({ orders }: Numbers): fc.Arbitrary<Fields> =>
  fc.record({ outTradeNo: orders, receivedAt: fc.constant('2026-11-20T12:00:00+08:00') })

export const genuineShippingQuery = ({ orders }: Numbers): fc.Arbitrary<Fields> =>
  fc.oneof(
    fc.record({ outTradeNo: orders }),
    fc.record({ limit: fc.constantFrom('1', '20', '100') }, { requiredKeys: [] }),
  )

export const genuineList: fc.Arbitrary<Fields> = fc.record(
  {
    tradeState: fc.constantFrom('NOTPAY', 'SUCCESS'),
    limit: fc.constantFrom('1', '20', '100'),
    cursor: fc.constantFrom('MQ', 'OTk5OTk5OTk5OTk5OTk5OTk5'),
  },
  { requiredKeys: [] },
)

export const genuineMerchantList = ({ openids }: Numbers): fc.Arbitrary<Fields> =>
  fc.record(
    {
      tradeState: fc.constantFrom('SUCCESS', 'SUCCESS,REFUND'),
      openid: openids,
      createdFrom: fc.constantFrom('2026-11-01T00:00:00+08:00', '2026-11-01T00:00:00 08:00'),
      createdTo: fc.constantFrom('2026-12-01T00:00:00Z', '2026-10-01T00:00:00Z'),
    },
    { requiredKeys: [] },
  )

export const genuineQuery = ({ orders }: Numbers): fc.Arbitrary<Fields> =>
  fc.oneof(
    fc.record({ outTradeNo: orders }),
    fc.record({ transactionId: fc.constant('4200002500202501020000000001') }),
  )

export const genuineRefundQuery = ({ refunds }: Numbers): fc.Arbitrary<Fields> =>
  fc.record({ outRefundNo: refunds })

export const genuineCron: fc.Arbitrary<Fields> = fc.record(
  { bill: fc.constantFrom('2026-11-20', '2026-02-30') },
  { requiredKeys: [] },
)
