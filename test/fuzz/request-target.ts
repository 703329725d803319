/**
 * Reading a request must not crash and must not change a prototype. It either names the invalid
 * field or returns a value within the limits of the contract.
 */
import fc from 'fast-check'
import type * as v from 'valibot'
import type { Failure } from '../../lib/core/failure.ts'
import type { Result } from '../../lib/core/result.ts'
import { billsQuery } from '../../lib/http/console-bills.ts'
import * as lists from '../../lib/http/console-lists.ts'
import { complaintRequest, complaintsQuery } from '../../lib/http/console-requests.ts'
import { clientAddress } from '../../lib/http/client-address.ts'
import { listRequest, merchantListRequest } from '../../lib/http/list-request.ts'
import { readIdempotencyKey } from '../../lib/http/idempotency-key.ts'
import { readQuery, readRequest } from '../../lib/http/read-request.ts'
import * as schemas from '../../lib/http/requests.ts'
import {
  merchantShippingQuery,
  shippingOrReceipt,
  shippingRequest,
} from '../../lib/http/shipping-requests.ts'
import * as merchant from './genuine-console.ts'
import * as genuine from './genuine-requests.ts'
import { hostileBody, hostileHeaders, hostileQuery, type Body } from './requests.ts'
import { Violation, type Outcome, type Target } from './target.ts'

const numbers: genuine.Numbers = {
  orders: fc.constantFrom('20250102030405000000000000000001', 'T00001', 'A|*-_b'),
  refunds: fc.constantFrom('R1', 'R@|*-_2'),
  openids: fc.constant('oDemo000000000000000000User1'),
}

const bodies: Readonly<Record<string, readonly [v.GenericSchema, fc.Arbitrary<Body>]>> = {
  login: [schemas.loginOrPhoneRequest, hostileBody(genuine.genuineLogin)],
  basket: [schemas.basketRequest, hostileBody(genuine.genuineBasket)],
  priced: [schemas.pricedRequest, hostileBody(genuine.genuinePriced(numbers))],
  order: [schemas.orderRequest, hostileBody(genuine.genuineOrder(numbers))],
  products: [schemas.productsRequest, hostileBody(genuine.genuineProducts)],
  refund: [schemas.refundRequest, hostileBody(genuine.genuineRefund(numbers))],
  complaint: [complaintRequest, hostileBody(genuine.genuineComplaint)],
  handling: [lists.handleIncidentRequest, hostileBody(merchant.genuineHandling)],
  sending: [lists.sendEventRequest, hostileBody(merchant.genuineSending)],
  search: [lists.searchRequest, hostileBody(merchant.genuineSearch(numbers))],
  shipping: [shippingRequest, hostileBody(genuine.genuineShipping(numbers))],
  receipt: [shippingOrReceipt, hostileBody(genuine.genuineReceipt(numbers))],
}
const queries: Readonly<Record<string, readonly [v.GenericSchema, fc.Arbitrary<string>]>> = {
  list: [listRequest, hostileQuery(genuine.genuineList)],
  merchantList: [merchantListRequest, hostileQuery(genuine.genuineMerchantList(numbers))],
  query: [schemas.queryRequest, hostileQuery(genuine.genuineQuery(numbers))],
  refundQuery: [schemas.refundQuery, hostileQuery(genuine.genuineRefundQuery(numbers))],
  shippingQuery: [merchantShippingQuery, hostileQuery(genuine.genuineShippingQuery(numbers))],
  complaints: [complaintsQuery, hostileQuery(genuine.genuineComplaintsQuery)],
  bills: [billsQuery, hostileQuery(merchant.genuineBills)],
  incidents: [lists.incidentsQuery, hostileQuery(merchant.genuineIncidents)],
  events: [lists.eventsQuery, hostileQuery(merchant.genuineEvents(numbers))],
  shipments: [lists.shipmentsQuery, hostileQuery(merchant.genuineShipments(numbers))],
  takings: [lists.takingsQuery, hostileQuery(merchant.genuineTakings)],
  history: [schemas.orderRequest, hostileQuery(genuine.genuineOrder(numbers))],
  cron: [schemas.cronRequest, hostileQuery(genuine.genuineCron)],
}

interface BodyInput {
  readonly of: string
  readonly schema: v.GenericSchema
  readonly body: Body
  readonly headers: Readonly<Record<string, string>>
  readonly inPieces: boolean
}

export const bodyTarget: Target<BodyInput> = {
  name: 'request bodies',
  inputs: fc.oneof(
    ...Object.entries(bodies).map(([of, [schema, body]]) =>
      fc.record({
        of: fc.constant(of),
        schema: fc.constant(schema),
        body,
        headers: hostileHeaders,
        inPieces: fc.boolean(),
      }),
    ),
  ),
  async check({ schema, body, headers, inPieces }) {
    const request = new Request('http://127.0.0.1/api/x', {
      method: 'POST',
      headers: { ...headers, 'content-type': body.type },
      body: inPieces ? pieces(body.bytes) : new Uint8Array(body.bytes),
      duplex: 'half',
    })
    if (/[^\d.:a-f]/i.test(clientAddress(request)))
      throw new Violation('an invalid client address was accepted')
    const key = readIdempotencyKey(request)
    if (key.ok && key.value !== null && !/^[\x21-\x7e]{1,255}$/.test(key.value))
      throw new Violation('an invalid idempotency key was accepted')
    return checkReading(await readRequest(request, schema), body.bytes.byteLength)
  },
  print: ({ of, body, headers, inPieces }) =>
    `${of}${inPieces ? ' in pieces' : ''} ${JSON.stringify({ ...headers, 'content-type': body.type })} ${JSON.stringify(body.bytes.toString('utf8'))}\n  in base64: ${body.bytes.toString('base64')}`,
}

interface QueryInput {
  readonly of: string
  readonly schema: v.GenericSchema
  readonly query: string
}

export const queryTarget: Target<QueryInput> = {
  name: 'query strings',
  inputs: fc.oneof(
    ...Object.entries(queries).map(([of, [schema, query]]) =>
      fc.record({ of: fc.constant(of), schema: fc.constant(schema), query }),
    ),
  ),
  check: ({ schema, query }) =>
    checkReading(readQuery(new Request(`http://127.0.0.1/api/x?${query}`), schema), 0),
  print: ({ of, query }) => `${of} ?${JSON.stringify(query)}`,
}

const pieces = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (let from = 0; from < bytes.byteLength; from += 1_000)
        controller.enqueue(new Uint8Array(bytes.subarray(from, from + 1_000)))
      controller.close()
    },
  })

const EXPECTED = ['invalid_request', 'body_too_large', 'unsupported_media_type']
const MAX_TEXT_LENGTH = 32_768
const MAX_FEN = 2_147_483_647
/** The least and the largest values of numbers that are no amounts. */
const BOUNDS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['quantity', [1, 9_999]],
  ['limit', [1, 100]],
  ['days', [1, 366]],
  ['refundInDays', [0, 30]],
  ['position', [0, 999_999_999]],
  // PostgreSQL's bigint holds each of them.
  ['id', [1, Number.MAX_SAFE_INTEGER]],
  ['before', [1, Number.MAX_SAFE_INTEGER]],
])

function checkReading(read: Result<unknown, Failure>, size: number): Outcome {
  if (Object.keys(Object.prototype).length > 0 || Reflect.has({}, 'totalFee'))
    throw new Violation('a prototype was changed')
  if (!read.ok) {
    if (!EXPECTED.includes(read.error.reason))
      throw new Violation(`refused for ${read.error.reason}`)
    return `refused: ${read.error.reason}`
  }
  if (size > 70_000) throw new Violation('a body above the size limit was accepted')
  checkValue(read.value, '')
  return 'accepted'
}

/** Every value that reaches a step must be within the limits of the contract. */
function checkValue(value: unknown, name: string): void {
  if (typeof value === 'string') {
    if (value.length > MAX_TEXT_LENGTH) throw new Violation(`${name} is too long`)
    if (/^out(?:Trade|Refund)No$/.test(name) && !/^[\w|*@-]{1,64}$/.test(value))
      throw new Violation(`${name} is not a valid number`)
    if (name === 'complaintId' && !/^[\w-]{1,64}$/.test(value))
      throw new Violation('complaintId is invalid')
    if (name === 'note' && (value.length > 500 || value.includes('\0')))
      throw new Violation('note is invalid')
    if (name === 'day' && !/^20\d{2}-\d{2}-\d{2}$/.test(value))
      throw new Violation('day is invalid')
    if (name === 'openid' && !/^[\w-]{1,128}$/.test(value)) throw new Violation('openid is invalid')
    if (name === 'sku' && !/^[\w.-]{1,64}$/.test(value)) throw new Violation('sku is invalid')
  } else if (typeof value === 'number') {
    const [min, max] = BOUNDS.get(name) ?? [1, MAX_FEN]
    if (!Number.isInteger(value) || value < min || value > max)
      throw new Violation(`${name} is out of bounds: ${value}`)
  } else if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new Violation(`${name} is not a time`)
  } else if (Array.isArray(value)) {
    if (value.length > 500) throw new Violation(`${name} has too many entries`)
    for (const item of value) checkValue(item, name)
  } else if (typeof value === 'object' && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null)
      throw new Violation(`${name} has another prototype`)
    for (const [key, member] of Object.entries(value)) checkValue(member, key)
  } else if (value !== null && typeof value !== 'boolean' && value !== undefined)
    throw new Violation(`${name} is ${typeof value}`)
}
