/**
 * Traces: each request and each hop is a span. Only an environment that names a collector sends
 * traces.
 */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { secretsIn } from '../support/secrets.ts'
import { openShop, textOf, type Shop } from '../support/shop.ts'

const valueSchema = v.object({
  stringValue: v.optional(v.string()),
  intValue: v.optional(v.number()),
})
const spanSchema = v.object({
  traceId: v.string(),
  spanId: v.string(),
  parentSpanId: v.optional(v.string()),
  name: v.string(),
  status: v.object({ code: v.number() }),
  attributes: v.array(v.object({ key: v.string(), value: valueSchema })),
})
const exportSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    resourceSpans: v.array(
      v.object({
        resource: v.object({
          attributes: v.array(v.object({ key: v.string(), value: valueSchema })),
        }),
        scopeSpans: v.array(v.object({ spans: v.array(spanSchema) })),
      }),
    ),
  }),
)
type Span = v.InferOutput<typeof spanSchema>

let received: string[] = []
/** If false, the collector accepts requests and never answers. */
let answers = true
const collector = createServer((request, response) => {
  void text(request).then((body) => {
    received.push(`${request.url} ${JSON.stringify(request.headers)}\n${body}`)
    if (answers) response.setHeader('content-type', 'application/json').end('{}')
  })
})

const spans = (): readonly Span[] =>
  received
    .map((message) => v.parse(exportSchema, message.slice(message.indexOf('\n') + 1)))
    .flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans: some }) => some)),
    )
const attribute = (span: Span | undefined, key: string) => {
  const value = span?.attributes.find((one) => one.key === key)?.value
  return value?.stringValue ?? value?.intValue
}
/** Waits for the request's span and returns it with the spans of its hops, sorted by name. */
async function trace(name: string): Promise<{ request: Span; hops: readonly Span[] }> {
  const request = await vi.waitFor(
    () => {
      const found = spans().find((span) => span.name === name)
      if (found === undefined)
        throw new Error(
          `no ${name} among ${spans()
            .map((span) => span.name)
            .join(', ')}`,
        )
      return found
    },
    { timeout: 5_000, interval: 20 },
  )
  const hops = spans().filter((span) => span.parentSpanId === request.spanId)
  return { request, hops: hops.toSorted((one, other) => one.name.localeCompare(other.name)) }
}

const openTelemetry = (): unknown => Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1'))

let shop: Shop
let token: string
beforeAll(async () => {
  const plain = await openShop()
  await plain.logIn()
  expect(openTelemetry(), 'OpenTelemetry is not set up without a collector').toBeUndefined()
  await plain.close()

  await new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve))
  const address = collector.address()
  const port = typeof address === 'object' ? address?.port : undefined
  vi.resetModules()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${port}`)
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'x-collector-key=key-of-the-collector')
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json')
  vi.stubEnv('OTEL_SERVICE_NAME', 'tea-house')
  vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', '20')
  shop = await openShop()
  token = await shop.logIn()
})
beforeEach(async () => {
  shop.wechat.clearFaults()
  await shop.world.settled()
  received = []
})
afterAll(async () => {
  collector.closeAllConnections()
  collector.close()
  await shop.close()
})

test('a prepay is one trace with a span for each hop', async () => {
  const outTradeNo = await shop.placeOrder(token)
  await shop.prepay(token, outTradeNo)
  const { request, hops } = await trace('POST /api/prepay')
  expect(hops.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['database', 'redis', 'wechat /pay/unifiedorder']),
  )
  expect(
    attribute(
      hops.find(({ name }) => name.startsWith('wechat')),
      'http.response.status_code',
    ),
  ).toBe(200)
  expect(
    ['outcome', 'http.response.status_code', 'order'].map((key) => attribute(request, key)),
  ).toEqual(['ok', 200, outTradeNo])
})

test('a trace and the log line of a request carry the same request id', async () => {
  const answer = await shop.call('GET', '/api/orders', { token })
  const { request } = await trace('GET /api/orders')
  expect(attribute(request, 'requestId')).toBe(answer.headers.get('x-request-id'))
})

test('the collector gets the name of the service and the configured key', async () => {
  await shop.call('GET', '/api/products')
  await trace('GET /api/products')
  expect(received[0]).toMatch(/^\/v1\/traces /)
  expect(received[0]).toContain('"x-collector-key":"key-of-the-collector"')
  expect(received[0]).toContain('{"key":"service.name","value":{"stringValue":"tea-house"}}')
})

test('a failed hop is marked as failed, and so is its request', async () => {
  const outTradeNo = await shop.placeOrder(token)
  shop.wechat.misbehave({ on: 'unifiedorder', do: 'drop' })
  await shop.call('POST', '/api/prepay', { token, body: { outTradeNo } })
  const { request, hops } = await trace('POST /api/prepay')
  expect(attribute(request, 'error.type')).toBe('wechat_unknown')
  expect(request.status.code).toBe(2)
  const failed = hops.find(({ name }) => name === 'wechat /pay/unifiedorder')
  expect([attribute(failed, 'error.type'), failed?.status.code]).toEqual(['network', 2])
})

test('a failed Redis request names its cause in one word', async () => {
  const outTradeNo = await shop.placeOrder(token)
  await shop.world.settled()
  shop.world.faults.redis.down()
  await shop.prepay(token, outTradeNo)
  shop.world.faults.redis.up()
  const { hops } = await trace('POST /api/prepay')
  const failed = hops.find(({ name }) => name === 'redis')
  expect([attribute(failed, 'error.type'), failed?.status.code]).toEqual(['network', 2])
})

test('no span contains a secret, a token or an openid', async () => {
  await shop.logIn()
  await shop.sell()
  await trace('POST /api/login')
  await trace('POST /api/notify')
  expect(received.flatMap((message) => secretsIn(message.slice(message.indexOf('\n'))))).toEqual([])
})

test('a collector that does not answer delays no request', async () => {
  answers = false
  const outTradeNo = await shop.placeOrder(token)
  await vi.waitFor(() => expect(received.length).toBeGreaterThan(0), {
    timeout: 5_000,
    interval: 20,
  })
  expect(textOf(await shop.prepay(token, outTradeNo), 'paySign')).not.toBe('')
})
