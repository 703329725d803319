/**
 * The HTTP interface of the simulator, for use with curl and for tests in another process. `GET
 * /control` lists its routes.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import { startOfDay, toRfc3339 } from './beijing.ts'
import { billTamperingSchema } from './bill-tampering.ts'
import {
  listRoutes,
  plain,
  serveRoutes,
  taking,
  withoutQuery,
  type ListedRoute,
  type Route,
} from './control-route.ts'
import { faultSchema } from './faults.ts'
import { isOpenid } from './login.ts'
import { PHONE_NUMBER } from './phone-number.ts'
import { pushedEventSchema } from './push/queue-push.ts'
import { NOT_PREPAYS, paymentArgumentsSchema } from './request-payment.ts'
import { settingsChangeSchema } from './settings.ts'
import { sendAgainSchema } from './send-again.ts'
import type { Simulator } from './simulator.ts'
import { keyChangeSchema } from './v3/wechat-keys.ts'

const OPENID = 'must be 1 to 128 letters, digits, _ or -'
const openidSchema = v.optional(v.pipe(v.string(OPENID), v.check(isOpenid, OPENID)))
const loginSchema = v.strictObject({ openid: openidSchema })
const PHONE = 'must be 5 to 20 digits, with a + before a country code'
const phoneSchema = v.strictObject({
  openid: v.pipe(v.string(OPENID), v.check(isOpenid, OPENID)),
  phoneNumber: v.pipe(v.string(PHONE), v.regex(PHONE_NUMBER, PHONE)),
})
const paySchema = v.object(
  {
    ...paymentArgumentsSchema.entries,
    openid: openidSchema,
    payer: v.optional(v.picklist(['pays', 'cancels'], 'must be pays or cancels')),
  },
  NOT_PREPAYS,
)
const CLOCK = 'must be either advanceSeconds, a number from 0 on, or to=tomorrow-morning'
const clockSchema = v.union(
  [
    v.strictObject({ advanceSeconds: v.pipe(v.number(CLOCK), v.minValue(0, CLOCK)) }),
    v.strictObject({ to: v.literal('tomorrow-morning') }),
  ],
  CLOCK,
)
const FEN = 'must be a whole number of fen, from 0 on'
const amount = v.pipe(v.number(FEN), v.safeInteger(FEN), v.minValue(0, FEN))
const refundSchema = v.strictObject({
  outTradeNo: v.string('must be the number of an order'),
  refundFee: amount,
  reported: v.optional(v.boolean('must be true or false'), true),
})
const COMPLAINT_ID = 'must have at most 64 digits'
const complaintSchema = v.strictObject({
  outTradeNo: v.string('must be the number of an order'),
  complaintId: v.optional(v.pipe(v.string(COMPLAINT_ID), v.regex(/^\d{1,64}$/, COMPLAINT_ID))),
  detail: v.optional(v.string('must be a text')),
  problemType: v.optional(
    v.picklist(
      ['REFUND', 'SERVICE_NOT_WORK', 'OTHERS'],
      'must be REFUND, SERVICE_NOT_WORK or OTHERS',
    ),
  ),
})
const complaintUrlSchema = v.strictObject({ url: v.nullable(v.string('must be a URL or null')) })
const RECEIPT = 'must be either outTradeNo or transaction_id'
const receiptSchema = v.union(
  [
    v.strictObject({ outTradeNo: v.string(RECEIPT) }),
    v.strictObject({ transaction_id: v.string(RECEIPT) }),
  ],
  RECEIPT,
)
const balanceSchema = v.strictObject({ balance: v.nullable(amount) })

/** Cron of a deployment runs at this hour. The bill of the day before is available by then. */
const MORNING_HOURS = 11
const HOUR_MS = 3_600_000

export const msUntilTomorrowMorning = (now: number): number =>
  startOfDay(now) + (24 + MORNING_HOURS) * HOUR_MS - now

const numberOf = (simulator: Simulator, transactionId: string): string =>
  simulator.orders().find(({ payment }) => payment?.transactionId === transactionId)?.outTradeNo ??
  ''

const routesOf = (simulator: Simulator): readonly Route[] => [
  taking(
    'POST',
    '/login',
    'issues a code as wx.login does, for POST /api/login; for a new payer unless openid names one',
    { schema: loginSchema, example: { openid: 'oVisitor' } },
    ({ openid }) => {
      const code = simulator.issueCode(openid)
      return { code, userData: simulator.userData(code) }
    },
  ),
  taking(
    'POST',
    '/phone',
    'taps the phone number button as this payer; returns the detail of its event, with the phoneCode as code',
    { schema: phoneSchema, example: { openid: 'oVisitor', phoneNumber: '13800000001' } },
    ({ openid, phoneNumber }) => simulator.tapPhoneButton(openid, phoneNumber),
  ),
  taking(
    'POST',
    '/pay',
    'takes the answer of POST /api/prepay and pays as wx.requestPayment does; with payer: cancels, the payer does not pay',
    {
      schema: paySchema,
      example: {
        timeStamp: '1795824000',
        nonceStr: 'n',
        package: 'prepay_id=wx1',
        signType: 'HMAC-SHA256',
        paySign: 'F',
        payer: 'pays',
      },
    },
    ({ openid, payer, ...args }) => simulator.pay(args, openid, payer),
  ),
  taking(
    'POST',
    '/clock',
    'moves every clock of the local world ahead: by advanceSeconds, or to eleven in the morning of Beijing’s next day',
    { schema: clockSchema, example: { to: 'tomorrow-morning' } },
    (move) => {
      simulator.advance(
        'to' in move ? msUntilTomorrowMorning(simulator.now()) : move.advanceSeconds * 1000,
      )
      return { now: toRfc3339(simulator.now()) }
    },
  ),
  taking(
    'POST',
    '/refund',
    'refunds an order in the merchant console, without the functions; with reported: false, WeChat does not notify it',
    { schema: refundSchema, example: { outTradeNo: 'order-1', refundFee: 100 } },
    ({ outTradeNo, refundFee, reported }) => ({
      refund: simulator.refundInConsole(
        outTradeNo,
        refundFee,
        reported ? 'reported' : 'unreported',
      ),
    }),
  ),
  taking(
    'POST',
    '/complaint',
    'complains as the payer of an order does, and again to continue the complaint; over APIv3',
    { schema: complaintSchema, example: { outTradeNo: 'order-1', problemType: 'REFUND' } },
    (complaint) => ({ complaint: simulator.complain(complaint) }),
  ),
  taking(
    'POST',
    '/complaints',
    'sets the URL for notifications of complaints, as doctor --register does; null, the default, means none',
    { schema: complaintUrlSchema, example: { url: null } },
    ({ url }) => {
      simulator.registerComplaintUrl(url)
      return { url }
    },
  ),
  taking(
    'POST',
    '/receipt',
    'confirms the receipt of a shipped order, as its payer; otherwise WeChat confirms it after some days',
    { schema: receiptSchema, example: { outTradeNo: 'order-1' } },
    (order) => {
      const outTradeNo =
        'outTradeNo' in order ? order.outTradeNo : numberOf(simulator, order.transaction_id)
      simulator.confirmReceipt(outTradeNo)
      return { outTradeNo }
    },
  ),
  taking(
    'POST',
    '/push',
    'pushes an event of the Mini Program, about a paid order if outTradeNo names one',
    {
      schema: pushedEventSchema,
      example: { event: 'wxa_trade_controlled' },
    },
    (event) => {
      simulator.push(event)
      return { event }
    },
  ),
  taking(
    'POST',
    '/balance',
    'sets the amount in fen that refunds are paid from; null, the default, means enough',
    { schema: balanceSchema, example: { balance: null } },
    ({ balance }) => {
      simulator.setBalance(balance)
      return { balance }
    },
  ),
  taking(
    'POST',
    '/settings',
    'changes settings of the simulator, such as how long a refund takes; returns all settings',
    { schema: settingsChangeSchema, example: { refundMs: 3000 } },
    (settings) => ({ settings: simulator.changeSettings(settings) }),
  ),
  taking(
    'POST',
    '/faults',
    'injects a fault; docs/local-world.md lists the faults',
    { schema: faultSchema, example: { on: 'unifiedorder', do: 'http-500', times: 1 } },
    (fault) => {
      simulator.misbehave(fault)
      return { fault }
    },
  ),
  taking(
    'POST',
    '/keys',
    'changes the keys that WeChat signs APIv3 with: mode, rotate or retire; returns all keys',
    { schema: keyChangeSchema, example: { rotate: 'public-key' } },
    (change) => ({ keys: simulator.changeKeys(change) }),
  ),
  plain(
    'GET',
    '/keys',
    'the keys that WeChat signs APIv3 with, without their private parts',
    () => ({
      keys: simulator.keys(),
    }),
  ),
  plain('DELETE', '/faults', 'ends every fault', () => {
    simulator.clearFaults()
    return {}
  }),
  taking(
    'POST',
    '/bill',
    'sets the errors of every later bill; an empty object means none',
    { schema: billTamperingSchema, example: { drop: 'order-1' } },
    (tampering) => {
      simulator.tamperBill(tampering)
      return { tampering }
    },
  ),
  plain('DELETE', '/token', 'revokes every access token, as WeChat may at any time', () => {
    simulator.revokeToken()
    return {}
  }),
  plain('GET', '/orders', 'the orders at WeChat', () => ({ orders: simulator.orders() })),
  plain('GET', '/refunds', 'the refunds at WeChat', () => ({ refunds: simulator.refunds() })),
  plain('GET', '/complaints', 'the complaints of payers', () => ({
    complaints: simulator.complaints(),
  })),
  plain('GET', '/shipments', 'the shipments reported to WeChat', () => ({
    shipments: simulator.shipments(),
  })),
  plain('GET', '/notifications', 'the notifications that WeChat sends, with their answers', () => ({
    notifications: simulator.notifications(),
  })),
  taking(
    'POST',
    '/notifications',
    'sends one of these notifications again, by its number, which starts at 1; other fields, and the signature (`right`, `kept`, `wrong` or `none`), may be chosen',
    {
      schema: sendAgainSchema,
      example: { number: 1, fields: { total_fee: '1' }, signature: 'kept' },
    },
    async (again) => ({ attempt: await simulator.sendAgain(again) }),
  ),
  plain('GET', '/pushes', 'the messages that WeChat pushes, with their answers', () => ({
    pushes: simulator.pushes(),
  })),
  plain('GET', '/wire', 'the latest 500 messages between the functions and WeChat', () => ({
    wire: simulator.messageLog,
  })),
]

/** @param others the routes of the world, which are listed with those of the simulator */
export function createControl(simulator: Simulator, others: () => readonly ListedRoute[]): Hono {
  const control = new Hono()
  const routes = routesOf(simulator)
  control.use(withoutQuery)
  control.get('/', (context) => {
    const base = new URL(context.req.url).pathname.replace(/\/$/, '')
    return context.json({ routes: [...listRoutes(base, routes), ...others()] })
  })
  serveRoutes(control, routes)
  control.all('/*', (context) => {
    const base = new URL(context.req.url).pathname.replace(/\/control\/.*/, '/control')
    return context.json({ error: `there is no such route: GET ${base} lists them` }, 404)
  })
  return control
}
