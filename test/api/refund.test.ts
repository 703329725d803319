import { Webhook } from 'standardwebhooks'
import { describe, expect, test, vi } from 'vitest'
import { listenToLog } from '../steps/log-lines.ts'
import { inProtocol } from '../support/mode.ts'
import {
  claimedOf,
  codeOf,
  find,
  openRefundingShop,
  paidOrder,
  requestRefund,
  sentTo,
  shop,
  waitUntilPaidOut,
} from '../support/refunding.ts'
import { textOf, type Json } from '../support/shop.ts'

openRefundingShop()

const eventsOf = (outRefundNo: string) =>
  shop.world.events.filter((event) => event.body.includes(`"${outRefundNo}"`))

describe('a refund', () => {
  test('of a whole order is accepted and then paid out by WeChat, and the merchant receives one event', async () => {
    const { token, outTradeNo } = await paidOrder()
    const accepted = await requestRefund({
      outTradeNo,
      outRefundNo: 'R-WHOLE',
      refundFee: 2800,
      refundDesc: '商品已售完',
    })
    expect(accepted.status).toBe(202)
    expect(accepted.json).toEqual({
      outRefundNo: 'R-WHOLE',
      outTradeNo,
      refundId: expect.stringMatching(/^5030000250\d{19}$/),
      refundFee: 2800,
      refundStatus: 'PROCESSING',
    })
    const before = await shop.query(token, outTradeNo)
    expect([before['tradeState'], before['refundedFee']]).toEqual(['REFUND', undefined])
    await waitUntilPaidOut()
    expect(await shop.query(token, outTradeNo)).toMatchObject({
      tradeState: 'REFUND',
      totalFee: 2800,
      refundedFee: 2800,
    })
    const done = await find('R-WHOLE')
    expect([done.status, done.json]).toEqual([200, { ...accepted.json, refundStatus: 'SUCCESS' }])
    const events = eventsOf('R-WHOLE')
    expect(events).toHaveLength(1)
    const body = new Webhook(shop.world.env['ORDER_WEBHOOK_SECRET'] ?? '').verify(
      events[0]?.body ?? '',
      { ...events[0]?.headers },
    )
    expect(body).toMatchObject({ type: 'refund.succeeded', data: done.json })
    shop.advance(86_400_000)
    expect(await shop.deliverNotifications()).toBe(0)
  })

  test('in two parts adds up', async () => {
    const { token, outTradeNo } = await paidOrder()
    expect(
      (await requestRefund({ outTradeNo, outRefundNo: 'R-PART-1', refundFee: 1000 })).status,
    ).toBe(202)
    expect(
      (await requestRefund({ outTradeNo, outRefundNo: 'R-PART-2', refundFee: 800 })).status,
    ).toBe(202)
    await waitUntilPaidOut()
    expect(await shop.query(token, outTradeNo)).toMatchObject({
      tradeState: 'REFUND',
      refundedFee: 1800,
    })
    await shop.cron()
    expect([eventsOf('R-PART-1').length, eventsOf('R-PART-2').length]).toEqual([1, 1])
  })

  test('sends WeChat the payment, the amounts, the reason and the notification URL', async () => {
    const { outTradeNo } = await paidOrder()
    await requestRefund({
      outTradeNo,
      outRefundNo: 'R_|*@-wire',
      refundFee: 1,
      refundDesc: '太甜 🍬 <!DOCTYPE>',
    })
    const [message] = sentTo('R_|*@-wire')
    const payment = shop.wechat.orders().find((order) => order.outTradeNo === outTradeNo)?.payment
    const transactionId = payment?.transactionId ?? 'none'
    const notifyUrl = `${shop.world.url}/api/notify`
    for (const part of inProtocol({
      v2: [
        `<transaction_id><![CDATA[${transactionId}]]></transaction_id>`,
        '<total_fee><![CDATA[2800]]></total_fee>',
        '<refund_fee><![CDATA[1]]></refund_fee>',
        '<refund_desc><![CDATA[太甜  <DOCTYPE>]]></refund_desc>',
        `<notify_url><![CDATA[${notifyUrl}]]></notify_url>`,
      ],
      v3: [
        `"transaction_id":"${transactionId}"`,
        '"total":2800',
        '"refund":1,',
        '"reason":"太甜  <DOCTYPE>"',
        `"notify_url":"${notifyUrl}"`,
      ],
    }))
      expect(message?.request).toContain(part)
  })

  test('may have a number of 64 characters', async () => {
    const { outTradeNo } = await paidOrder()
    expect(
      (await requestRefund({ outTradeNo, outRefundNo: 'R'.repeat(64), refundFee: 1 })).status,
    ).toBe(202)
  })
})

describe('a repeated refund number', () => {
  test('is the same refund, before and after it is paid out, and WeChat gets one request', async () => {
    const { outTradeNo } = await paidOrder()
    const body = { outTradeNo, outRefundNo: 'R-AGAIN', refundFee: 1000, refundDesc: 'cold' }
    const first = await requestRefund(body)
    const second = await requestRefund(body)
    expect([second.status, second.json]).toEqual([202, first.json])
    await waitUntilPaidOut()
    expect((await requestRefund(body)).json).toEqual({ ...first.json, refundStatus: 'SUCCESS' })
    expect([
      sentTo('R-AGAIN').length,
      eventsOf('R-AGAIN').length,
      await claimedOf(outTradeNo),
    ]).toEqual([1, 1, 1000])
  })

  test.each([
    ['a part', 'R-TAPS-PART', 500],
    ['all of it', 'R-TAPS-WHOLE', 2800],
  ])(
    'in eight concurrent requests for %s gives one refund eight times',
    async (_, outRefundNo, refundFee) => {
      const { outTradeNo } = await paidOrder()
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => requestRefund({ outTradeNo, outRefundNo, refundFee })),
      )
      expect(answers.map(codeOf)).toEqual(Array(8).fill([202, undefined]))
      expect(new Set(answers.map(({ json }) => json['refundId'])).size).toBe(1)
      expect(
        shop.wechat.refunds().filter((refund) => refund.outRefundNo === outRefundNo),
      ).toHaveLength(1)
      expect(await claimedOf(outTradeNo)).toBe(refundFee)
    },
  )

  test('with another amount, reason or order is refused, and WeChat gets no request', async () => {
    const { outTradeNo } = await paidOrder()
    const other = await paidOrder()
    const body = { outTradeNo, outRefundNo: 'R-CONFLICT', refundFee: 1000, refundDesc: 'cold' }
    await requestRefund(body)
    const changes: Json[] = [
      { refundFee: 999 },
      { refundDesc: 'late' },
      { refundDesc: undefined },
      { outTradeNo: other.outTradeNo },
      { outTradeNo: 'UNKNOWN-ORDER' },
    ]
    const answers = await Promise.all(
      changes.map((change) => requestRefund({ ...body, ...change })),
    )
    expect(answers.map(codeOf)).toEqual(Array(5).fill([409, 'refund_conflict']))
    expect([sentTo('R-CONFLICT').length, await claimedOf(other.outTradeNo)]).toEqual([1, 0])
  })
})

describe('a refund is refused for', () => {
  test('an order that is not paid', async () => {
    const outTradeNo = await shop.placeOrder(await shop.logIn())
    expect(
      codeOf(await requestRefund({ outTradeNo, outRefundNo: 'R-UNPAID', refundFee: 100 })),
    ).toEqual([409, 'order_not_paid'])
  })

  test('an unknown order', async () => {
    expect(
      codeOf(
        await requestRefund({
          outTradeNo: 'UNKNOWN-ORDER',
          outRefundNo: 'R-UNKNOWN',
          refundFee: 1,
        }),
      ),
    ).toEqual([404, 'order_not_found'])
  })

  test('one fen more than was paid, in one refund or in parts', async () => {
    const { outTradeNo } = await paidOrder()
    expect(
      codeOf(await requestRefund({ outTradeNo, outRefundNo: 'R-MUCH-1', refundFee: 2801 })),
    ).toEqual([409, 'refund_too_much'])
    expect(
      (await requestRefund({ outTradeNo, outRefundNo: 'R-MUCH-2', refundFee: 1800 })).status,
    ).toBe(202)
    expect(
      codeOf(await requestRefund({ outTradeNo, outRefundNo: 'R-MUCH-3', refundFee: 1001 })),
    ).toEqual([409, 'refund_too_much'])
    expect(
      (await requestRefund({ outTradeNo, outRefundNo: 'R-MUCH-4', refundFee: 1000 })).status,
    ).toBe(202)
    expect(shop.wechat.refunds().filter((refund) => refund.outTradeNo === outTradeNo)).toHaveLength(
      2,
    )
    expect(codeOf(await find('R-MUCH-3'))).toEqual([404, 'refund_not_found'])
  })

  test.each<[field: string, value: unknown]>([
    ['refundFee', 0],
    ['refundFee', -1],
    ['refundFee', 1.5],
    ['refundFee', '100'],
    ['refundFee', 2_147_483_648],
    ['refundFee', undefined],
    ['outRefundNo', ''],
    ['outRefundNo', 'R'.repeat(65)],
    ['outRefundNo', 'R 1'],
    ['outRefundNo', '退款一号'],
    ['outRefundNo', 17],
    ['outTradeNo', 'short'],
    ['refundDesc', 7],
    ['total_fee', 2800],
  ])('a request whose %s is %j, and the answer names that field', async (field, value) => {
    const answer = await requestRefund({
      outTradeNo: 'T20250102000001',
      outRefundNo: 'R-SHAPE',
      refundFee: 100,
      [field]: value,
    })
    expect(codeOf(answer)).toEqual([400, 'invalid_request'])
    expect(textOf(answer.json, 'detail')).toContain(`${field}: `)
  })
})

describe('a payout to another account', () => {
  const CARD = {
    type: 'user_bank_card',
    bankType: 'CMB_DEBIT',
    bankAccount: '6225880137706868',
    realName: '阿卜杜拉·买买提江',
  }
  const abnormalRefund = async (outRefundNo: string) => {
    const { outTradeNo } = await paidOrder()
    const body = { outTradeNo, outRefundNo, refundFee: 100 }
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 })
    await requestRefund(body)
    await waitUntilPaidOut()
    return body
  }

  test('may be sent as a form', async () => {
    const { outTradeNo, outRefundNo } = await abnormalRefund('R-PAYOUT-FORM')
    const form = { outTradeNo, outRefundNo, refundFee: '100', payout: JSON.stringify(CARD) }
    const answer = await shop.call('POST', '/api/refund', {
      token: shop.merchantKey,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
    expect(codeOf(answer)).toEqual(
      inProtocol({ v2: [409, 'payout_in_console_only'], v3: [202, undefined] }),
    )
  })

  test.each<[field: string, payout: unknown, expected: string]>([
    ['payout', 'merchant_bank_card', 'user_bank_card or merchant_bank_card'],
    ['payout', null, 'user_bank_card or merchant_bank_card'],
    ['payout.type', {}, 'is missing'],
    ['payout.type', { type: 'USER_BANK_CARD' }, 'user_bank_card or merchant_bank_card'],
    ['payout.bankType', { ...CARD, type: 'merchant_bank_card' }, 'left out'],
    ['payout.bankType', { ...CARD, bankType: undefined }, 'is missing'],
    ['payout.bankType', { ...CARD, bankType: '招商银行' }, 'such as CMB_DEBIT'],
    ['payout.bankAccount', { ...CARD, bankAccount: undefined }, 'is missing'],
    ['payout.bankAccount', { ...CARD, bankAccount: 6_225_880_137_706_868 }, 'as text'],
    ['payout.bankAccount', { ...CARD, bankAccount: '6225 8801 3770 6868' }, '8 to 32 digits'],
    ['payout.realName', { ...CARD, realName: '' }, 'text'],
    ['payout.realName', { ...CARD, realName: '张\n三' }, 'text without control characters'],
    ['payout.realName', { ...CARD, realName: '张'.repeat(65) }, 'at most 64 characters'],
    ['payout.cvv', { ...CARD, cvv: '123' }, 'left out'],
  ])('with a wrong %s (%j) is refused, and the value is not shown', async (field, payout, text) => {
    const lines = listenToLog()
    const answer = await requestRefund({
      outTradeNo: 'ORDER-1',
      outRefundNo: 'R-1',
      refundFee: 100,
      payout,
    })
    vi.restoreAllMocks()
    expect(codeOf(answer)).toEqual([400, 'invalid_request'])
    expect(textOf(answer.json, 'detail')).toContain(`${field}: `)
    expect(textOf(answer.json, 'detail')).toContain(text)
    for (const secret of [CARD.bankAccount, '6225 8801', CARD.realName, '张'])
      expect(lines.join('\n') + answer.text).not.toContain(secret)
  })
})

describe('access to refunds', () => {
  test('only the merchant may refund, not the payer', async () => {
    const { token, outTradeNo } = await paidOrder()
    const body = { outTradeNo, outRefundNo: 'R-MINE', refundFee: 2800 }
    expect(codeOf(await requestRefund(body, token))).toEqual([403, 'wrong_token'])
    expect(codeOf(await shop.call('POST', '/api/refund', { body }))).toEqual([401, 'not_signed_in'])
    expect(codeOf(await requestRefund(body, 'a-key-that-is-not-the-merchants-own-key'))).toEqual([
      401,
      'not_signed_in',
    ])
    expect(await claimedOf(outTradeNo)).toBe(0)
  })

  test('the payer and the merchant see a refund, and other users get 404', async () => {
    const { token, outTradeNo } = await paidOrder()
    const { json } = await requestRefund({ outTradeNo, outRefundNo: 'R-SEEN', refundFee: 1 })
    expect(
      [await find('R-SEEN', token), await find('R-SEEN')].map((answer) => [
        answer.status,
        answer.json,
      ]),
    ).toEqual([
      [200, json],
      [200, json],
    ])
    const [stranger, unknown] = [
      await find('R-SEEN', await shop.logIn()),
      await find('R-UNSEEN', token),
    ]
    expect([codeOf(stranger), codeOf(unknown)]).toEqual(Array(2).fill([404, 'refund_not_found']))
    expect(stranger.json['detail']).toBe(unknown.json['detail'])
    expect(codeOf(await shop.call('GET', '/api/refund?outRefundNo=R-SEEN'))).toEqual([
      401,
      'not_signed_in',
    ])
  })

  test('a query calls WeChat while the refund is in progress, and only the ledger afterwards', async () => {
    const { token, outTradeNo } = await paidOrder()
    await requestRefund({ outTradeNo, outRefundNo: 'R-LOOK', refundFee: 1 })
    shop.advance(3_000)
    expect((await find('R-LOOK', token)).json).toMatchObject({ refundStatus: 'SUCCESS' })
    shop.wechat.misbehave({ on: 'refundquery', do: 'drop' })
    expect((await find('R-LOOK', token)).json).toMatchObject({ refundStatus: 'SUCCESS' })
    await shop.deliverNotifications()
    expect(eventsOf('R-LOOK')).toHaveLength(1)
  })

  test('other methods are refused with 405', async () => {
    const answer = await shop.call('PUT', '/api/refund', { token: shop.merchantKey, body: {} })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, POST'])
  })
})
