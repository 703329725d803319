/**
 * The steps of a payment, one by one. A server nearby prepares what a step needs, so that the
 * measured server has done nothing before.
 */
import * as v from 'valibot'
import { basket, call, orderAnswer, paidAnswer, tokenAnswer, type Shop } from './client.ts'
import { notificationOf } from './message-samples.ts'

export interface Nearby extends Shop {
  /** Stores an unpaid order with this number. */
  readonly storeOrder: (outTradeNo: string) => Promise<void>
  /** Whether `POST /api/orders` answers with the payment, too. */
  readonly ordersWithPrepay: boolean
}

/** Sends the prepared request to a server and checks the answer. */
type Go = (url: string) => Promise<unknown>

interface Step {
  readonly name: string
  /** How many round trips it may take in a cold process, and in one that was quiet. */
  readonly aims: { readonly cold: number; readonly quiet: number }
  readonly prepare: (near: Nearby) => Promise<Go>
}

/** WeChat requires the payer's public address. */
const headers = { 'x-forwarded-for': '9.0.0.1' }

const issueCode = ({ wechat }: Nearby) =>
  call(v.object({ code: v.string() }), `${wechat}/control/login`, { body: {} })
const logIn = async (near: Nearby) =>
  (await call(tokenAnswer, `${near.url}/api/login`, { body: await issueCode(near), headers })).token
const order = (url: string, token: string) =>
  call(orderAnswer, `${url}/api/orders`, { token, body: basket, headers })
const payment = v.looseObject({ paySign: v.string() })
const orderWithPayment = v.looseObject({ order: orderAnswer, payment })
const prepay = (url: string, token: string, { outTradeNo }: { readonly outTradeNo: string }) =>
  call(payment, `${url}/api/prepay`, {
    token,
    body: { outTradeNo },
    headers,
  })

async function notify(url: string, body: string): Promise<void> {
  const answer = await fetch(`${url}/api/notify`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml; charset=utf-8' },
    body,
  })
  const text = await answer.text()
  if (!text.includes('SUCCESS')) throw new Error(`a notification was answered with ${text}`)
}

let stored = 0

export const distantSteps: readonly Step[] = [
  {
    name: 'login',
    aims: { cold: 4.3, quiet: 2.3 },
    async prepare(near) {
      const body = await issueCode(near)
      return (url) => call(tokenAnswer, `${url}/api/login`, { body, headers })
    },
  },
  {
    name: 'order',
    aims: { cold: 3.3, quiet: 1.3 },
    async prepare(near) {
      const token = await logIn(near)
      return (url) => order(url, token)
    },
  },
  {
    name: 'order with prepay',
    aims: { cold: 4.3, quiet: 2.3 },
    async prepare(near) {
      const token = await logIn(near)
      const body = { ...basket, prepay: true }
      if (near.ordersWithPrepay)
        return (url) => call(orderWithPayment, `${url}/api/orders`, { token, body, headers })
      return async (url) => prepay(url, token, await order(url, token))
    },
  },
  {
    name: 'prepay, new',
    aims: { cold: 4.3, quiet: 2.3 },
    async prepare(near) {
      const token = await logIn(near)
      const placed = await order(near.url, token)
      return (url) => prepay(url, token, placed)
    },
  },
  {
    name: 'prepay, cached',
    aims: { cold: 3.3, quiet: 1.3 },
    async prepare(near) {
      const token = await logIn(near)
      const placed = await order(near.url, token)
      await prepay(near.url, token, placed)
      return (url) => prepay(url, token, placed)
    },
  },
  {
    name: 'notify, first',
    aims: { cold: 4.3, quiet: 2.3 },
    async prepare(near) {
      stored += 1
      const outTradeNo = `TRIP${String(stored).padStart(20, '0')}`
      await near.storeOrder(outTradeNo)
      const body = notificationOf('MD5', outTradeNo, new Date()).toString()
      return (url) => notify(url, body)
    },
  },
  {
    name: 'query, open',
    aims: { cold: 5.3, quiet: 3.3 },
    async prepare(near) {
      const token = await logIn(near)
      const placed = await order(near.url, token)
      const body = await prepay(near.url, token, placed)
      await call(v.unknown(), `${near.wechat}/control/pay`, { body })
      const path = `/api/query?outTradeNo=${placed.outTradeNo}`
      return (url) => call(paidAnswer, `${url}${path}`, { token, headers })
    },
  },
]
