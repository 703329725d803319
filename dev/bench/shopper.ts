/** A payer, and the phone, who pays one order after another over HTTP; WeChat tells of each payment by itself. */
import * as v from 'valibot'

export interface Counter {
  /** Where the functions are. */
  readonly url: string
  /** Where the simulator is. */
  readonly wechat: string
  readonly merchantKey: string
  /** Sent along with whatever a payer asks, as the platform would. */
  readonly headers?: Readonly<Record<string, string>>
}

const text = (name: string) =>
  v.pipe(
    v.looseObject({ [name]: v.string() }),
    v.transform((answer) => answer[name] ?? ''),
  )

export async function openCounter({ url, merchantKey }: Counter): Promise<void> {
  const products = [{ sku: 'latte', name: '拿铁', price: 2800 }]
  await send(v.unknown(), `${url}/api/products`, 'PUT', { products }, merchantKey)
  await send(v.unknown(), `${url}/api/health`, 'GET')
}

/** What one payment asks of the functions: five requests of the payer's, and WeChat's notification. */
export const REQUESTS_A_PAYMENT = 6

/** Login, order, two taps on "pay", the payment, and a look at it. */
export async function payOnce({ url, wechat, headers }: Counter): Promise<void> {
  const ask = <S extends v.GenericSchema>(
    answer: S,
    to: string,
    method: 'GET' | 'POST',
    body?: unknown,
    token?: string,
  ) => send(answer, to, method, body, token, headers)
  const code = await ask(text('code'), `${wechat}/control/login`, 'POST')
  const token = await ask(text('token'), `${url}/api/login`, 'POST', { code })
  const items = [{ sku: 'latte', quantity: 1 }]
  const outTradeNo = await ask(text('outTradeNo'), `${url}/api/orders`, 'POST', { items }, token)
  await ask(v.unknown(), `${url}/api/prepay`, 'POST', { outTradeNo }, token)
  const payment = await ask(v.unknown(), `${url}/api/prepay`, 'POST', { outTradeNo }, token)
  await ask(
    v.object({ errMsg: v.literal('requestPayment:ok') }),
    `${wechat}/control/pay`,
    'POST',
    payment,
  )
  await ask(
    v.looseObject({ tradeState: v.literal('SUCCESS') }),
    `${url}/api/query?outTradeNo=${outTradeNo}`,
    'GET',
    undefined,
    token,
  )
}

async function send<S extends v.GenericSchema>(
  answer: S,
  url: string,
  method: 'GET' | 'POST' | 'PUT',
  body?: unknown,
  token?: string,
  more: Readonly<Record<string, string>> = {},
): Promise<v.InferOutput<S>> {
  const response = await fetch(url, {
    method,
    headers: {
      ...more,
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const said = await response.text()
  if (!response.ok) throw new Error(`${method} ${url} was answered with ${response.status} ${said}`)
  return v.parse(answer, JSON.parse(said))
}
