/** The bill of a day against the ledger: what each knows and the other does not. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { demoCertificate } from '../../dev/world/demo-values.ts'
import { signed } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import {
  openBillServer,
  refusal,
  writeBill,
  type BillServer,
  type PaymentLine,
  type RefundLine,
} from '../support/bill.ts'
import { listenToLog } from './log-lines.ts'
import { openShop, type Answer, type Json, type Shop } from '../support/shop.ts'

const DAY_MS = 86_400_000
const NOON = new Date('2026-11-20T12:00:00+08:00')

let server: BillServer
let shop: Shop
let token: string
beforeAll(async () => {
  server = await openBillServer()
  shop = await openShop({ WECHAT_PAY_URL: server.url, ...demoCertificate })
  server.passTo(`${shop.world.url}/wechat`)
  // Notifications go out only where a test says so.
  await shop.wechat.stop()
})
afterAll(async () => {
  await shop.close()
  await server.close()
})
beforeEach(async () => {
  vi.setSystemTime(NOON)
  await shop.sql('truncate orders, payments, refunds, bills, incidents, events cascade')
  server.bills.clear()
  server.answers.clear()
  server.asked.length = 0
  shop.wechat.clearFaults()
  token = await shop.logIn()
})

/** A payment of 2800 fen, known here; or only at WeChat, when its notification is lost. */
async function takePayment(notification: 'arrives' | 'is lost' = 'arrives'): Promise<PaymentLine> {
  const outTradeNo = await shop.placeOrder(token)
  await shop.pay(token, outTradeNo)
  if (notification === 'is lost') shop.wechat.misbehave({ on: 'notify', do: 'drop' })
  await shop.deliverNotifications()
  const message = shop.wechat.notifications().find((one) => one.outTradeNo === outTradeNo)?.message
  return { outTradeNo, transactionId: message?.['transaction_id'] ?? '', totalFee: 2800 }
}

const STRANGER: PaymentLine = {
  outTradeNo: '20261120000000000000000000009999',
  transactionId: '4200009999202611200000099999',
  totalFee: 500,
}

/** A refund made in the merchant console, and WeChat's own signed word for it. */
function refundAtWechat({ outTradeNo, transactionId }: PaymentLine, refundFee: number): RefundLine {
  const refund = {
    outTradeNo,
    transactionId,
    outRefundNo: `C${transactionId}`,
    refundId: `5${transactionId}`,
    refundFee,
  }
  server.answers.set('/pay/refundquery', (fields) =>
    answer(
      fields.get('out_refund_no') === refund.outRefundNo
        ? refundFields(refund)
        : { result_code: 'FAIL', err_code: 'REFUNDNOTEXIST' },
    ),
  )
  return refund
}

const refundFields = (refund: RefundLine) => ({
  result_code: 'SUCCESS',
  out_trade_no: refund.outTradeNo,
  transaction_id: refund.transactionId,
  refund_count: '1',
  out_refund_no_0: refund.outRefundNo,
  refund_id_0: refund.refundId,
  refund_fee_0: String(refund.refundFee),
  refund_status_0: refund.refundStatus ?? 'SUCCESS',
})

const answer = (fields: Readonly<Record<string, string>>): string => {
  const { WECHAT_APPID: appid, WECHAT_MCH_ID: mchId, WECHAT_PAY_KEY: key } = shop.world.env
  const all = {
    return_code: 'SUCCESS',
    appid,
    mch_id: mchId,
    nonce_str: '21df7dc9cd8616b56919f20d9f679233',
    ...fields,
  }
  return writeXml(signed(new Map(Object.entries(all)), key, 'MD5'))
}

/** Asks for a day to be compared again, which is all that such a request does. */
async function compare(day = '2026-11-20'): Promise<Answer> {
  const compared = await shop.call('GET', `/api/cron?bill=${day}`, { token: shop.cronSecret })
  await shop.world.settled()
  return compared
}

const compareNextMorning = () => {
  toTheNextMorning()
  return compare()
}
const toTheNextMorning = (): void => void vi.setSystemTime(new Date('2026-11-21T11:00:00+08:00'))

/** Of cron only: WeChat repeats the notifications of earlier tests, whose orders are gone. */
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
  test('compares yesterday’s bill once, and stores that it agrees', async () => {
    server.bills.set('20261120', [await takePayment(), await takePayment()])
    toTheNextMorning()
    expect(await shop.cron()).toMatchObject({ reconciled: 1, settled: 0 })
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    expect(server.asked).toEqual(['20261120'])
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

  test('waits until ten in Beijing', async () => {
    server.bills.set('20261120', [await takePayment()])
    vi.setSystemTime(new Date('2026-11-21T09:59:59+08:00'))
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    expect(server.asked).toEqual([])
    vi.setSystemTime(new Date('2026-11-21T10:00:00+08:00'))
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
  })

  test('stores a day without trade as empty', async () => {
    toTheNextMorning()
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await stored()).toEqual([
      { day: '2026-11-20', outcome: 'empty', payments: 0, refunds: 0, settled: 0, differences: 0 },
    ])
  })

  test('makes up for the days it missed, a week of them, oldest first, and none from before the shop', async () => {
    await takePayment()
    vi.setSystemTime(NOON.getTime() + 3 * DAY_MS)
    await shop.cron()
    expect(server.asked).toEqual(['20261120', '20261121', '20261122'])
    server.asked.length = 0
    vi.setSystemTime(NOON.getTime() + 20 * DAY_MS)
    expect(await shop.cron()).toMatchObject({ reconciled: 7 })
    expect(server.asked).toEqual([
      '20261203',
      '20261204',
      '20261205',
      '20261206',
      '20261207',
      '20261208',
      '20261209',
    ])
  })

  test('logs the days that it no longer compares, as long as WeChat has their bills', async () => {
    const log = listenToLog()
    const said = () => {
      const lines = log.splice(0).filter((line) => line.includes('bill_never_compared'))
      return lines.map((line): unknown => JSON.parse(line))
    }
    await takePayment()
    vi.setSystemTime(NOON.getTime() + 8 * DAY_MS)
    await shop.cron()
    expect(said()).toMatchObject([{ level: 'warn', count: 1, detail: '2026-11-20' }])
    vi.setSystemTime(NOON.getTime() + 20 * DAY_MS)
    await shop.cron()
    expect(said()).toMatchObject([{ count: 6, detail: '2026-11-20 to 2026-12-02' }])
    await compare('2026-11-20')
    await shop.cron()
    expect(said()).toMatchObject([{ count: 5, detail: '2026-11-28 to 2026-12-02' }])
    vi.setSystemTime(NOON.getTime() + 105 * DAY_MS)
    await shop.cron()
    expect(said()).not.toMatchObject([{ detail: expect.stringContaining('2026-11-28') }])
    vi.restoreAllMocks()
  })

  test('one day that fails does not keep it from the next', async () => {
    await takePayment()
    server.bills.set('20261120', '<html>502</html>')
    vi.setSystemTime(NOON.getTime() + 2 * DAY_MS)
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await stored()).toMatchObject([{ day: '2026-11-21' }])
  })

  test.each([
    ['is not ready', refusal('Bill Creating')],
    ['meets a fault of WeChat’s', refusal('SYSTEMERROR')],
    ['is refused in words that are not known here', refusal('something new')],
    ['is a gateway’s page', '<html><body>502 Bad Gateway</body></html>'],
    ['is cut off', writeBill([STRANGER]).slice(0, -120)],
    ['is cut off in compression', gzipSync(writeBill([STRANGER])).subarray(0, 200)],
  ])('tries again, and believes nothing, when the bill %s', async (_what, bill) => {
    const paid = await takePayment()
    toTheNextMorning()
    server.bills.set('20261120', bill)
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    expect(await incidents()).toEqual([])
    expect(await stored()).toEqual([])
    server.bills.set('20261120', [paid])
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await incidents()).toEqual([])
  })

  test('twice at once compares the day once', async () => {
    server.bills.set('20261120', [await takePayment()])
    toTheNextMorning()
    const both = await Promise.all([shop.cron(), shop.cron()])
    expect(both.map((done) => done['reconciled']).toSorted()).toEqual([0, 1])
    expect(server.asked).toEqual(['20261120'])
  })

  test('takes over from a run that died halfway, once its lease is out', async () => {
    server.bills.set('20261120', [await takePayment()])
    toTheNextMorning()
    await shop.sql('insert into bills (day, claimed_until) values ($1, $2)', [
      '2026-11-20',
      new Date(Date.now() + 330_000),
    ])
    expect(await shop.cron()).toMatchObject({ reconciled: 0 })
    shop.advance(331_000)
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
  })

  test('a database that goes away in the middle costs nothing but time', async () => {
    const paid = await takePayment()
    toTheNextMorning()
    server.bills.set('20261120', (response) => {
      shop.world.faults.database.down()
      response.end(gzipSync(writeBill([paid])))
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
  test('that is paid there and not here is settled as ever, on WeChat’s signed word', async () => {
    const paid = await takePayment('is lost')
    server.bills.set('20261120', [paid])
    toTheNextMorning()
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

  test('of no order here is an incident, told once', async () => {
    server.bills.set('20261120', [STRANGER])
    toTheNextMorning()
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

  test('of another amount is an incident, and the order stays as it is', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [{ ...paid, totalFee: 2801 }])
    toTheNextMorning()
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
    ['of another number', { transactionId: STRANGER.transactionId }, 'transaction'],
    ['in another currency', { feeType: 'USD' }, 'currency'],
  ])('%s is an incident', async (_what, change, kind) => {
    server.bills.set('20261120', [{ ...(await takePayment()), ...change }])
    toTheNextMorning()
    await shop.cron()
    expect(await incidents()).toMatchObject([{ kind }])
  })

  test('that WeChat, asked, does not confirm changes nothing: a bill is not signed', async () => {
    const unpaid = {
      outTradeNo: await shop.placeOrder(token),
      transactionId: STRANGER.transactionId,
      totalFee: 2800,
    }
    await shop.prepay(token, unpaid.outTradeNo)
    server.bills.set('20261120', [unpaid])
    toTheNextMorning()
    await compare()
    expect(await incidents()).toMatchObject([
      { kind: 'unconfirmed', out_trade_no: unpaid.outTradeNo },
    ])
    expect(await stateOf(unpaid)).not.toBe('SUCCESS')
  })

  test('that WeChat cannot be asked about leaves the day for later', async () => {
    server.bills.set('20261120', [await takePayment('is lost')])
    toTheNextMorning()
    server.answers.set('/pay/orderquery', () => '<html>')
    expect((await compare()).json).toMatchObject({ code: 'wechat_untrusted' })
    expect(await stored()).toEqual([])
    server.answers.clear()
    expect((await compare()).json).toMatchObject({ settled: 1 })
  })

  describe('that one order has no usable answer about', () => {
    const SYSTEMERROR = () => answer({ result_code: 'FAIL', err_code: 'SYSTEMERROR' })
    /** What WeChat says about these orders; about all others the truth. */
    const answersAbout = (orders: readonly PaymentLine[], says: () => string, times = Infinity) => {
      let left = times
      server.answers.set('/pay/orderquery', (fields) =>
        orders.some(({ outTradeNo }) => outTradeNo === fields.get('out_trade_no')) &&
        (left -= 1) >= 0
          ? says()
          : null,
      )
    }

    test.each([
      ['is unreadable', () => '<xml><attach><![CDATA[a]]>b]]></attach></xml>'],
      ['is a fault of WeChat’s', SYSTEMERROR],
    ])('because it %s, is a difference, and the day is compared', async (_what, says) => {
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

    test.each([
      ['names no payer', { openid: '' }],
      ['hides a field in a value', { device_info: 'WEB&product_id=1' }],
    ])(
      'because it %s, is not believed, though it is signed and says SUCCESS',
      async (_what, change) => {
        const lost = await takePayment('is lost')
        const message = shop.wechat
          .notifications()
          .find((one) => one.outTradeNo === lost.outTradeNo)?.message
        server.bills.set('20261120', [lost])
        answersAbout([lost], () => answer({ ...message, trade_state: 'SUCCESS', ...change }))
        expect((await compareNextMorning()).json).toMatchObject({
          settled: 0,
          bill: { differences: 1 },
        })
        answersAbout([lost], () => answer({ ...message, trade_state: 'SUCCESS' }))
        expect((await compare()).json).toMatchObject({ settled: 1, bill: { differences: 0 } })
      },
    )

    test('once, is asked again and settled', async () => {
      const lost = await takePayment('is lost')
      server.bills.set('20261120', [lost])
      answersAbout([lost], () => '<html>', 1)
      expect((await compareNextMorning()).json).toMatchObject({
        settled: 1,
        bill: { differences: 0 },
      })
    })

    test('and many more have none either, leaves the day for later', async () => {
      const lost: PaymentLine[] = []
      for (let count = 0; count < 12; count += 1) lost.push(await takePayment('is lost'))
      server.bills.set('20261120', lost)
      answersAbout(lost.slice(1), () => '<html>')
      expect((await compareNextMorning()).json).toMatchObject({ code: 'wechat_unknown' })
      expect([await stored(), await incidents()]).toEqual([[], []])
    })

    test('because WeChat asks for patience, leaves the day for later', async () => {
      const lost = await takePayment('is lost')
      server.bills.set('20261120', [lost])
      answersAbout([lost], () =>
        writeXml(
          new Map([
            ['return_code', 'FAIL'],
            ['return_msg', '请求过于频繁'],
          ]),
        ),
      )
      expect((await compareNextMorning()).json).toMatchObject({ code: 'wechat_busy' })
      expect([await stored(), await incidents()]).toEqual([[], []])
    })
  })

  test('here and not there is an incident, told once', async () => {
    const [paid, missing] = [await takePayment(), await takePayment()]
    server.bills.set('20261120', [paid])
    toTheNextMorning()
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

  test('here, on a day WeChat has no bill of, is an incident', async () => {
    const missing = await takePayment()
    toTheNextMorning()
    await shop.cron()
    expect(await incidents()).toMatchObject([
      { kind: 'unbilled', out_trade_no: missing.outTradeNo },
    ])
  })

  test('at one second to midnight may stand in the next day’s bill', async () => {
    vi.setSystemTime(new Date('2026-11-20T23:59:59+08:00'))
    const late = await takePayment()
    toTheNextMorning()
    await shop.cron()
    expect(await incidents()).toEqual([])
    server.bills.set('20261121', [late])
    shop.advance(DAY_MS)
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await incidents()).toEqual([])
    expect((await compare()).json).toMatchObject({ bill: { differences: 0 } })
  })

  test('at one second to midnight that stands in neither bill is an incident once both are there', async () => {
    vi.setSystemTime(new Date('2026-11-20T23:59:59+08:00'))
    const late = await takePayment()
    toTheNextMorning()
    await shop.cron()
    expect(await incidents()).toEqual([])
    shop.advance(DAY_MS)
    await shop.cron()
    expect(await incidents()).toMatchObject([{ kind: 'unbilled', out_trade_no: late.outTradeNo }])
  })
})

describe('a refund', () => {
  const fault = (errCode: string) => () => answer({ result_code: 'FAIL', err_code: errCode })
  const storedRefunds = () => shop.sql('select refund_fee from refunds')

  test.each([
    ['an unreadable answer', () => '<html>'],
    ['a fault of WeChat’s', fault('SYSTEMERROR')],
    ['a request for patience', fault('FREQUENCY_LIMITED')],
    ['REFUNDNOTEXIST', fault('REFUNDNOTEXIST')],
    ['an unknown refusal', fault('A_CODE_NOBODY_KNOWS')],
  ])(
    'made in the console is counted by a later run when the first run gets %s',
    async (_what, says) => {
      const paid = await takePayment()
      server.bills.set('20261120', [paid, refundAtWechat(paid, 1000)])
      const truth = server.answers.get('/pay/refundquery')
      server.answers.set('/pay/refundquery', says)
      toTheNextMorning()
      expect(await shop.cron()).toMatchObject({ reconciled: 0 })
      expect([await stored(), await storedRefunds()]).toEqual([[], []])
      expect(await incidents()).toMatchObject([
        { kind: 'refund_unknown', out_trade_no: paid.outTradeNo },
      ])
      if (truth !== undefined) server.answers.set('/pay/refundquery', truth)
      expect(await shop.cron()).toMatchObject({ reconciled: 1 })
      expect(await storedRefunds()).toEqual([{ refund_fee: 1000 }])
      expect(await incidents()).toHaveLength(1)
    },
  )

  test.each([
    ['gives no usable answer about', '<html>'],
    ['does not know', null],
  ])(
    'that WeChat %s leaves its day for later for three days, and is then a difference',
    async (_what, says) => {
      const [paid, other] = [await takePayment(), await takePayment('is lost')]
      const refund = { ...refundAtWechat(paid, 1000), outRefundNo: 'C1' }
      const log = listenToLog()
      const truth = server.answers.get('/pay/refundquery')
      server.answers.set(
        '/pay/refundquery',
        (fields) => (fields.get('out_refund_no') === 'C1' ? says : null) ?? truth?.(fields) ?? null,
      )
      server.bills.set('20261120', [paid, other, refund])
      toTheNextMorning()
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

  test('that WeChat cannot be asked about at all leaves the day for later, however old it is', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [paid, refundAtWechat(paid, 1000)])
    server.answers.set('/pay/refundquery', fault('SYSTEMERROR'))
    vi.setSystemTime(NOON.getTime() + 6 * DAY_MS)
    expect((await compare()).json).toMatchObject({ code: 'wechat_unknown' })
    expect(await stored()).toEqual([])
  })

  test('made in the console is told of, and counted against what was paid', async () => {
    const paid = await takePayment()
    const refund = refundAtWechat(paid, 1000)
    server.bills.set('20261120', [paid, refund])
    toTheNextMorning()
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

  test('that WeChat, asked, does not confirm is told of and not counted', async () => {
    const paid = await takePayment()
    const refund = refundAtWechat(paid, 1000)
    server.bills.set('20261120', [paid, { ...refund, outRefundNo: 'C1' }])
    toTheNextMorning()
    expect((await compare()).json).toMatchObject({ code: 'wechat_unknown' })
    expect(await incidents()).toMatchObject([
      { kind: 'refund_unknown', out_trade_no: paid.outTradeNo },
    ])
    expect(await shop.sql('select claimed_fee from orders')).toEqual([{ claimed_fee: 0 }])
  })

  /** A refund of ours that WeChat has taken. */
  async function takeRefund(paid: PaymentLine): Promise<RefundLine> {
    const refund = refundAtWechat(paid, 1000)
    server.answers.set('/secapi/pay/refund', () =>
      answer({
        result_code: 'SUCCESS',
        out_refund_no: refund.outRefundNo,
        refund_fee: '1000',
        refund_id: refund.refundId,
      }),
    )
    const body = { outTradeNo: paid.outTradeNo, outRefundNo: refund.outRefundNo, refundFee: 1000 }
    expect((await shop.call('POST', '/api/refund', { token: shop.merchantKey, body })).status).toBe(
      202,
    )
    return refund
  }

  test('of ours that the bill has too is no difference, whatever its state was that day', async () => {
    const paid = await takePayment()
    const refund = await takeRefund(paid)
    server.bills.set('20261120', [paid, { ...refund, refundStatus: 'PROCESSING' }])
    toTheNextMorning()
    expect(await shop.cron()).toMatchObject({ reconciled: 1 })
    expect(await incidents()).toEqual([])
  })

  test.each([
    ['of another amount', { refundFee: 999 }],
    ['of another number of WeChat’s', { refundId: '50300002502025010200000009999' }],
    ['of another order', { outTradeNo: STRANGER.outTradeNo }],
  ])('%s is an incident', async (_what, change) => {
    const paid = await takePayment()
    const refund = { ...(await takeRefund(paid)), ...change }
    server.bills.set('20261120', [paid, refund])
    toTheNextMorning()
    await compare()
    expect(await incidents()).toMatchObject([
      { kind: 'refund', out_trade_no: refund.outTradeNo, expected: { refundFee: 1000 } },
    ])
  })

  test('here and not there is an incident', async () => {
    const paid = await takePayment()
    const { outRefundNo } = await takeRefund(paid)
    server.bills.set('20261120', [paid])
    toTheNextMorning()
    await compare()
    expect(await incidents()).toMatchObject([
      { kind: 'refund_unbilled', out_trade_no: paid.outTradeNo, expected: { outRefundNo } },
    ])
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
    toTheNextMorning()
    const refused = await compare(day)
    expect([refused.status, refused.json['code']]).toEqual([400, 'invalid_request'])
    expect(server.asked).toEqual([])
  })

  test('a day of three months ago is compared', async () => {
    toTheNextMorning()
    expect((await compare('2026-08-21')).json).toMatchObject({
      reconciled: 1,
      bill: { day: '2026-08-21', outcome: 'empty' },
    })
  })

  test('a day is compared again, and what its bill no longer has is found', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', [paid])
    toTheNextMorning()
    await shop.cron()
    server.bills.set('20261120', [])
    expect((await compare()).json).toMatchObject({ bill: { differences: 1 } })
    expect(await incidents()).toMatchObject([{ kind: 'unbilled', out_trade_no: paid.outTradeNo }])
    expect(await stored()).toMatchObject([{ differences: 1 }])
  })

  test('what a bill had that was cut off does not count', async () => {
    const paid = await takePayment()
    server.bills.set('20261120', writeBill(Array.from({ length: 800 }, () => paid)).slice(0, -120))
    toTheNextMorning()
    expect((await compare()).json).toMatchObject({ code: 'wechat_untrusted' })
    server.bills.set('20261120', [])
    expect((await compare()).json).toMatchObject({ bill: { differences: 1 } })
  })

  test('a bill that is not ready is said to be so', async () => {
    toTheNextMorning()
    server.bills.set('20261120', refusal('Bill Creating'))
    const answered = await compare()
    expect([answered.status, answered.json['code'], answered.headers.get('retry-after')]).toEqual([
      503,
      'bill_not_ready',
      '1800',
    ])
  })

  test('a day that another run is at is said to be so', async () => {
    toTheNextMorning()
    await shop.sql('insert into bills (day, claimed_until) values ($1, $2)', [
      '2026-11-20',
      new Date(Date.now() + 330_000),
    ])
    expect(await compare()).toMatchObject({ status: 409, json: { code: 'bill_busy' } })
  })

  test('only cron may ask', async () => {
    toTheNextMorning()
    expect(
      (await shop.call('GET', '/api/cron?bill=2026-11-20', { token: shop.merchantKey })).status,
    ).toBe(403)
    expect((await shop.call('GET', '/api/cron?bill=2026-11-20')).status).toBe(401)
  })
})

test('thousands of rows are compared batch by batch', async () => {
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
  toTheNextMorning()
  await shop.cron()
  expect(await incidents()).toMatchObject([
    { kind: 'order', out_trade_no: STRANGER.outTradeNo },
    { kind: 'unbilled', out_trade_no: 'many00001701' },
  ])
  expect(await stored()).toMatchObject([{ payments: 2_500, differences: 2 }])
})

test('a bill that has next to nothing in common with the ledger is one incident, not thousands', async () => {
  const lines = Array.from({ length: 1_500 }, (_, index) => ({
    ...STRANGER,
    outTradeNo: `other${String(index).padStart(8, '0')}`,
  }))
  server.bills.set('20261120', lines)
  toTheNextMorning()
  expect(await shop.cron()).toMatchObject({ reconciled: 1 })
  expect(await incidents()).toMatchObject([
    { kind: 'bill', out_trade_no: null, received: { day: '2026-11-20' } },
  ])
  expect(await stored()).toMatchObject([{ outcome: 'too_different' }])
})
