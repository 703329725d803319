/**
 * Each step of a payment that has a budget of waits, asked as a phone or WeChat asks it, once what it needs is there.
 *
 * Two orders: one whose payment WeChat tells of, and one whose payment is found out by asking. The simulator must be stopped,
 * or it would tell of both.
 */
import * as v from 'valibot'
import { signed } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/v2/xml.ts'
import { paymentArgumentsSchema } from '../wechat/request-payment.ts'
import type { World } from '../world/world.ts'

/** The waits each step may cost: requests one after another; those side by side count once. */
export const budgets: readonly (readonly [step: string, hops: number])[] = [
  ['prepay, cached', 1],
  ['prepay, new', 2],
  ['notify, first', 2],
  ['notify, repeated', 1],
  ['query, final', 1],
  ['query, open', 3],
  ['login', 2],
  ['order', 1],
]

export interface Step {
  readonly name: string
  readonly request: Request
}

const tokenAnswer = v.object({ token: v.string() })
const orderAnswer = v.object({ outTradeNo: v.string() })

/** Yields what to ask, and takes the answer. What is not measured it asks by itself. */
export async function* paymentSteps(world: World): AsyncGenerator<Step, void, Response> {
  const { simulator: wechat, url, env } = world
  if (wechat === undefined) throw new Error('the world has no WeChat')
  const ask = (method: string, path: string, token = '', body?: object) =>
    new Request(url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const logIn = () => ask('POST', '/api/login', '', { code: wechat.issueCode() })
  const placeOrder = (token: string) =>
    ask('POST', '/api/orders', token, { items: [{ sku: 'latte', quantity: 1 }] })
  const prepay = (token: string, outTradeNo: string) =>
    ask('POST', '/api/prepay', token, { outTradeNo })
  const query = (token: string, outTradeNo: string) =>
    ask('GET', `/api/query?outTradeNo=${outTradeNo}`, token)
  const pay = async (answer: Response) => {
    const outcome = wechat.pay(await read(paymentArgumentsSchema, answer))
    if (outcome.errMsg !== 'requestPayment:ok') throw new Error(outcome.errMsg)
  }
  /** What WeChat has ready to send. */
  const notification = (outTradeNo: string) => {
    const due = wechat.notifications().find((one) => one.outTradeNo === outTradeNo)
    if (due === undefined) throw new Error('WeChat has nothing to tell')
    return new Request(`${url}/api/notify`, {
      method: 'POST',
      headers: { 'content-type': 'text/xml' },
      body: writeXml(
        signed(new Map(Object.entries(due.message)), env.WECHAT_PAY_KEY, due.signType),
      ),
    })
  }

  await fetch(
    ask('PUT', '/api/products', env.MERCHANT_API_KEY, {
      products: [{ sku: 'latte', name: '拿铁', price: 2800 }],
    }),
  )
  const { token } = await read(tokenAnswer, yield { name: 'login', request: logIn() })
  const { outTradeNo } = await read(
    orderAnswer,
    yield { name: 'order', request: placeOrder(token) },
  )
  yield { name: 'prepay, new', request: prepay(token, outTradeNo) }
  await pay(yield { name: 'prepay, cached', request: prepay(token, outTradeNo) })
  await expectTaken(yield { name: 'notify, first', request: notification(outTradeNo) })
  await expectTaken(yield { name: 'notify, repeated', request: notification(outTradeNo) })
  await expectPaid(yield { name: 'query, final', request: query(token, outTradeNo) })

  const other = await read(orderAnswer, await fetch(placeOrder(token)))
  await pay(await fetch(prepay(token, other.outTradeNo)))
  await world.settled()
  await expectPaid(yield { name: 'query, open', request: query(token, other.outTradeNo) })
}

async function read<S extends v.GenericSchema>(
  schema: S,
  answer: Response,
): Promise<v.InferOutput<S>> {
  const body = await answer.text()
  if (!answer.ok) throw new Error(`${answer.status} ${body}`)
  return v.parse(schema, JSON.parse(body))
}

const expectPaid = (answer: Response) =>
  read(v.object({ tradeState: v.literal('SUCCESS') }), answer)

async function expectTaken(answer: Response): Promise<void> {
  const body = await answer.text()
  if (!body.includes('SUCCESS')) throw new Error(body)
}
