/** A refund notification counts once, whatever happens to it on its way. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseOutRefundNo, parseOutTradeNo } from '../../lib/core/ids.ts'
import { toFen } from '../../lib/core/money.ts'
import type { Deps } from '../../lib/ports.ts'
import { refund } from '../../lib/steps/request-refund.ts'
import { createInstance } from '../../lib/composition.ts'
import { refundMessage, TAKEN } from '../support/messages/messages.ts'
import { must } from '../support/must.ts'
import {
  deliverRefundNotification,
  paidOrder,
  requestRefund,
  summariseRefunds,
} from '../support/refunds.ts'
import { openShop, type Shop } from '../support/shop.ts'
import { withGateway } from '../support/with-gateway.ts'

let shop: Shop
let deps: Deps
beforeAll(async () => {
  shop = await openShop()
  await shop.wechat.stop()
  deps = { ...createInstance(process.env).deps }
})
afterAll(() => shop.close())
afterEach(() => shop.wechat.clearFaults())

/** A paid order of 2800 fen, and the number of a refund of 1000. */
let order = ''
let number = ''
let count = 0
beforeEach(async () => {
  order = await paidOrder(shop)
  number = `R-${(count += 1)}`
})
const sendRequest = (outRefundNo = number, refundFee = 1000) =>
  requestRefund(shop, order, outRefundNo, refundFee)
const ledger = (outTradeNo = order) => summariseRefunds(shop, outTradeNo)
/** Advances the clock until WeChat has paid the refund out. */
const waitUntilPaidOut = () => shop.advance(3_000)
const deliverNotification = () => deliverRefundNotification(shop, order)
const DONE = 'REFUND 1000/1000: SUCCESS → refund.succeeded'

describe('a genuine refund notification', () => {
  test('counts once after fifteen concurrent copies and a repeat', async () => {
    await sendRequest()
    waitUntilPaidOut()
    shop.wechat.misbehave({ on: 'notify', do: 'repeat', copies: 15, times: 1 })
    expect(await deliverNotification()).toBe(true)
    const [made] = shop.wechat.refunds().filter(({ outTradeNo }) => outTradeNo === order)
    const again = refundMessage(shop, {
      outTradeNo: order,
      outRefundNo: number,
      refundId: made?.refundId ?? '',
      refundFee: 1000,
    })
    expect([await shop.notify(again), await ledger()]).toMatchObject([TAKEN, DONE])
  })

  test('that arrives before WeChat’s answer to our request is not undone by that answer', async () => {
    const notifiedFirst = withGateway(deps, ({ sendRefund }) => ({
      sendRefund: async (asked) => {
        const answer = await sendRefund(asked)
        waitUntilPaidOut()
        expect(await deliverNotification()).toBe(true)
        return answer
      },
    }))
    const draft = {
      outTradeNo: must(parseOutTradeNo(order)),
      outRefundNo: must(parseOutRefundNo(number)),
      refundFee: must(toFen(1000)),
    }
    const made = must(await refund(notifiedFirst, draft))
    expect([made.refundStatus, await ledger()]).toEqual(['SUCCESS', DONE])
  })

  test.each(['drop', 'lose-answer', 'garble', 'tamper', 'wrong-key', 'html', 'truncate'] as const)(
    'that is lost or damaged in transit (%s) is repeated, and counts once',
    async (fault) => {
      await sendRequest()
      waitUntilPaidOut()
      shop.wechat.misbehave({ on: 'notify', do: fault, times: 1 })
      await deliverNotification()
      await deliverNotification()
      expect([await deliverNotification(), await ledger()]).toEqual([true, DONE])
    },
  )

  test('of a closed refund releases its claim, and sends one event', async () => {
    shop.wechat.misbehave({ on: 'refund', do: 'end-as', status: 'REFUNDCLOSE', times: 1 })
    await sendRequest()
    waitUntilPaidOut()
    expect([await deliverNotification(), await ledger()]).toEqual([
      true,
      'REFUND 0/0: REFUNDCLOSE → refund.failed',
    ])
    expect(await sendRequest(`${number}-again`, 2800)).toEqual([202, 'PROCESSING'])
    waitUntilPaidOut()
    expect([await deliverNotification(), await ledger()]).toEqual([
      true,
      'REFUND 2800/2800: REFUNDCLOSE SUCCESS → refund.failed → refund.succeeded',
    ])
  })
})
