/** Calls the functions as a Mini Program and a merchant's server do. */
import * as v from 'valibot'

interface Call {
  /** Default: POST with a body, GET without. */
  readonly method?: 'PUT' | 'POST'
  readonly token?: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

const toInit = ({ token, body, headers, method }: Call) => ({
  method: method ?? (body === undefined ? 'GET' : 'POST'),
  headers: {
    ...headers,
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
})

export const toRequest = (url: string, call: Call = {}): Request => new Request(url, toInit(call))

/** A function answered with 5xx, which is what it does when a statement takes too long. */
export class Unavailable extends Error {}

export async function read<S extends v.GenericSchema>(
  schema: S,
  answer: Response,
): Promise<v.InferOutput<S>> {
  const text = await answer.text()
  const problem = `${answer.url} answered ${answer.status} ${text}`
  if (answer.status >= 500) throw new Unavailable(problem)
  if (!answer.ok) throw new Error(problem)
  return v.parse(schema, JSON.parse(text))
}

export const call = async <S extends v.GenericSchema>(
  schema: S,
  url: string,
  request: Call = {},
): Promise<v.InferOutput<S>> => read(schema, await fetch(url, toInit(request)))

export const tokenAnswer = v.object({ token: v.string() })
export const orderAnswer = v.object({ outTradeNo: v.string() })
export const paidAnswer = v.object({ transactionId: v.string(), tradeState: v.literal('SUCCESS') })

export const PRICE = 2800
export const basket = { items: [{ sku: 'latte', quantity: 1 }] }

export async function fillCatalogue(url: string, merchantKey: string): Promise<void> {
  const products = [{ sku: 'latte', name: '拿铁', price: PRICE }]
  await call(v.unknown(), `${url}/api/products`, {
    method: 'PUT',
    token: merchantKey,
    body: { products },
  })
}

export interface Shop {
  /** The base URL of the functions. */
  readonly url: string
  /** The base URL of the simulator. */
  readonly wechat: string
  readonly merchantKey: string
  /** Sent with every request of a payer. */
  readonly headers?: Readonly<Record<string, string>>
}

/** One payment is five requests of the payer and one notification. */
export const REQUESTS_PER_PAYMENT = 6

/** Login, order, prepay twice, the payment, query. */
export async function payOnce({ url, wechat, headers = {} }: Shop): Promise<void> {
  const { code } = await call(v.object({ code: v.string() }), `${wechat}/control/login`, {
    body: {},
  })
  const { token } = await call(tokenAnswer, `${url}/api/login`, { body: { code }, headers })
  const payer = { token, headers }
  const { outTradeNo } = await call(orderAnswer, `${url}/api/orders`, { body: basket, ...payer })
  const prepay = () =>
    call(v.looseObject({}), `${url}/api/prepay`, { body: { outTradeNo }, ...payer })
  await prepay()
  const payment = await prepay()
  await call(v.object({ errMsg: v.literal('requestPayment:ok') }), `${wechat}/control/pay`, {
    body: payment,
  })
  await call(paidAnswer, `${url}/api/query?outTradeNo=${outTradeNo}`, payer)
}
