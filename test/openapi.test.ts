/** The published reference is generated, complete and correct. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import fc from 'fast-check'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { demoV3Values } from '../dev/world/demo-values.ts'
import { createDocument } from '../dev/openapi/document.ts'
import { handleIncidentRequest, sendEventRequest } from '../lib/http/console-lists.ts'
import { complaintRequest } from '../lib/http/console-requests.ts'
import * as requests from '../lib/http/requests.ts'
import { receiptRequest, shippingRequest } from '../lib/http/shipping-requests.ts'
import { schemaErrorAt } from './support/contract.ts'
import { arbitraryOf, mutated } from './support/from-schema.ts'
import { openShop, textOf, toPayment, type Answer, type Shop } from './support/shop.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const published = read('public/openapi.json')

const example = v.object({ value: v.unknown() })
const content = v.record(
  v.string(),
  v.looseObject({ examples: v.optional(v.record(v.string(), v.unknown()), {}) }),
)
const operation = v.object({
  operationId: v.string(),
  parameters: v.optional(v.array(v.object({ name: v.optional(v.string()) })), []),
  requestBody: v.optional(v.object({ content })),
  responses: v.record(v.string(), v.object({ content: v.optional(content, {}) })),
  'x-codeSamples': v.array(v.object({ label: v.string(), source: v.string() })),
})
const path = v.object({
  put: v.optional(operation),
  post: v.optional(operation),
  get: v.optional(operation),
})
const reference = v.parse(
  v.object({
    paths: v.record(v.string(), path),
    components: v.object({
      examples: v.record(v.string(), example),
      schemas: v.record(v.string(), v.unknown()),
    }),
  }),
  JSON.parse(published),
)
const operations = Object.entries(reference.paths).flatMap(([where, methods]) =>
  Object.entries(methods).flatMap(([method, described]) =>
    described === undefined ? [] : [{ where, method, described }],
  ),
)

describe('the reference', () => {
  test('is OpenAPI 3.1', async () => {
    expect(
      await new Validator().validate(
        v.parse(v.record(v.string(), v.unknown()), JSON.parse(published)),
      ),
    ).toEqual({ valid: true })
  })

  test('is up to date; if not, run npm run openapi', async () => {
    const { version } = v.parse(v.object({ version: v.string() }), JSON.parse(read('package.json')))
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(await createDocument(version))))
  })

  test('has exactly the functions and their methods', async () => {
    const files = readdirSync(new URL('../api', import.meta.url)).map((file) =>
      basename(file, '.ts'),
    )
    const functions = await Promise.all(
      files.map(async (name): Promise<[string, string[]]> => {
        const module = v.parse(v.record(v.string(), v.unknown()), {
          ...(await import(`../api/${name}.ts`)),
        })
        return [`/api/${name}`, Object.keys(module).filter((method) => method !== 'default')]
      }),
    )
    // The console function serves several paths below its own.
    const functionOf = (where: string) => where.split('/').slice(0, 3).join('/')
    const described: Record<string, string[]> = {}
    for (const [where, methods] of Object.entries(reference.paths)) {
      const all = [...(described[functionOf(where)] ?? []), ...Object.keys(methods)]
      described[functionOf(where)] = [...new Set(all)].toSorted()
    }
    expect(described).toEqual(
      Object.fromEntries(functions.map(([where, methods]) => [where, methods.toSorted()])),
    )
  })

  test('has every error code, and names the answers that use it', () => {
    const union = /export type Failure =$([^]*?)^$/m.exec(read('lib/core/failure.ts'))?.[1] ?? ''
    const codes = [...union.matchAll(/(?<!\[)'(\w+)'/g)].map(([, code]) => code)
    expect(Object.keys(reference.components.examples).toSorted()).toEqual(codes.toSorted())
    const answered = (code: string | undefined) =>
      published.split(`"#/components/examples/${code}"`).length > 1
    // WeChat gets FAIL, and only the log has this reason.
    expect(codes.filter((code) => !answered(code))).toEqual(['notice_rejected'])
  })

  test('requires whole numbers of fen', () => {
    const priced = (totalFee: number) =>
      schemaErrorAt(
        { openid: 'o1', totalFee, body: '茶' },
        'components',
        'schemas',
        'PricedOrderRequest',
      )
    expect([
      priced(1),
      priced(1.5),
      priced(0),
      priced(2_147_483_647),
      priced(2_147_483_648),
    ]).toEqual([
      null,
      '/totalFee must be integer',
      '/totalFee must be >= 1',
      null,
      '/totalFee must be <= 2147483647',
    ])
  })
})

describe('every example', () => {
  const inContent = (at: readonly string[], parts: v.InferOutput<typeof content>) =>
    Object.entries(parts).flatMap(([type, { examples }]) =>
      Object.entries(examples).map(([name, shown]) => ({
        at: [...at, 'content', type, 'schema'],
        name,
        shown,
      })),
    )
  const all = operations.flatMap(
    ({ where, method, described: { operationId, requestBody, responses } }) => [
      ...inContent(['paths', where, method, 'requestBody'], requestBody?.content ?? {}).map(
        (one) => ({
          ...one,
          of: `${operationId} request`,
        }),
      ),
      ...Object.entries(responses).flatMap(([status, { content: parts }]) =>
        inContent(['paths', where, method, 'responses', status], parts).map((one) => ({
          ...one,
          of: `${operationId} ${status}`,
        })),
      ),
    ],
  )

  test('is valid under its schema', () => {
    const errors = all.flatMap(({ of, at, name, shown }) => {
      const { value } = v.parse(
        example,
        v.is(example, shown) ? shown : reference.components.examples[name],
      )
      const error = schemaErrorAt(value, ...at)
      return error === null ? [] : [`${of} ${name}: ${error}`]
    })
    expect([errors, all.length > 50]).toEqual([[], true])
  })
})

describe('the schema of a request', () => {
  const bodies = {
    LogInRequest: requests.loginRequest,
    PhoneRequest: requests.phoneRequest,
    BasketRequest: requests.basketRequest,
    PricedOrderRequest: requests.pricedRequest,
    OrderRequest: requests.orderRequest,
    ProductsRequest: requests.productsRequest,
    RefundRequest: requests.refundRequest,
    ComplaintRequest: complaintRequest,
    HandleIncidentRequest: handleIncidentRequest,
    SendEventRequest: sendEventRequest,
    ShippingRequest: shippingRequest,
    ReceiptRequest: receiptRequest,
  }
  const skusOf = (text: string) => [...text.matchAll(/"sku":"([^"]*)"/g)].map(([, sku]) => sku)

  test.each(Object.entries(bodies))(
    '%s accepts exactly what the function accepts',
    (name, schema) => {
      const whole = arbitraryOf(reference.components.schemas[name])
      fc.assert(
        fc.property(fc.oneof(whole, mutated(whole)), (body) => {
          const sent = JSON.stringify(body) ?? ''
          // JSON Schema cannot say that each sku is given once. And our reader accepts an empty
          // list in place of `contact`, the only object that may be empty.
          const skus = skusOf(sent)
          fc.pre(new Set(skus).size === skus.length && !sent.includes('"contact":[]'))
          const isAllowed = schemaErrorAt(body, 'components', 'schemas', name) === null
          expect([isAllowed, sent]).toEqual([v.safeParse(schema, body).success, sent])
        }),
        { numRuns: 200 },
      )
    },
  )
})

describe('the examples', () => {
  let shop: Shop
  beforeAll(async () => {
    // Complaints need the settings of APIv3.
    shop = await openShop({ WECHAT_PAY_API: 'v2', ...demoV3Values })
  })
  afterAll(() => shop.close())

  /** Runs a shell command of the examples. */
  function run(line: string, variables: Readonly<Record<string, string>>): Promise<Answer> {
    const fill = (text: string) =>
      text.replaceAll(/\$([A-Z_]+)/g, (_, name: string) => variables[name] ?? '')
    const [, method = 'GET'] = /^curl -X (\w+) /.exec(line) ?? []
    const [, address = ''] = /"\$API_URL([^"]*)"/.exec(line) ?? []
    const [, body] = / -d '([^']*)'$/.exec(line) ?? []
    const headers = [...line.matchAll(/ -H (?:"([^"]*)"|'([^']*)')/g)].map(([, open, closed]) =>
      open === undefined ? closed : fill(open),
    )
    const pairs = headers
      .map((header = '') => header.split(': ', 2))
      .map(([name = '', value = '']) => [name, value] as const)
    return shop.call(method, address, {
      headers: Object.fromEntries(pairs),
      ...(body === undefined ? {} : { body }),
    })
  }

  /**
   * Does what the examples need besides: the user pays, and another order is placed, which stays
   * unpaid.
   */
  async function doBetween(operationId: string, answer: Answer): Promise<void> {
    if (operationId !== 'prepay') return
    expect(shop.wechat.pay(toPayment(answer.json))).toEqual({ errMsg: 'requestPayment:ok' })
    await shop.deliverNotifications()
    await shop.world.settled()
    await shop.sql(
      `update events set id = 'evt_5f6f2833ce9d42dbb9ea282ac2666497' where type = 'order.paid'`,
    )
    await shop.sql(
      `insert into incidents (fingerprint, kind, out_trade_no, expected, received, source, occurred_at)
       values ('example', 'amount', 'example-0001', '{}', '{}', 'notify', now())`,
    )
    const complaintId = '200201820261120100076610000'
    shop.wechat.complain({ outTradeNo: 'example-0001', complaintId })
    const other = {
      openid: 'oDemo000000000000000000User1',
      totalFee: 2800,
      body: '拿铁',
      outTradeNo: 'example-0002',
    }
    await shop.call('POST', '/api/orders', { token: shop.merchantKey, body: other })
  }

  test('run in order, and each gets the answer that is shown', async () => {
    const variables: Record<string, string> = {
      MERCHANT_API_KEY: shop.merchantKey,
      CRON_SECRET: shop.cronSecret,
    }
    for (const { described } of operations) {
      for (const { label, source } of described['x-codeSamples']) {
        const answer = await run(source, variables)
        if (described.operationId === 'logIn')
          variables['USER_TOKEN'] = textOf(answer.json, 'token')
        const shown = Object.values(described.responses[answer.status]?.content ?? {}).find(
          ({ examples }) => label in examples,
        )
        expect([source, answer.status, Object.keys(answer.json).toSorted()]).toEqual([
          source,
          answer.status,
          fieldsOf(shown?.examples[label]),
        ])
        await doBetween(described.operationId, answer)
      }
    }
    await shop.world.settled()
    expect(shop.world.events.map(({ body }) => /"type":"([^"]+)"/.exec(body)?.[1])).toEqual([
      'order.paid',
      'order.closed',
      'complaint.created',
      'order.paid',
    ])
  })

  const answerExample = v.object({
    value: v.union([v.string(), v.record(v.string(), v.unknown())]),
  })
  /** Empty for text and XML, which the checker has already compared. */
  const fieldsOf = (shown: unknown): readonly string[] => {
    const { value } = v.parse(answerExample, shown)
    return typeof value === 'string' || 'return_code' in value ? [] : Object.keys(value).toSorted()
  }

  test('are served with the rest of the reference, as JSON', async () => {
    const answer = await fetch(`${shop.world.url}/openapi.json`)
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'application/json',
      published,
    ])
  })

  const forbidden: readonly (readonly [
    what: string,
    method: string,
    where: string,
    body: object,
  ])[] = [
    ['an empty code', 'POST', '/api/login', { code: '' }],
    [
      'a price in a basket',
      'POST',
      '/api/orders',
      { items: [{ sku: 'latte', quantity: 1 }], totalFee: 1 },
    ],
    [
      'a fraction of a fen',
      'PUT',
      '/api/products',
      { products: [{ sku: 'tea', name: '茶', price: 0.5 }] },
    ],
    ['a short order number', 'POST', '/api/prepay', { outTradeNo: '12345' }],
    ['no order number', 'POST', '/api/close', {}],
    [
      'a refund of 0 fen',
      'POST',
      '/api/refund',
      { outTradeNo: 'example-0001', outRefundNo: 'R1', refundFee: 0 },
    ],
    [
      'an express parcel without its number',
      'POST',
      '/api/shipping',
      { outTradeNo: 'example-0001', logisticsType: 'express', items: [{ itemDesc: '茶' }] },
    ],
  ]
  test.each(forbidden)('are refused with %s as their body', async (_, method, where, body) => {
    expect(
      schemaErrorAt(
        body,
        'paths',
        where,
        method.toLowerCase(),
        'requestBody',
        'content',
        'application/json',
        'schema',
      ),
    ).not.toBeNull()
    const token = where === '/api/orders' ? await shop.logIn() : shop.merchantKey
    expect((await shop.call(method, where, { token, body })).json).toMatchObject({
      status: 400,
      code: 'invalid_request',
    })
  })

  test.each([
    ['/api/orders', 'limit', '101'],
    ['/api/orders', 'limit', '1.5'],
    ['/api/orders', 'tradeState', 'PAID'],
    ['/api/query', 'outTradeNo', '12345'],
    ['/api/query', 'transactionId', '4200-1'],
    ['/api/refund', 'outRefundNo', ''],
    ['/api/cron', 'bill', '2026-02-30'],
  ])('%s is refused with %s=%s', async (where, name, value) => {
    const index = String(
      reference.paths[where]?.get?.parameters.findIndex((parameter) => parameter.name === name),
    )
    const isAllowed = (parameter: unknown) =>
      schemaErrorAt(parameter, 'paths', where, 'get', 'parameters', index, 'schema') === null
    expect([isAllowed(value), isAllowed(Number(value))]).toEqual([false, false])
    const token = where === '/api/cron' ? shop.cronSecret : shop.merchantKey
    const answer = await shop.call('GET', `${where}?${name}=${encodeURIComponent(value)}`, {
      token,
    })
    expect(answer.json).toMatchObject({
      status: 400,
      code: 'invalid_request',
      detail: expect.stringMatching(`^${name}: `),
    })
  })
})
