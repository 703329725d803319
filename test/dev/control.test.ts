/** The control interface describes itself and accepts what any shell can send. */
import { beforeEach, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import { createSimulator, type Simulator } from '../../dev/wechat/simulator.ts'

let now: number
let simulator: Simulator
beforeEach(() => {
  now = Date.parse('2025-01-02T03:04:05+08:00')
  simulator = createSimulator({
    appid: 'wx00000000demo0001',
    appSecret: 's',
    mchId: '1900000109',
    payKey: 'DemoV2ApiKey00000000000000000001',
    now: () => now,
    advance: (ms) => void (now += ms),
  })
})

const routes = v.object({
  routes: v.array(
    v.object({ method: v.string(), path: v.string(), does: v.string(), example: v.optional(v.record(v.string(), v.unknown())) }),
  ),
})
const list = async () => v.parse(routes, JSON.parse(await (await simulator.app.request('/control')).text())).routes

async function send(method: string, path: string, body?: string): Promise<{ status: number; json: unknown }> {
  const response = await simulator.app.request(path, { method, ...(body === undefined ? {} : { body }) })
  const json: unknown = JSON.parse(await response.text())
  return { status: response.status, json }
}

describe('GET /control', () => {
  test('lists every route there is, with what it does', async () => {
    const served = simulator.app.routes
      .filter(({ path, method }) => path.startsWith('/control/') && method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`)
      .toSorted()
    const listed = await list()
    expect(listed.map(({ method, path }) => `${method} ${path}`).toSorted()).toEqual(served)
    expect(served.length).toBeGreaterThan(10)
    for (const { does } of listed) expect(does).toMatch(/^\S.{10,}/)
  })

  test('is named in the answer to an unknown route', async () => {
    for (const [method, path] of [
      ['GET', '/control/nothing'],
      ['GET', '/control/pay'],
    ] as const)
      expect(await send(method, path)).toEqual({ status: 404, json: { error: 'there is no such route: GET /control lists them' } })
  })

  test('shows a valid example for each route that takes a body', async () => {
    const examples = (await list()).filter(({ method }) => method === 'POST')
    const answers = await Promise.all(
      examples.map(async ({ method, path, example }) => ({ path, ...(await send(method, path, JSON.stringify(example))) })),
    )
    const refused = answers.filter(({ status }) => status !== 200).map(({ path, json }) => [path, json])
    // Understood, and refused because there is no such order.
    expect(refused).toEqual([['/control/refund', { error: expect.stringContaining('ORDERNOTEXIST') }]])
  })
})

describe('a body may be a form, which no shell needs quotation marks for:', () => {
  test.each([
    ['/control/clock', 'advanceSeconds=60', { now: '2025-01-02T03:05:05+08:00' }],
    ['/control/clock', 'to=tomorrow-morning', { now: '2025-01-03T11:00:00+08:00' }],
    ['/control/balance', 'balance=500', { balance: 500 }],
    ['/control/balance', 'balance=null', { balance: null }],
    ['/control/settings', 'tradeManaged=false&refundMs=0', { settings: expect.objectContaining({ tradeManaged: false, refundMs: 0 }) }],
    ['/control/faults', 'on=unifiedorder&do=http-500&times=2', { fault: { on: 'unifiedorder', do: 'http-500', times: 2 } }],
    ['/control/login', 'openid=12345', { code: expect.any(String), userData: expect.any(Object) }],
  ])('%s with %s', async (path, body, answer) => {
    expect(await send('POST', path, body)).toEqual({ status: 200, json: answer })
  })

  test('a number of an order stays text', async () => {
    const { json } = await send('POST', '/control/refund', 'outTradeNo=20250102&refundFee=1')
    expect(json).toEqual({ error: expect.stringContaining('ORDERNOTEXIST') })
  })

  test.each([
    ['/control/clock', 'advanceSeconds=soon'],
    ['/control/clock', 'to=yesterday'],
    ['/control/balance', 'balance=1.5'],
    ['/control/login', 'openid=a b'],
    ['/control/login', '{"openid":'],
    ['/control/login', '[]'],
    ['/control/faults', 'on=nowhere'],
  ])('%s does not take %s, and says why', async (path, body) => {
    expect(await send('POST', path, body)).toEqual({ status: 400, json: { error: expect.stringMatching(/^\w[\w.]*: .+/) } })
  })
})

test('a simulator that does not own its clock refuses to move it', async () => {
  const { app } = createSimulator({ appid: 'a', appSecret: 's', mchId: '1', payKey: 'k', now: () => now })
  const response = await app.request('/control/clock', { method: 'POST', body: 'advanceSeconds=1' })
  expect(response.status).toBe(400)
})
