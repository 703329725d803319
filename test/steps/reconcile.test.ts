/** The comparison of a day's bill with the ledger. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { signed } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/xml.ts'
import { writeBill, type PaymentLine, type RefundLine } from '../support/bill.ts'
import { openBillServer, type BillServer, type WechatAnswer } from '../support/bill-server.ts'
import { paymentFacts, transactionOf } from '../support/messages/messages.ts'
import { paymentEvent, signBody } from '../support/messages/v3.ts'
import { inProtocol } from '../support/mode.ts'
import { listenToLog } from './log-lines.ts'
import { openShop, textOf, type Answer, type Json, type Shop } from '../support/shop.ts'

const DAY_MS = 86_400_000
const NOON = new Date('2026-11-20T12:00:00+08:00')
const CREATING = { v2: 'Bill Creating', v3: 'STATEMENT_CREATING' }

let server: BillServer
let shop: Shop
let token: string
beforeAll(async () => {
  // WeChat's certificates are valid from the time at which the shop opens.
  vi.useFakeTimers({ toFake: ['Date'], now: NOON })
  server = await openBillServer()
  shop = await openShop(server.variables)
  server.standBefore(shop)
  // The simulator sends no notification by itself; a test that needs one delivers it.
  await shop.wechat.stop()
})
afterAll(async () => {
  await shop.close()
  await server.close()
})
beforeEach(async () => {
  vi.setSystemTime(NOON)
  // Work of the test before would be deadlocked.
  await shop.world.settled()
  await shop.sql('truncate orders, payments, refunds, bills, incidents, events cascade')
  server.bills.clear()
  server.answers.clear()
  server.requestedDays.length = 0
  shop.wechat.clearFaults()
  token = await shop.logIn()
})

/** A payment of 2800 fen. If its notification is lost, only WeChat knows it. */
async function takePayment(notification: 'arrives' | 'is lost' = 'arrives'): Promise<PaymentLine> {
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  if (notification === 'is lost') shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.deliverNotifications()
  return { outTradeNo, transactionId: transactionOf(shop, outTradeNo), totalFee: 2800 }
}

const STRANGER: PaymentLine = {
  outTradeNo: '20261120000000000000000000009999',
  transactionId: '4200009999202611200000099999',
  totalFee: 500,
}

/** A refund made in the merchant console, as a line of the bill. WeChat does not report it. */
function refundAtWechat({ outTradeNo, transactionId }: PaymentLine, refundFee: number): RefundLine {
  const { outRefundNo, refundId } = shop.wechat.refundInConsole(outTradeNo, refundFee, 'unreported')
  return { outTradeNo, transactionId, outRefundNo, refundId, refundFee }
}

/** A line of the bill about a refund that WeChat does not know. */
const unknownRefund = ({ outTradeNo, transactionId }: PaymentLine): RefundLine => ({
  outTradeNo,
  transactionId,
  outRefundNo: 'C1',
  refundId: `5${transactionId}`,
  refundFee: 1000,
})

const UNREADABLE: WechatAnswer = { body: '<html>' }

/** A signed answer of WeChat, in the protocol of the mode under test. */
const answer = (answers: {
  readonly v2: Readonly<Record<string, string>>
  readonly v3: object | string
  readonly status?: number
}): WechatAnswer =>
  inProtocol<() => WechatAnswer>({
    v2: () => {
      const { WECHAT_APPID: appid, WECHAT_MCH_ID: mchId, WECHAT_PAY_KEY: key } = shop.world.env
      const all = {
        return_code: 'SUCCESS',
        appid,
        mch_id: mchId,
        nonce_str: '21df7dc9cd8616b56919f20d9f679233',
        ...answers.v2,
      }
      return { body: writeXml(signed(new Map(Object.entries(all)), key, 'MD5')) }
    },
    v3: () => ({
      ...signBody(shop, typeof answers.v3 === 'string' ? answers.v3 : JSON.stringify(answers.v3)),
      status: answers.status ?? 200,
    }),
  })()

/** WeChat's answer to a query of a paid order, with a change. */
function paidAnswer(
  { outTradeNo }: PaymentLine,
  change: Readonly<Record<string, string>> = {},
): WechatAnswer {
  const sent = shop.wechat.notifications().find((one) => one.outTradeNo === outTradeNo)
  const transactionId = transactionOf(shop, outTradeNo)
  const payer = change['openid'] === undefined ? {} : { payer: change['openid'] }
  const { plain } = paymentEvent(paymentFacts(shop, outTradeNo, { transactionId, ...payer }))
  return answer({
    v2: { ...sent?.message, trade_state: 'SUCCESS', ...change },
    v3: plain,
  })
}

/** Requests the comparison of one day. */
async function compare(day = '2026-11-20'): Promise<Answer> {
  const compared = await shop.call('GET', `/api/cron?bill=${day}`, { token: shop.cronSecret })
  await shop.world.settled()
  return compared
}

const compareNextMorning = () => {
  advanceToNextMorning()
  return compare()
}
const advanceToNextMorning = (): void =>
  void vi.setSystemTime(new Date('2026-11-21T11:00:00+08:00'))

/**
 * Incidents of cron only. WeChat may repeat notifications of earlier tests, whose orders are
 * deleted.
 */
const incidents = (): Promise<readonly Json[]> =>
  shop.sql(
    `select kind, out_trade_no, expected, received, source from incidents where source = 'cron' order by kind, out_trade_no`,
  )
const stored = (): Promise<readonly Json[]> =>
  shop.sql(
    'select day::text, outcome, payments, refunds, settled, differences from bills where compared_at is not null order by day',
  )
const stateOf = async ({ outTradeNo }: PaymentLine) =>
  (await shop.sql('select trade_state from orders where out_trade_no = $1', [outTradeNo]))[0]?.[
    'trade_state'
  ]
const incidentEvents = () =>
  shop.world.events.filter(({ body }) => body.includes('payment.incident'))

describe('cron', () => {
  test('compares yesterday’s bill once, and stores the agreement', async () => {
    server.bills.set('20261120', [await takePayment(), await takePayment()])
    advanceToNextMorning()
    expect(await shop.cron()).toMatchObject({ reconciled: 1, settled: 0 })
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    expect(server.requestedDays).toEqual(['20261120'])
    expect(await stored()).toEqual([
      {
        day: '2026-11-20',
        outcome: 'compared',
        payments: 2,
        refunds: 0,
        settled: 0,
        differences: 0,
      },
    ])
    expect(await incidents()).toEqual([])
  })

  test('waits until ten o’clock in Beijing', async () => {
    server.bills.set('20261120', [await takePayment()])
    vi.setSystemTime(new Date('2026-11-21T09:59:59+08:00'))
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    expect(server.requestedDays).toEqual([])
    vi.setSystemTime(new Date('2026-11-21T10:00:00+08:00'))
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
  })

  test('stores a day without transactions as empty', async () => {
    advanceToNextMorning()
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await stored()).toEqual([
      { day: '2026-11-20', outcome: 'empty', payments: 0, refunds: 0, settled: 0, differences: 0 },
    ])
  })

  test('compares missed days of the last week, oldest first, and none from before the first order', async () => {
    await takePayment()
    vi.setSystemTime(NOON.getTime() + 3 * DAY_MS)
    await shop.cron()
    expect(server.requestedDays).toEqual(['20261120', '20261121', '20261122'])
    server.requestedDays.length = 0
    vi.setSystemTime(NOON.getTime() + 20 * DAY_MS)
    expect(await shop.cron()).toMatchObject({ reconciled: 7 })
    expect(server.requestedDays).toEqual([
      '20261203',
      '20261204',
      '20261205',
      '20261206',
      '20261207',
      '20261208',
      '20261209',
    ])
  })

  test('logs the days that it no longer compares while WeChat still has their bills', async () => {
    const log = listenToLog()
    const logged = () => {
      const lines = log.splice(0).filter((line) => line.includes('bill_never_compared'))
      return lines.map((line): unknown => JSON.parse(line))
    }
    await takePayment()
    vi.setSystemTime(NOON.getTime() + 8 * DAY_MS)
    await shop.cron()
    expect(logged()).toMatchObject([{ level: 'warn', count: 1, detail: '2026-11-20' }])
    vi.setSystemTime(NOON.getTime() + 20 * DAY_MS)
    await shop.cron()
    expect(logged()).toMatchObject([{ count: 6, detail: '2026-11-20 to 2026-12-02' }])
    await compare('2026-11-20')
    await shop.cron()
    expect(logged()).toMatchObject([{ count: 5, detail: '2026-11-28 to 2026-12-02' }])
    vi.setSystemTime(NOON.getTime() + 105 * DAY_MS)
    await shop.cron()
    expect(logged()).not.toMatchObject([{ detail: expect.stringContaining('2026-11-28') }])
    vi.restoreAllMocks()
  })

  test('continues with the next day after one that fails', async () => {
    await takePayment()
    server.bills.set('20261120', '<html>502</html>')
    vi.setSystemTime(NOON.getTime() + 2 * DAY_MS)
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await stored()).toMatchObject([{ day: '2026-11-21' }])
  })

  test.each([
    ['is not ready', CREATING],
    ['is a system error at WeChat', { v2: 'SYSTEMERROR', v3: 'SYSTEM_ERROR' }],
    ['is refused with an unknown text', { v2: 'something new', v3: 'SOMETHING_NEW' }],
    ['is an error page of a gateway', '<html><body>502 Bad Gateway</body></html>'],
    ['is truncated', writeBill([STRANGER]).slice(0, -120)],
    ['is truncated in compressed form', gzipSync(writeBill([STRANGER])).subarray(0, 200)],
  ])('retries and uses nothing of a bill that %s', async (_what, bill) => {
    const paid = await takePayment()
    advanceToNextMorning()
    server.bills.set('20261120', bill)
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    expect(await incidents()).toEqual([])
    expect(await stored()).toEqual([])
    server.bills.set('20261120', [paid])
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await incidents()).toEqual([])
  })

  test('compares a day once in concurrent runs', async () => {
    server.bills.set('20261120', [await takePayment()])
    advanceToNextMorning()
    const both = await Promise.all([shop.cron(), shop.cron()])
    expect(both.map((done) => done['reconciled']).toSorted()).toEqual([0, 1])
    expect(server.requestedDays).toEqual(['20261120'])
  })

  test('takes over from a run that died once its lease expires', async () => {
    server.bills.set('20261120', [await takePayment()])
    advanceToNextMorning()
    await shop.sql('insert into bills (day, claimed_until) values ($1, $2)', [
      '2026-11-20',
      new Date(Date.now() + 330_000),
    ])
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    shop.advance(331_000)
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
  })

  test('finishes the day later if the database fails halfway', async () => {
    const paid = await takePayment()
    advanceToNextMorning()
    server.bills.set('20261120', () => {
      shop.world.faults.database.down()
      return [paid]
    })
    expect((await shop.call('GET', '/api/cron', { token: shop.cronSecret })).status).toBe(503)
    await shop.world.settled()
    shop.world.faults.database.up()
    server.bills.set('20261120', [paid])
    shop.advance(331_000)
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await incidents()).toEqual([])
  })
})

describe('a payment', () => {
  test('that is missing here is settled by WeChat’s signed answer', async () => {
    const paid = await takePayment('is lost')
    server.bills.set('20261120', [paid])
    advanceToNextMorning()
    expect((await compare()).json).toMatchObject({
      settled: 1,
      reconciled: 1,
      bill: { outcome: 'compared', settled: 1, differences: 0 },
    })
    expect(await stateOf(paid)).toBe('SUCCESS')
    expect(await shop.sql('select source from payments')).toEqual([{ source: 'cron' }])
    expect(await incidents()).toEqual([])
    expect(
      shop.world.events.filter(
        ({ body }) => body.includes('order.paid') && body.includes(paid.outTradeNo),
      ),
    ).toHaveLength(1)
  })

  test('of an unknown order is an incident, with one event', async () => {
    server.bills.set('20261120', [STRANGER])
    advanceToNextMorning()
    const before = incidentEvents().length
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    await compare()
    const { outTradeNo, transactionId } = STRANGER
    expect(await incidents()).toEqual([
      {
        kind: 'order',
        out_trade_no: outTradeNo,
        expected: {},
        received: { totalFee: 500, feeType: 'CNY', transactionId },
        source: 'cron',
      },
    ])
    expect(incidentEvents()).toHaveLength(before + 1)
    expect(await stored()).toMatchObject([{ differences: 1 }])
  })

  test('of another amount is an incident, and the order does not change', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [{ ...paid, totalFee: 2801 }])
    advanceToNextMorning()
    await shop.cron()
    const { outTradeNo, transactionId } = paid
    expect(await incidents()).toEqual([
      {
        kind: 'amount',
        out_trade_no: outTradeNo,
        expected: { totalFee: 2800, feeType: 'CNY', transactionId },
        received: { totalFee: 2801, feeType: 'CNY', transactionId },
        source: 'cron',
      },
    ])
    expect(await stateOf(paid)).toBe('SUCCESS')
  })

  test.each([
    ['with another number', { transactionId: STRANGER.transactionId }, 'transaction'],
    ['in another currency', { feeType: 'USD' }, 'currency'],
  ])('%s is an incident', async (_what, change, kind) => {
    server.bills.set('20261120', [{ ...(await takePayment()), ...change }])
    advanceToNextMorning()
    await shop.cron()
    expect(await incidents()).toMatchObject([{ kind }])
  })

  test('that WeChat’s answer does not confirm changes nothing, because a bill is not signed', async () => {
    const unpaid = {
      outTradeNo: await shop.placeOrder(token),
      transactionId: STRANGER.transactionId,
      totalFee: 2800,
    }
    await shop.prepay(token, unpaid.outTradeNo)
    server.bills.set('20261120', [unpaid])
    advanceToNextMorning()
    await compare()
    expect(await incidents()).toMatchObject([
      { kind: 'unconfirmed', out_trade_no: unpaid.outTradeNo },
    ])
    expect(await stateOf(unpaid)).not.toBe('SUCCESS')
  })

  test('whose query fails leaves the day for later', async () => {
    server.bills.set('20261120', [await takePayment('is lost')])
    advanceToNextMorning()
    server.answers.set('query', () => UNREADABLE)
    expect((await compare()).json).toMatchObject({ code: 'wechat_untrusted' })
    expect(await stored()).toEqual([])
    server.answers.clear()
    expect((await compare()).json).toMatchObject({ settled: 1 })
  })

  describe('whose query has no usable answer', () => {
    const SYSTEMERROR = () =>
      answer({
        v2: { result_code: 'FAIL', err_code: 'SYSTEMERROR' },
        v3: { code: 'SYSTEM_ERROR', message: '系统异常' },
        status: 500,
      })
    /** Replaces WeChat's answer about these orders only. */
    const answersAbout = (
      orders: readonly PaymentLine[],
      says: () => WechatAnswer,
      times = Infinity,
    ) => {
      let left = times
      server.answers.set('query', (number) =>
        orders.some(({ outTradeNo }) => outTradeNo === number) && (left -= 1) >= 0 ? says() : null,
      )
    }

    test.each([
      [
        'of unreadable text',
        () =>
          inProtocol<() => WechatAnswer>({
            v2: () => ({ body: '<xml><attach><![CDATA[a]]>b]]></attach></xml>' }),
            v3: () => answer({ v2: {}, v3: '{"attach":"a"b"}' }),
          })(),
      ],
      ['of a system error', SYSTEMERROR],
    ])('because %s is a difference, and the day is compared', async (_what, says) => {
      const [broken, lost] = [await takePayment('is lost'), await takePayment('is lost')]
      server.bills.set('20261120', [broken, lost])
      answersAbout([broken], says)
      expect((await compareNextMorning()).json).toMatchObject({
        settled: 1,
        bill: { outcome: 'compared', differences: 1 },
      })
      expect(await incidents()).toMatchObject([
        { kind: 'unconfirmed', out_trade_no: broken.outTradeNo },
      ])
      expect([await stateOf(broken), await stateOf(lost)]).toEqual(['NOTPAY', 'SUCCESS'])
      server.answers.clear()
      expect((await compare()).json).toMatchObject({ settled: 1, bill: { differences: 0 } })
    })

    const changes = [
      ['names no payer', { openid: '' }],
      // The text that APIv3 signs shows where a value ends.
      ...inProtocol({
        v2: [['hides a field in a value', { device_info: 'WEB&product_id=1' }] as const],
        v3: [],
      }),
    ] as const
    test.each(changes)(
      'because it %s stays unpaid, even if the answer is signed and says SUCCESS',
      async (_what, change) => {
        const lost = await takePayment('is lost')
        server.bills.set('20261120', [lost])
        answersAbout([lost], () => paidAnswer(lost, change))
        expect((await compareNextMorning()).json).toMatchObject({
          settled: 0,
          bill: { differences: 1 },
        })
        answersAbout([lost], () => paidAnswer(lost))
        expect((await compare()).json).toMatchObject({ settled: 1, bill: { differences: 0 } })
      },
    )

    test('once is queried again and settled', async () => {
      const lost = await takePayment('is lost')
      server.bills.set('20261120', [lost])
      answersAbout([lost], () => UNREADABLE, 1)
      expect((await compareNextMorning()).json).toMatchObject({
        settled: 1,
        bill: { differences: 0 },
      })
    })

    test('like that of many others leaves the day for later', async () => {
      const lost: PaymentLine[] = []
      for (let count = 0; count < 12; count += 1) lost.push(await takePayment('is lost'))
      server.bills.set('20261120', lost)
      answersAbout(lost.slice(1), () => UNREADABLE)
      expect((await compareNextMorning()).json).toMatchObject({ code: 'wechat_unknown' })
      expect([await stored(), await incidents()]).toEqual([[], []])
    })

    test('because WeChat limits the rate leaves the day for later', async () => {
      const lost = await takePayment('is lost')
      server.bills.set('20261120', [lost])
      const busy = new Map([
        ['return_code', 'FAIL'],
        ['return_msg', '请求过于频繁'],
      ])
      answersAbout([lost], () =>
        inProtocol<() => WechatAnswer>({
          v2: () => ({ body: writeXml(busy) }),
          v3: () =>
            answer({ v2: {}, v3: { code: 'FREQUENCY_LIMITED', message: '频率超限' }, status: 429 }),
        })(),
      )
      expect((await compareNextMorning()).json).toMatchObject({ code: 'wechat_busy' })
      expect([await stored(), await incidents()]).toEqual([[], []])
    })
  })

  test('that is missing in the bill is an incident, with one event', async () => {
    const [paid, missing] = [await takePayment(), await takePayment()]
    server.bills.set('20261120', [paid])
    advanceToNextMorning()
    await shop.cron()
    await compare()
    expect(await incidents()).toEqual([
      {
        kind: 'unbilled',
        out_trade_no: missing.outTradeNo,
        expected: {
          totalFee: 2800,
          transactionId: missing.transactionId,
          paidAt: '2026-11-20T12:00:00+08:00',
        },
        received: { totalFee: null, transactionId: null },
        source: 'cron',
      },
    ])
  })

  test('on a day for which WeChat has no bill is an incident', async () => {
    const missing = await takePayment()
    advanceToNextMorning()
    await shop.cron()
    expect(await incidents()).toMatchObject([
      { kind: 'unbilled', out_trade_no: missing.outTradeNo },
    ])
  })

  test('one second before midnight may be in the next day’s bill', async () => {
    vi.setSystemTime(new Date('2026-11-20T23:59:59+08:00'))
    const late = await takePayment()
    advanceToNextMorning()
    await shop.cron()
    expect(await incidents()).toEqual([])
    server.bills.set('20261121', [late])
    shop.advance(DAY_MS)
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await incidents()).toEqual([])
    expect((await compare()).json).toMatchObject({ bill: { differences: 0 } })
  })

  test('one second before midnight that is in neither bill is an incident once both are available', async () => {
    vi.setSystemTime(new Date('2026-11-20T23:59:59+08:00'))
    const late = await takePayment()
    advanceToNextMorning()
    await shop.cron()
    expect(await incidents()).toEqual([])
    shop.advance(DAY_MS)
    await shop.cron()
    expect(await incidents()).toMatchObject([{ kind: 'unbilled', out_trade_no: late.outTradeNo }])
  })
})

describe('a refund', () => {
  const fault = (errCode: string) => ({ on: 'refundquery', do: 'err-code', errCode }) as const
  const storedRefunds = () => shop.sql('select refund_fee from refunds')

  test.each([
    ['an unreadable answer', { on: 'refundquery', do: 'html' } as const],
    ['a system error', fault(inProtocol({ v2: 'SYSTEMERROR', v3: 'SYSTEM_ERROR' }))],
    ['a rate limit', fault('FREQUENCY_LIMITED')],
    [
      'that WeChat does not know it',
      fault(inProtocol({ v2: 'REFUNDNOTEXIST', v3: 'RESOURCE_NOT_EXISTS' })),
    ],
    ['an unknown refusal', fault('AN_UNKNOWN_CODE')],
  ])(
    'made in the console is stored by a later run when the first run gets %s',
    async (_what, misbehaviour) => {
      const paid = await takePayment()
      server.bills.set('20261120', [paid, refundAtWechat(paid, 1000)])
      shop.wechat.misbehave(misbehaviour)
      advanceToNextMorning()
      expect(await shop.cron()).toMatchObject({ reconciled: 0 })
      expect([await stored(), await storedRefunds()]).toEqual([[], []])
      expect(await incidents()).toMatchObject([
        { kind: 'refund_unknown', out_trade_no: paid.outTradeNo },
      ])
      shop.wechat.clearFaults()
      expect(await shop.cron()).toMatchObject({ reconciled: 1 })
      expect(await storedRefunds()).toEqual([{ refund_fee: 1000 }])
      expect(await incidents()).toHaveLength(1)
    },
  )

  test.each([
    ['gives no usable answer about', UNREADABLE],
    ['does not know', null],
  ])(
    'that WeChat %s leaves its day for later for three days, and is then a difference',
    async (_what, says) => {
      const [paid, other] = [await takePayment(), await takePayment('is lost')]
      const log = listenToLog()
      server.answers.set('query refund', (number) => (number === 'C1' ? says : null))
      server.bills.set('20261120', [paid, other, unknownRefund(paid)])
      advanceToNextMorning()
      for (let day = 1; day <= 3; day += 1, shop.advance(DAY_MS)) {
        await shop.cron()
        expect(await stored()).not.toMatchObject([{ day: '2026-11-20' }])
      }
      expect(
        log.filter((line) => line.includes('"refund_not_finished"') && line.includes('C1')),
      ).toHaveLength(3)
      vi.restoreAllMocks()
      await shop.cron()
      expect((await stored())[0]).toMatchObject({
        day: '2026-11-20',
        outcome: 'compared',
        refunds: 1,
        differences: 1,
      })
      expect(await incidents()).toMatchObject([
        { kind: 'refund_unknown', out_trade_no: paid.outTradeNo },
      ])
      expect([await stateOf(other), await storedRefunds()]).toEqual(['SUCCESS', []])
    },
  )

  test('whose query always fails leaves the day for later, whatever its age', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [paid, refundAtWechat(paid, 1000)])
    shop.wechat.misbehave(fault(inProtocol({ v2: 'SYSTEMERROR', v3: 'SYSTEM_ERROR' })))
    vi.setSystemTime(NOON.getTime() + 6 * DAY_MS)
    expect((await compare()).json).toMatchObject({ code: 'wechat_unknown' })
    expect(await stored()).toEqual([])
  })

  test('made in the console is an incident and reduces what can still be refunded', async () => {
    const paid = await takePayment()
    const refund = refundAtWechat(paid, 1000)
    server.bills.set('20261120', [paid, refund])
    advanceToNextMorning()
    expect((await compare()).json).toMatchObject({ bill: { refunds: 1, differences: 1 } })
    const { outRefundNo, refundId } = refund
    expect(await incidents()).toEqual([
      {
        kind: 'refund_unknown',
        out_trade_no: paid.outTradeNo,
        expected: {},
        received: { outRefundNo, refundId, refundFee: 1000, refundStatus: 'SUCCESS' },
        source: 'cron',
      },
    ])
    expect(await shop.sql('select claimed_fee, trade_state from orders')).toEqual([
      { claimed_fee: 1000, trade_state: 'REFUND' },
    ])
    expect((await compare()).json).toMatchObject({ bill: { refunds: 1, differences: 0 } })
  })

  test('that WeChat’s answer does not confirm is an incident and is not counted', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [paid, unknownRefund(paid)])
    advanceToNextMorning()
    expect((await compare()).json).toMatchObject({ code: 'wechat_unknown' })
    expect(await incidents()).toMatchObject([
      { kind: 'refund_unknown', out_trade_no: paid.outTradeNo },
    ])
    expect(await shop.sql('select claimed_fee from orders')).toEqual([{ claimed_fee: 0 }])
  })

  /** A refund of ours that WeChat has accepted. */
  async function takeRefund({ outTradeNo, transactionId }: PaymentLine): Promise<RefundLine> {
    const body = { outTradeNo, outRefundNo: `C${transactionId}`, refundFee: 1000 }
    const accepted = await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })
    expect(accepted.status).toBe(202)
    return { ...body, transactionId, refundId: textOf(accepted.json, 'refundId') }
  }

  test('of ours in the bill is no difference, whatever its state was that day', async () => {
    const paid = await takePayment()
    const refund = await takeRefund(paid)
    server.bills.set('20261120', [paid, { ...refund, refundStatus: 'PROCESSING' }])
    advanceToNextMorning()
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await incidents()).toEqual([])
  })

  test.each([
    ['of another amount', { refundFee: 999 }],
    ['with another number at WeChat', { refundId: '50300002502025010200000009999' }],
    ['of another order', { outTradeNo: STRANGER.outTradeNo }],
  ])('%s is an incident', async (_what, change) => {
    const paid = await takePayment()
    const refund = { ...(await takeRefund(paid)), ...change }
    server.bills.set('20261120', [paid, refund])
    advanceToNextMorning()
    await compare()
    expect(await incidents()).toMatchObject([
      { kind: 'refund', out_trade_no: refund.outTradeNo, expected: { refundFee: 1000 } },
    ])
  })

  test('that is missing in the bill is an incident', async () => {
    const paid = await takePayment()
    const { outRefundNo } = await takeRefund(paid)
    server.bills.set('20261120', [paid])
    advanceToNextMorning()
    await compare()
    expect(await incidents()).toMatchObject([
      { kind: 'refund_unbilled', out_trade_no: paid.outTradeNo, expected: { outRefundNo } },
    ])
  })

  test('of an account that the bill does not cover is no difference, and neither is its payment', async () => {
    const paid = await takePayment()
    const former = await takePayment()
    await takeRefund(former)
    await shop.sql('alter table orders disable trigger orders_keep_account')
    await shop.sql("update orders set appid = 'wx00000000former01' where out_trade_no = $1", [
      former.outTradeNo,
    ])
    await shop.sql('alter table orders enable trigger orders_keep_account')
    server.bills.set('20261120', [paid])
    advanceToNextMorning()
    await compare()
    expect(await incidents()).toEqual([])
  })
})

describe('on demand', () => {
  test.each([
    '2026-11-21',
    '2026-11-22',
    '2027-01-01',
    '2026-08-20',
    '2026-02-30',
    '20261120',
    'yesterday',
    '',
  ])('the day %j is refused', async (day) => {
    advanceToNextMorning()
    const refused = await compare(day)
    expect([refused.status, refused.json['code']]).toEqual([400, 'invalid_request'])
    expect(server.requestedDays).toEqual([])
  })

  test('a day of three months ago is compared', async () => {
    advanceToNextMorning()
    expect((await compare('2026-08-21')).json).toMatchObject({
      reconciled: 1,
      bill: { day: '2026-08-21', outcome: 'empty' },
    })
  })

  test('a day is compared again, and a payment that its bill no longer has is found', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [paid])
    advanceToNextMorning()
    await shop.cron()
    server.bills.set('20261120', [])
    expect((await compare()).json).toMatchObject({ bill: { differences: 1 } })
    expect(await incidents()).toMatchObject([{ kind: 'unbilled', out_trade_no: paid.outTradeNo }])
    expect(await stored()).toMatchObject([{ differences: 1 }])
  })

  test('the lines of a truncated bill do not count', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', writeBill(Array.from({ length: 800 }, () => paid)).slice(0, -120))
    advanceToNextMorning()
    expect((await compare()).json).toMatchObject({ code: 'wechat_untrusted' })
    server.bills.set('20261120', [])
    expect((await compare()).json).toMatchObject({ bill: { differences: 1 } })
  })

  test('a bill that is not ready is answered with 503 and Retry-After', async () => {
    advanceToNextMorning()
    server.bills.set('20261120', CREATING)
    const answered = await compare()
    expect([answered.status, answered.json['code'], answered.headers.get('retry-after')]).toEqual([
      503,
      'bill_not_ready',
      '1800',
    ])
  })

  test('a day that another run compares is refused', async () => {
    advanceToNextMorning()
    await shop.sql('insert into bills (day, claimed_until) values ($1, $2)', [
      '2026-11-20',
      new Date(Date.now() + 330_000),
    ])
    expect(await compare()).toMatchObject({ status: 409, json: { code: 'bill_busy' } })
  })

  test('only the cron secret may request it', async () => {
    advanceToNextMorning()
    expect(
      (await shop.call('GET', '/api/cron?bill=2026-11-20', { token: shop.merchantKey })).status,
    ).toBe(403)
    expect((await shop.call('GET', '/api/cron?bill=2026-11-20')).status).toBe(401)
  })
})

test('thousands of rows are compared in batches', async () => {
  await shop.sql(`
    insert into orders (out_trade_no, openid, total_fee, body, client_ip, notify_url, created_at, time_expire, request_hash)
    select 'many' || lpad(n::text, 8, '0'), 'oMany', n, 'x', '127.0.0.1', 'https://shop.example', '2026-11-20 08:00+08', '2026-11-20 10:00+08', 'x'
    from generate_series(1, 2500) n`)
  await shop.sql(`
    insert into payments (out_trade_no, transaction_id, total_fee, paid_at, source, recorded_at)
    select out_trade_no, '42' || out_trade_no, total_fee, '2026-11-20 09:00+08', 'notify', '2026-11-20 09:00+08' from orders`)
  await shop.sql(
    `update orders set trade_state = 'SUCCESS', transaction_id = '42' || out_trade_no, paid_at = '2026-11-20 09:00+08'`,
  )
  const lines = Array.from({ length: 2_500 }, (_, index) => {
    const outTradeNo = `many${String(index + 1).padStart(8, '0')}`
    return { outTradeNo, transactionId: `42${outTradeNo}`, totalFee: index + 1 }
  })
  server.bills.set('20261120', lines.with(1_700, { ...STRANGER, totalFee: 1_701 }))
  advanceToNextMorning()
  await shop.cron()
  expect(await incidents()).toMatchObject([
    { kind: 'order', out_trade_no: STRANGER.outTradeNo },
    { kind: 'unbilled', out_trade_no: 'many00001701' },
  ])
  expect(await stored()).toMatchObject([{ payments: 2_500, differences: 2 }])
})

test('a bill that has almost nothing in common with the ledger is one incident, not thousands', async () => {
  const lines = Array.from({ length: 1_500 }, (_, index) => ({
    ...STRANGER,
    outTradeNo: `other${String(index).padStart(8, '0')}`,
  }))
  server.bills.set('20261120', lines)
  advanceToNextMorning()
  expect(await shop.cron()).toMatchObject({ reconciled: 1 })
  expect(await incidents()).toMatchObject([
    { kind: 'bill', out_trade_no: null, received: { day: '2026-11-20' } },
  ])
  expect(await stored()).toMatchObject([{ outcome: 'too_different' }])
})
