/**
 * Hostile text in any field of any function never causes a server error. The fields come from the
 * published reference, so a new field is covered as soon as it is published.
 */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { complain, openComplainedShop } from '../support/complaints.ts'
import { paymentFacts, paymentMessage } from '../support/messages/messages.ts'
import type { Answer, Json, Sale, Shop } from '../support/shop.ts'

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))

const HOSTILE: Readonly<Record<string, unknown>> = {
  'the first half of an emoji': 'latte\ud83e',
  'the second half of an emoji': '\udd14latte',
  'both halves the wrong way round': '\udd14\ud83e',
  'a NUL': 'latte\u0000',
  'nothing but a NUL': '\u0000',
  'a NUL in words': 'latte\\u0000',
  'control characters': 'a\u0001\u0008\u001b[31m\u007f\u0085b',
  'line breaks': 'a\r\nSet-Cookie: x=1\n\nb',
  noncharacters: '\ufffe\uffff',
  'nine hundred accents': `e${'\u0301'.repeat(900)}`,
  'text from right to left': '\u202egnp.exe\u2066\u200f',
  'an emoji': '🤔👩‍👩‍👧‍👦',
  'rare Han': '𠮷野家𪚥',
  'the end of a CDATA section': ']]>]]]]><![CDATA[>',
  'a DOCTYPE': '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>&y;',
  'fields of a signed message': 'x&total_fee=1&out_trade_no=A&result_code=SUCCESS',
  SQL: `'; drop table orders; --`,
  'a prototype': '__proto__',
  'deep JSON in a text': '['.repeat(3_000) + ']'.repeat(3_000),
  'deep JSON': nested(1_000),
  'a huge number': 1e308,
  'a number beyond 64 bits': 2 ** 64,
  'a huge number in a text': '9'.repeat(400),
  'text of 40,000 characters': 'x'.repeat(40_000),
  blanks: ' \u00a0\u3000 ',
  nothing: '',
}
const TEXTS = Object.entries(HOSTILE).flatMap(([what, value]) =>
  typeof value === 'string' ? [[what, value] as const] : [],
)

/** A form is read as one text first, so the texts that affect characters are enough. */
const IN_FORMS = TEXTS.filter(([what]) => /half|NUL|control|line|Han|JSON/.test(what))

const schema = v.looseObject({
  $ref: v.optional(v.string()),
  type: v.optional(v.string()),
  properties: v.optional(v.record(v.string(), v.unknown()), {}),
  items: v.optional(v.unknown()),
  oneOf: v.optional(v.array(v.unknown()), []),
})
const operation = v.object({
  parameters: v.optional(
    v.array(v.object({ name: v.optional(v.string()), in: v.optional(v.string()) })),
    [],
  ),
  requestBody: v.optional(
    v.object({ content: v.record(v.string(), v.object({ schema: v.unknown() })) }),
  ),
})
const reference = v.parse(
  v.object({
    paths: v.record(v.string(), v.record(v.string(), v.unknown())),
    components: v.object({ schemas: v.record(v.string(), v.unknown()) }),
  }),
  JSON.parse(readFileSync(new URL('../../public/openapi.json', import.meta.url), 'utf8')),
)
const operations = Object.entries(reference.paths).flatMap(([path, methods]) =>
  ['get', 'post', 'put'].flatMap((method) => {
    const described = v.safeParse(operation, methods[method])
    return described.success ? [{ path, method: method.toUpperCase(), ...described.output }] : []
  }),
)

/** The names of the bodies that a schema allows: one `$ref`, or one of several. */
const bodiesOf = (described: unknown): readonly string[] => {
  const { $ref, oneOf } = v.parse(schema, described)
  return $ref === undefined ? oneOf.flatMap(bodiesOf) : [$ref.split('/').at(-1) ?? '']
}

/** The paths of all values that are neither an object nor a list, such as `items.0.sku`. */
const leavesOf = (described: unknown, prefix = ''): readonly string[] => {
  const { type, properties, items } = v.parse(schema, described)
  if (type === 'array') return leavesOf(items, `${prefix}0.`)
  if (type !== 'object') return [prefix.slice(0, -1)]
  return Object.entries(properties).flatMap(([name, field]) => leavesOf(field, `${prefix}${name}.`))
}

const bodyFields = operations.flatMap(({ path, method, requestBody }) =>
  bodiesOf(requestBody?.content['application/json']?.schema ?? {}).flatMap((body) =>
    leavesOf(reference.components.schemas[body]).map((field) => ({ path, method, body, field })),
  ),
)
const queryFields = operations.flatMap(({ path, method, parameters }) =>
  parameters.flatMap(({ name, in: place }) =>
    name !== undefined && place === 'query' ? [{ path, method, name }] : [],
  ),
)

/** The same body with one value changed. Missing objects on the path are created. */
function withField(body: unknown, [step, ...way]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value
  if (step === '0') return [withField(Array.isArray(body) ? body[0] : undefined, way, value)]
  const fields = typeof body === 'object' && body !== null ? { ...body } : {}
  return {
    ...fields,
    [step]: withField(Object.entries(fields).find(([name]) => name === step)?.[1], way, value),
  }
}

/** Percent-encodes the bytes, including lone surrogates, which no honest client sends. */
const percent = (text: string): string =>
  text.replaceAll(/[^\w]/gu, (character) =>
    character.isWellFormed()
      ? encodeURIComponent(character)
      : ((unit) =>
          `%${(0xe0 | (unit >> 12)).toString(16)}%${(0x80 | ((unit >> 6) & 63)).toString(16)}%${(0x80 | (unit & 63)).toString(16)}`)(
          character.charCodeAt(0),
        ),
  )

let shop: Shop
let sale: Sale
let shipped: Sale
let complaintId: string
let eventId: unknown
let incidentId: unknown
beforeAll(async () => {
  shop = await openComplainedShop()
  sale = await shop.sell()
  shipped = await shop.sell()
  complaintId = (await complain(shop)).complaintId
  const unpaid = await shop.placeOrder(await shop.logIn())
  await shop.notify(paymentMessage(shop, unpaid, paymentFacts(shop, unpaid, { totalFee: 1 })))
  await shop.deliverNotifications()
  eventId = (await shop.sql('select id from events limit 1'))[0]?.['id']
  incidentId = Number((await shop.sql('select id from incidents limit 1'))[0]?.['id'])
  const body = express(shipped)
  await shop.call('POST', '/api/shipping', { token: shop.merchantKey, body })
})
afterAll(() => shop.close())

const express = ({ outTradeNo }: Sale) => ({
  outTradeNo,
  logisticsType: 'express',
  items: [{ itemDesc: '茶', trackingNo: '1001', expressCompany: 'ZTO' }],
})

let count = 0
let phoneUser = ''
function tapPhoneButton(): string {
  const detail = shop.wechat.tapPhoneButton(phoneUser, '13800000001')
  return 'code' in detail ? detail.code : detail.errMsg
}
/** A valid body by the name of its schema. Each body is new, so that the database stores it. */
const genuine: Readonly<Record<string, () => Json>> = {
  LogInRequest: () => ({ code: shop.wechat.issueCode() }),
  PhoneRequest: () => ({ phoneCode: tapPhoneButton() }),
  ComplaintRequest: () => ({ complaintId, action: 'reply', content: '您好' }),
  SendEventRequest: () => ({ id: eventId }),
  HandleIncidentRequest: () => ({ id: incidentId, note: '已处理' }),
  SearchRequest: () => ({ text: sale.outTradeNo }),
  BasketRequest: () => ({ items: [{ sku: 'latte', quantity: 1 }] }),
  PricedOrderRequest: () => ({ openid: 'oHostile00000000000000000001', totalFee: 1, body: '茶' }),
  OrderRequest: () => ({ outTradeNo: sale.outTradeNo }),
  ProductsRequest: () => ({ products: [{ sku: 'tea', name: '茶', price: 100 }] }),
  RefundRequest: () => ({
    outTradeNo: sale.outTradeNo,
    outRefundNo: `hostile-${(count += 1)}`,
    refundFee: 1,
  }),
  ShippingRequest: () => express(sale),
  ReceiptRequest: () => ({
    outTradeNo: shipped.outTradeNo,
    receivedAt: new Date().toISOString(),
  }),
}

/** A new user for each request, so that no limit refuses it before its field is read. */
async function tokenFor(path: string, body?: string): Promise<string | undefined> {
  if (body === 'PhoneRequest') {
    phoneUser = `oPhone${String((count += 1)).padStart(22, '0')}`
    return shop.logIn(phoneUser)
  }
  if (path === '/api/login') return undefined
  if (path === '/api/cron') return shop.cronSecret
  return body === 'BasketRequest' ? shop.logIn() : shop.merchantKey
}

/** The hostile texts that caused a server error. */
async function failing(
  values: readonly (readonly [what: string, value: unknown])[],
  ask: (value: unknown) => Promise<Answer>,
): Promise<readonly string[]> {
  const answers = await Promise.all(
    values.map(async ([what, value]) => ({ what, ...(await ask(value)) })),
  )
  return answers
    .filter(({ status }) => status >= 500)
    .map(({ what, status, text }) => `${what}: ${status} ${text.slice(0, 200)}`)
}

test('every kind of body has a valid example here, and it is accepted', async () => {
  const taken = await Promise.all(
    bodyFields
      .filter(
        ({ path, body }, index) =>
          bodyFields.findIndex((other) => other.path === path && other.body === body) === index,
      )
      .filter(({ body }) => body !== 'OrderRequest')
      .map(async ({ path, method, body }) => {
        const answer = await shop.call(method, path, {
          token: await tokenFor(path, body),
          body: genuine[body]?.(),
        })
        return [body, answer.status < 300]
      }),
  )
  expect(taken.length).toBeGreaterThan(5)
  expect(taken.filter(([, isTaken]) => isTaken !== true)).toEqual([])
})

describe('hostile text causes no server error', () => {
  test.each(bodyFields)(
    'in $field of $method $path ($body)',
    async ({ path, method, body, field }) => {
      const token = await tokenFor(path, body)
      const ask = (value: unknown) =>
        shop.call(method, path, {
          token,
          body: withField(genuine[body]?.(), field.split('.'), value),
        })
      expect(await failing(Object.entries(HOSTILE), ask)).toEqual([])
    },
  )

  test.each(bodyFields.filter(({ field }) => !field.includes('.')))(
    'in the form field $field of $method $path ($body)',
    async (asked) => {
      const { path, method, body, field } = asked
      const token = await tokenFor(path, body)
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const ask = (value: unknown) => {
        const fields = Object.entries({ ...genuine[body]?.(), [field]: value })
        const form = fields.map(
          ([name, given]) =>
            `${name}=${percent(typeof given === 'string' ? given : JSON.stringify(given))}`,
        )
        return shop.call(method, path, { token, headers, body: form.join('&') })
      }
      expect(await failing(IN_FORMS, ask)).toEqual([])
    },
  )

  test.each(queryFields)('in ?$name= of $method $path', async ({ path, method, name }) => {
    const token = await tokenFor(path)
    const ask = (value: unknown) =>
      shop.call(method, `${path}?${name}=${percent(String(value).slice(0, 1_000))}`, { token })
    expect(await failing(TEXTS, ask)).toEqual([])
  })

  test.each(operations)('as the whole body of $method $path', async ({ path, method }) => {
    if (method === 'GET') return
    const token = await tokenFor(path)
    const headers = { 'content-type': 'application/json' }
    const raw = [
      ...TEXTS,
      ['JSON of 30,000 levels', `${'{"a":'.repeat(10_000)}1`],
      ['a JSON text', '"latte\\ud83e\\u0000"'],
    ] as const
    expect(
      await failing(raw, (value) =>
        shop.call(method, path, { token, headers, body: String(value) }),
      ),
    ).toEqual([])
  })

  test.each([
    'idempotency-key',
    'authorization',
    'content-type',
    'x-vercel-id',
    'x-forwarded-for',
    'x-real-ip',
    'traceparent',
    'cookie',
  ])('in the header %s', async (name) => {
    const ask = (value: unknown) => {
      // Characters that no client can put into a header are left out.
      const sent = Buffer.from(String(value), 'utf8')
        .toString('latin1')
        .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
        .slice(0, 8_000)
      const headers = {
        'content-type': 'application/json',
        [name]: name === 'authorization' ? `Bearer ${sent}` : sent,
      }
      const token = name === 'authorization' ? undefined : shop.merchantKey
      return shop.call('POST', '/api/orders', {
        token,
        headers,
        body: JSON.stringify(genuine['PricedOrderRequest']?.()),
      })
    }
    expect(await failing(TEXTS, ask)).toEqual([])
  })
})
