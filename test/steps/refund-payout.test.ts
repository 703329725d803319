/** A refund in CHANGE is paid to another account, over APIv3. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createInstance } from '../../lib/composition.ts'
import { parseOutRefundNo } from '../../lib/core/ids.ts'
import type { Payout } from '../../lib/core/refund.ts'
import type { Deps } from '../../lib/ports.ts'
import { payOutRefund } from '../../lib/steps/pay-out-refund.ts'
import { must } from '../support/must.ts'
import { paidOrder, requestRefund, summariseRefunds } from '../support/refunds.ts'
import { learnSecret } from '../support/secrets.ts'
import { openShop, type Shop } from '../support/shop.ts'

const TO_CARD = {
  type: 'user_bank_card',
  bankType: 'CMB_DEBIT',
  bankAccount: '6225880137706868',
  realName: '阿卜杜拉·买买提江',
} as const satisfies Payout
const OTHER_CARD = { ...TO_CARD, bankType: 'ICBC_DEBIT', bankAccount: '6222021602001234567' }
const ABNORMAL = { on: 'refund', do: 'end-as', status: 'CHANGE', times: 1 } as const
const CHANGED = 'REFUND 1000/0: CHANGE → refund.needs_attention'
const PAYING = 'REFUND 1000/0: PROCESSING → refund.needs_attention'
const PAID = 'REFUND 1000/1000: SUCCESS → refund.needs_attention → refund.succeeded'

let shop: Shop
beforeAll(async () => {
  shop = await openShop({ WECHAT_PAY_API: 'v3' })
})
afterAll(async () => {
  // Found later in every answer, log line and error of this file.
  for (const { bankAccount, realName } of [TO_CARD, OTHER_CARD]) {
    learnSecret('a bank account', bankAccount)
    learnSecret('the name of a payer', realName)
  }
  await shop.close()
  vi.unstubAllEnvs()
})

/** A paid order of 2800 fen, and the number of a refund of 1000 that is in CHANGE. */
let order = ''
let number = ''
let count = 0
beforeEach(async () => {
  order = await paidOrder(shop)
  number = `R-PAYOUT-${(count += 1)}`
  shop.wechat.misbehave(ABNORMAL)
  await requestRefund(shop, order, number, 1000)
  await waitForEnd()
  expect(await ledger()).toBe(CHANGED)
})
afterEach(() => {
  shop.wechat.clearFaults()
  shop.wechat.changeSettings({ refundMs: 3_000 })
})

async function waitForEnd(): Promise<void> {
  shop.advance(3_000)
  await shop.deliverNotifications()
}
const ledger = () => summariseRefunds(shop, order)
const atWechat = () => shop.wechat.refunds().find(({ outRefundNo }) => outRefundNo === number)
const timesSent = () => shop.countCalls(`${atWechat()?.refundId}/apply-abnormal-refund`)

async function send(payout: Payout, changes: object = {}): Promise<unknown[]> {
  const body = { outTradeNo: order, outRefundNo: number, refundFee: 1000, payout, ...changes }
  const { status, json } = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
  await shop.world.settled()
  return [status, json['code'] ?? json['refundStatus']]
}

describe('a refund in CHANGE', () => {
  test('is paid to the card that the merchant names, and ends like any other', async () => {
    expect(await send(TO_CARD)).toEqual([202, 'PROCESSING'])
    expect(await ledger()).toBe(PAYING)
    expect(atWechat()?.paidTo).toBe('CMB_DEBIT 6225880137706868 阿卜杜拉·买买提江')
    await waitForEnd()
    expect(await ledger()).toBe(PAID)
  })

  test('is paid to the merchant’s own account', async () => {
    expect(await send({ type: 'merchant_bank_card' })).toEqual([202, 'PROCESSING'])
    expect(atWechat()?.paidTo).toBe('商户结算账户')
    await waitForEnd()
    expect(await ledger()).toBe(PAID)
  })

  test('is found by cron if the notification of its end is lost', async () => {
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    await send(TO_CARD)
    shop.advance(60_000)
    await shop.cron()
    expect(await ledger()).toBe(PAID)
  })

  test('whose second card refuses the money too is CHANGE again, and is paid to a third', async () => {
    shop.wechat.misbehave({ ...ABNORMAL, on: 'abnormal-refund' })
    await send(TO_CARD)
    await waitForEnd()
    expect(await ledger()).toBe(`${CHANGED} → refund.needs_attention`)
    expect(await send(OTHER_CARD)).toEqual([202, 'PROCESSING'])
    await waitForEnd()
    expect(await ledger()).toBe(
      'REFUND 1000/1000: SUCCESS → refund.needs_attention → refund.needs_attention → refund.succeeded',
    )
    expect(atWechat()?.paidTo).toContain(OTHER_CARD.bankAccount)
  })

  test('that was parked is queried again', async () => {
    await shop.sql('update refunds set parked_at = now(), next_attempt_at = null')
    shop.wechat.misbehave({ on: 'notify', do: 'drop' })
    await send(TO_CARD)
    shop.advance(60_000)
    await shop.cron()
    expect(await ledger()).toBe(PAID)
  })

  test('is found although its notification is still on the way', async () => {
    const late = `${number}-LATE`
    shop.wechat.misbehave(ABNORMAL)
    await requestRefund(shop, order, late, 500)
    shop.advance(3_000)
    expect(await send(TO_CARD, { outRefundNo: late, refundFee: 500 })).toEqual([202, 'PROCESSING'])
  })
})

describe('the same request again', () => {
  test('is answered with the refund, before and after its end, and WeChat gets one', async () => {
    await send(TO_CARD)
    expect(await send(TO_CARD)).toEqual([202, 'PROCESSING'])
    await waitForEnd()
    expect(await send(TO_CARD)).toEqual([202, 'SUCCESS'])
    expect([timesSent(), await ledger()]).toEqual([1, PAID])
  })

  test('at the same time makes one payout', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => send(TO_CARD)))
    expect(answers).toEqual(Array(5).fill([202, 'PROCESSING']))
    await waitForEnd()
    expect(await ledger()).toBe(PAID)
  })

  test('after WeChat’s answer was lost finds the payout', async () => {
    shop.wechat.misbehave({ on: 'abnormal-refund', do: 'lose-answer' })
    expect(await send(TO_CARD)).toEqual([503, 'wechat_unknown'])
    const sent = timesSent()
    shop.wechat.clearFaults()
    expect([await send(TO_CARD), timesSent()]).toEqual([[202, 'PROCESSING'], sent])
    await waitForEnd()
    expect([await ledger(), await send(TO_CARD)]).toEqual([PAID, [202, 'SUCCESS']])
  })

  test('is not sent to WeChat while the state of the refund there is unknown', async () => {
    shop.wechat.misbehave({ on: 'refundquery', do: 'lose-answer' })
    expect([await send(TO_CARD), timesSent()]).toEqual([[503, 'wechat_unknown'], 0])
  })

  test.each(['drop', 'http-500', 'tamper', 'unsigned'] as const)(
    'after the call failed (%s) makes the payout',
    async (fault) => {
      shop.wechat.misbehave({ on: 'abnormal-refund', do: fault })
      const [status] = await send(TO_CARD)
      expect(status).toBeGreaterThanOrEqual(502)
      shop.wechat.clearFaults()
      expect(await send(TO_CARD)).toEqual([202, 'PROCESSING'])
      await waitForEnd()
      expect(await ledger()).toBe(PAID)
    },
  )

  describe('after the instance died between WeChat’s acceptance and the ledger', () => {
    beforeEach(async () => {
      const { deps } = createInstance(process.env)
      const dying: Deps = {
        ...deps,
        refunds: { ...deps.refunds, payoutAccepted: () => Promise.reject(new Error('killed')) },
      }
      const stored = await deps.refunds.find(must(parseOutRefundNo(number)))
      if (stored === null) throw new Error('no refund')
      await expect(payOutRefund(dying, stored, TO_CARD)).rejects.toThrow('killed')
      expect([await ledger(), timesSent()]).toEqual([CHANGED, 1])
    })

    test('finds it, and is not sent to WeChat again', async () => {
      expect([await send(TO_CARD), await ledger()]).toEqual([[202, 'PROCESSING'], PAYING])
      await waitForEnd()
      expect([await ledger(), timesSent()]).toEqual([PAID, 1])
    })

    test('is not necessary: the notification ends the refund, and the request then finds that', async () => {
      await waitForEnd()
      expect([await ledger(), await send(TO_CARD)]).toEqual([PAID, [202, 'SUCCESS']])
    })

    test('is not necessary: cron finds it', async () => {
      shop.wechat.changeSettings({ refundMs: 3_600_000 })
      shop.wechat.misbehave({ on: 'notify', do: 'drop' })
      shop.advance(60_000)
      await shop.cron()
      expect(await ledger()).toBe(PAID)
    })
  })
})

describe('a notification of CHANGE from before the payout', () => {
  const deliverAgain = async () => {
    // WeChat repeats a notification whose acknowledgement is lost.
    shop.advance(15_000)
    await shop.deliverNotifications()
  }

  test('changes nothing after it', async () => {
    const late = `${number}-LATE`
    shop.wechat.misbehave(ABNORMAL)
    await requestRefund(shop, order, late, 500)
    shop.advance(3_000)
    shop.wechat.misbehave({ on: 'notify', do: 'lose-answer' })
    await shop.deliverNotifications()
    shop.wechat.clearFaults()
    shop.wechat.changeSettings({ refundMs: 3_600_000 })
    expect(await send(TO_CARD, { outRefundNo: late, refundFee: 500 })).toEqual([202, 'PROCESSING'])
    const before = await ledger()
    await deliverAgain()
    expect(await ledger()).toBe(before)
    expect(before).toContain('PROCESSING')
  })

  test('changes nothing even if it is stored late', async () => {
    const { deps } = createInstance(process.env)
    const find = async () => {
      const found = await deps.refunds.find(must(parseOutRefundNo(number)))
      if (found === null) throw new Error('no refund')
      return found
    }
    const readBefore = await find()
    await send(TO_CARD)
    const { refundId } = readBefore
    const late = { refundStatus: 'CHANGE', refundId, errCode: null, errText: null } as const
    await deps.refunds.settle({ ...readBefore, refundStatus: 'PROCESSING' }, late, new Date())
    expect(await ledger()).toBe(PAYING)
    await deps.refunds.settle(await find(), late, new Date())
    expect(await ledger()).toBe(`${CHANGED} → refund.needs_attention`)
  })
})

describe('a payout is refused', () => {
  test('by WeChat, with its text for the merchant, and the refund stays CHANGE', async () => {
    shop.wechat.misbehave({
      on: 'abnormal-refund',
      do: 'err-code',
      errCode: 'INVALID_REQUEST',
      errCodeDes: '开户名与卡号不符',
    })
    const body = { outTradeNo: order, outRefundNo: number, refundFee: 1000, payout: TO_CARD }
    const answer = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
    expect([answer.status, answer.json['code']]).toEqual([409, 'payout_refused'])
    expect(answer.json['detail']).toMatch(
      /^WeChat answered INVALID_REQUEST \(“开户名与卡号不符”\): check bankType.* still CHANGE\.$/,
    )
    expect(await ledger()).toBe(CHANGED)
    shop.wechat.clearFaults()
    expect(await send(TO_CARD)).toEqual([202, 'PROCESSING'])
  })

  test('by WeChat, and a text that repeats the account or the name is not shown', async () => {
    for (const value of [TO_CARD.bankAccount, TO_CARD.realName]) {
      shop.wechat.misbehave({
        on: 'abnormal-refund',
        do: 'err-code',
        errCode: 'PARAM_ERROR',
        errCodeDes: `收款账户${value}不存在`,
      })
      expect(await send(TO_CARD)).toEqual([409, 'payout_refused'])
    }
  })

  test('for a refund that is not in CHANGE', async () => {
    const other = `${number}-OTHER`
    await requestRefund(shop, order, other, 500)
    const payout = () => send(TO_CARD, { outRefundNo: other, refundFee: 500 })
    expect(await payout()).toEqual([409, 'payout_not_possible'])
    await waitForEnd()
    expect(await payout()).toEqual([409, 'payout_not_possible'])
    expect(timesSent()).toBe(0)
  })

  test('for a refund that does not exist, which is not made', async () => {
    const answer = await send(TO_CARD, { outRefundNo: 'R-UNKNOWN' })
    expect(answer).toEqual([404, 'refund_not_found'])
    expect(await shop.sql(`select from refunds where out_refund_no = 'R-UNKNOWN'`)).toEqual([])
  })

  test('for other content than the refund has', async () => {
    expect(await send(TO_CARD, { refundFee: 999 })).toEqual([409, 'refund_conflict'])
    expect(await send(TO_CARD, { refundDesc: 'other' })).toEqual([409, 'refund_conflict'])
  })
})

test('account and name are in no event, no row, no message to WeChat and no text that can be read', async () => {
  await send(TO_CARD)
  await waitForEnd()
  const rows = await shop.sql(
    `select to_jsonb(r) as row from refunds r union all select to_jsonb(e) from events e union all select to_jsonb(i) from incidents i`,
  )
  const messages = shop.wechat.messageLog.filter(({ url }) => url.includes('/v3/'))
  const texts = [
    ...rows.map(({ row }) => JSON.stringify(row)),
    ...shop.world.events.map(({ body }) => body),
    ...messages.map(({ request }) => request),
  ].join('\n')
  expect(texts).toContain(number)
  for (const secret of [TO_CARD.bankAccount, TO_CARD.realName]) expect(texts).not.toContain(secret)
  expect(texts).toContain('"bank_account":"')
})
