/**
 * Calls the functions of a running shop with any request. Each answer must be fast, follow the
 * contract and contain no secret. Only a genuine notification may pay an order.
 */
import fc from 'fast-check'
import * as v from 'valibot'
import { checkAnswer, checkLog, type Answer } from './answer.ts'
import { isGenuine, isGenuineV3, wechatOf } from './genuine-notification.ts'
import * as merchant from './genuine-console.ts'
import * as genuine from './genuine-requests.ts'
import { headerValue } from './hostile-values.ts'
import { messages } from './messages.ts'
import { hostileBody, hostileHeaders, hostileQuery, type Body, type Fields } from './requests.ts'
import { orderNumber, payer, PRICE, protocolOf, type FunctionName, type Shop } from './shop.ts'
import { Violation, type Outcome, type Target } from './target.ts'
import { toHeaders, v3Messages } from './v3-messages.ts'

type Caller =
  | { readonly kind: 'user'; readonly openid: string }
  | { readonly kind: 'merchant' | 'cron' | 'anonymous' | 'odd'; readonly text: string }

interface Call {
  readonly name: FunctionName
  readonly method: string
  readonly caller: Caller
  readonly headers: Readonly<Record<string, string>>
  readonly query: string
  readonly body: Body | null
}

const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'get',
  'PROPFIND',
  '__proto__',
  'constructor',
]

/** Enough addresses that the rate limits are rarely reached. */
const address = fc
  .tuple(fc.integer({ min: 11, max: 99 }), fc.nat({ max: 255 }), fc.nat({ max: 255 }))
  .map((parts) => `${parts.join('.')}.7`)

export function callTarget(shop: Shop): Target<Call> {
  const count = shop.orderNumbers.length
  const index = fc.nat({ max: count - 1 })
  const numbers: genuine.Numbers = {
    orders: fc.oneof(
      { weight: 9, arbitrary: index.map(orderNumber) },
      { weight: 1, arbitrary: fc.constant('NOSUCHORDER') },
    ),
    refunds: fc.nat({ max: 40 }).map((number) => `FUZZR${number}`),
    openids: fc.nat({ max: 5_000 }).map(payer),
  }
  const callerOf = (merchantOutOf8: number): fc.Arbitrary<Caller> =>
    fc.oneof(
      {
        weight: 8 - merchantOutOf8,
        arbitrary: fc
          .oneof(index, fc.nat({ max: 5_000 }))
          .map((number) => ({ kind: 'user' as const, openid: payer(number) })),
      },
      {
        weight: merchantOutOf8,
        arbitrary: fc.constant({
          kind: 'merchant' as const,
          text: `Bearer ${shop.world.env.MERCHANT_API_KEY}`,
        }),
      },
      {
        weight: 1,
        arbitrary: fc.constant({
          kind: 'cron' as const,
          text: `Bearer ${shop.world.env.CRON_SECRET}`,
        }),
      },
      {
        weight: 1,
        arbitrary: fc
          .oneof(
            headerValue,
            headerValue.map((text) => `Bearer ${text}`),
          )
          .map((text) => ({ kind: 'odd' as const, text })),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'anonymous' as const, text: '' }) },
    )
  const facts = index.map((number) => ({
    outTradeNo: orderNumber(number),
    transactionId: `4200002500202501020${String(number).padStart(9, '0')}`,
    totalFee: String(PRICE),
    openid: payer(number),
  }))
  const refundFacts = fc.record({
    outTradeNo: index.map(orderNumber),
    outRefundNo: numbers.refunds,
  })
  const notification: fc.Arbitrary<Body> = messages(facts, refundFacts).map(({ bytes }) => ({
    type: 'text/xml',
    bytes,
  }))
  const v3Notification: fc.Arbitrary<Body> = v3Messages(wechatOf(shop), facts, refundFacts).map(
    ({ bytes, headers }) => ({
      type: 'application/json',
      bytes,
      headers: Object.fromEntries(toHeaders(headers)),
    }),
  )

  const call = (
    weight: number,
    name: FunctionName,
    validMethod: string,
    body: fc.Arbitrary<Body> | null,
    query: fc.Arbitrary<string>,
    merchantOutOf8 = 4,
  ) => ({
    weight,
    arbitrary: fc.record<Call>({
      name: fc.constant(name),
      method: fc.oneof(
        { weight: 24, arbitrary: fc.constant(validMethod) },
        { weight: 1, arbitrary: fc.constantFrom(...methods) },
      ),
      caller: callerOf(merchantOutOf8),
      headers: fc
        .tuple(address, hostileHeaders)
        .map(([ip, more]) => ({ 'x-real-ip': ip, ...more })),
      query,
      body: body ?? fc.constant(null),
    }),
  })
  const none = fc.oneof(
    { weight: 9, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: hostileQuery(fc.constant({})) },
  )
  const consoleQuery = (name: FunctionName, query: fc.Arbitrary<Fields>) =>
    call(1, name, 'GET', null, hostileQuery(query), 7)
  const consoleAction = (name: FunctionName, body: fc.Arbitrary<Fields>) =>
    call(1, name, 'POST', hostileBody(body), none, 7)
  const consoleCalls = [
    consoleQuery('console/bills', merchant.genuineBills),
    consoleQuery('console/complaints', genuine.genuineComplaintsQuery),
    consoleAction('console/complaints', genuine.genuineComplaint),
    consoleQuery('console/events', merchant.genuineEvents(numbers)),
    consoleAction('console/events', merchant.genuineSending),
    consoleQuery('console/incidents', merchant.genuineIncidents),
    consoleAction('console/incidents', merchant.genuineHandling),
    consoleQuery('console/orders', genuine.genuineOrder(numbers)),
    consoleQuery('console/overview', fc.constant({})),
    consoleAction('console/search', merchant.genuineSearch(numbers)),
    consoleQuery('console/shipments', merchant.genuineShipments(numbers)),
    consoleQuery('console/takings', merchant.genuineTakings),
    consoleQuery('console/__proto__', fc.record({ part: fc.constantFrom('search', 'bills') })),
    consoleQuery('console/%00', fc.constant({})),
  ]
  const accepted = new Set<string>(shop.paid)

  return {
    name: 'functions',
    // The embedded database runs on this thread, and one call of cron does all work that is due.
    maxBusyMs: 2_000,
    inputs: fc.oneof(
      call(3, 'login', 'POST', hostileBody(genuine.genuineLogin), none),
      call(1, 'products', 'GET', null, none),
      call(2, 'products', 'PUT', hostileBody(genuine.genuineProducts), none, 7),
      call(2, 'orders', 'POST', hostileBody(genuine.genuineBasket), none, 1),
      call(3, 'orders', 'POST', hostileBody(genuine.genuinePriced(numbers)), none, 7),
      call(2, 'orders', 'GET', null, hostileQuery(genuine.genuineList)),
      call(2, 'orders', 'GET', null, hostileQuery(genuine.genuineMerchantList(numbers)), 7),
      call(3, 'prepay', 'POST', hostileBody(genuine.genuineOrder(numbers)), none),
      call(10, 'notify', 'POST', notification, none),
      call(10, 'notify', 'POST', v3Notification, none),
      call(2, 'query', 'GET', null, hostileQuery(genuine.genuineQuery(numbers))),
      call(1, 'close', 'POST', hostileBody(genuine.genuineOrder(numbers)), none),
      call(3, 'refund', 'POST', hostileBody(genuine.genuineRefund(numbers)), none, 7),
      call(2, 'refund', 'GET', null, hostileQuery(genuine.genuineRefundQuery(numbers)), 7),
      call(3, 'shipping', 'POST', hostileBody(genuine.genuineShipping(numbers)), none, 7),
      call(1, 'cron', 'GET', null, hostileQuery(genuine.genuineCron)),
      call(1, 'health', 'GET', null, none),
      ...consoleCalls,
    ),
    async check(input): Promise<Outcome> {
      const answer = await send(shop, input)
      const isV3 = Object.keys(input.body?.headers ?? {}).length > 0
      const outcome = checkAnswer(shop, input.name, input.method, { ...answer, isV3 })
      checkLog(shop)
      if (input.name === 'notify' && answer.status === 200 && answer.text.includes('SUCCESS')) {
        const { bytes = Buffer.alloc(0), headers = {} } = input.body ?? {}
        const reported = isV3
          ? isGenuineV3(shop, headers, bytes)
          : isGenuine(bytes, shop.orderNumbers, String(PRICE))
        if (reported === null)
          throw new Violation('notify answered SUCCESS to a message that is not genuine')
        // A notification of the other protocol is only a reason to query the order.
        const { outTradeNo } = reported
        if (outTradeNo !== null && protocolOf(outTradeNo) === (isV3 ? 'v3' : 'v2'))
          accepted.add(outTradeNo)
      }
      return `${input.name}${isV3 ? ' of APIv3' : ''} ${outcome}`
    },
    print: ({ name, method, caller, headers, query, body }) =>
      [
        `${method} /api/${name}${query === '' ? '' : `?${query}`}`,
        `as ${caller.kind === 'user' ? caller.openid : caller.kind === 'odd' ? caller.text : caller.kind}`,
        JSON.stringify({
          ...headers,
          ...body?.headers,
          ...(body === null ? {} : { 'content-type': body.type }),
        }),
        ...(body === null
          ? []
          : [
              JSON.stringify(body.bytes.toString('utf8')),
              `in base64: ${body.bytes.toString('base64')}`,
            ]),
      ].join('\n  '),
    async afterwards() {
      for (const outTradeNo of await paidOrders(shop))
        if (!accepted.has(outTradeNo))
          throw new Violation(`${outTradeNo} is paid without a genuine notification`)
      checkLog(shop)
    },
  }
}

async function send(
  shop: Shop,
  { name, method, caller, headers, query, body }: Call,
): Promise<Omit<Answer, 'isV3'>> {
  const authorization =
    caller.kind === 'user' ? `Bearer ${await shop.tokenOf(caller.openid)}` : caller.text
  const bodiless = ['GET', 'HEAD', 'get'].includes(method)
  const startedAt = performance.now()
  const response = await shop.call(name, {
    method,
    headers: {
      ...headers,
      ...body?.headers,
      ...(authorization === '' ? {} : { authorization }),
      ...(body === null ? {} : { 'content-type': body.type }),
    },
    ...(query === '' ? {} : { query }),
    ...(body === null || bodiless ? {} : { body: withCode(shop, body.bytes) }),
  })
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    ms: performance.now() - startedAt,
    authorization,
  }
}

function withCode(shop: Shop, bytes: Buffer): Uint8Array<ArrayBuffer> {
  const code = bytes.includes(genuine.LOGIN_CODE) ? shop.world.simulator?.issueCode() : undefined
  return new Uint8Array(
    code === undefined
      ? bytes
      : Buffer.from(bytes.toString('latin1').replaceAll(genuine.LOGIN_CODE, code), 'latin1'),
  )
}

const page = v.object({
  orders: v.array(v.object({ outTradeNo: v.string() })),
  nextCursor: v.optional(v.string()),
})

/** Reads all pages of the paid orders as the merchant. */
async function paidOrders(shop: Shop): Promise<readonly string[]> {
  const found: string[] = []
  for (const tradeState of ['SUCCESS', 'REFUND']) {
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const response: Response = await shop.call('orders', {
        headers: { authorization: `Bearer ${shop.world.env.MERCHANT_API_KEY}` },
        query: `tradeState=${tradeState}&limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`,
      })
      const { orders, nextCursor } = v.parse(page, await response.json())
      found.push(...orders.map((order) => order.outTradeNo))
      cursor = nextCursor
    }
  }
  return found
}
