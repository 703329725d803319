/** The switch of the protocol, in the world that `npm start` runs. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storedExchanges } from '../support/feed-reader.ts'
import type { Json } from '../support/shop.ts'

const root = resolve(import.meta.dirname, '../..')
/** Modules of functions are loaded again by Node itself, so the world has a process of its own. */
const program = `
  import { startWorld } from ${JSON.stringify(resolve(root, 'dev/world/world.ts'))}
  const world = await startWorld({ complaints: true, isWatched: true })
  process.stdout.write(world.url + '\\n')
  process.on('SIGTERM', () => world.stop().then(() => process.exit(0)))
`

let child: ChildProcess
let url: string
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'world-protocol-'))
  child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: directory,
    // The world completes the environment of its own process, as that of npm start does.
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.stdout === null) throw new Error('the world has no output')
  const lines = createInterface(child.stdout)
  const [line] = await once(lines, 'line')
  url = String(line)
})
afterAll(async () => {
  child.kill('SIGTERM')
  await once(child, 'exit')
  await rm(directory, { recursive: true })
})

async function call(method: string, path: string, body?: object): Promise<Json> {
  const response = await fetch(url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer demo-merchant-key-for-the-local-world',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const json: Json = JSON.parse(await response.text())
  expect([path, response.ok, json]).toEqual([path, true, json])
  return json
}

/** Places an order and pays it. */
async function buy(outTradeNo: string): Promise<void> {
  await call('POST', '/wechat/control/login', { openid: 'oVisitor' })
  await call('POST', '/api/orders', {
    outTradeNo,
    openid: 'oVisitor',
    totalFee: 2800,
    body: '拿铁',
  })
  await pay(outTradeNo)
}
async function pay(outTradeNo: string): Promise<void> {
  const payment = await call('POST', '/api/prepay', { outTradeNo })
  expect(await call('POST', '/wechat/control/pay', payment)).toEqual({
    errMsg: 'requestPayment:ok',
  })
  expect(await call('GET', `/api/query?outTradeNo=${outTradeNo}`)).toMatchObject({
    tradeState: 'SUCCESS',
  })
}

test('new orders use the other protocol, those that exist keep theirs, and it can be switched back', async () => {
  const titles = async () =>
    (await storedExchanges(url))
      .filter(({ title }) => /^unifiedorder$|transactions\/jsapi$/.test(title))
      .map(({ title, outTradeNo }) => [outTradeNo, title])
  expect(await call('GET', '/world/switches')).toMatchObject({ refused: {} })
  await buy('order-of-v2')
  await call('POST', '/api/orders', {
    outTradeNo: 'order-before',
    openid: 'oVisitor',
    totalFee: 2800,
    body: '拿铁',
  })
  expect(await call('POST', '/world/switches', { protocol: 'v3' })).toMatchObject({
    switches: { protocol: 'v3' },
  })
  await buy('order-of-v3')
  await pay('order-before')
  await call('POST', '/world/switches', { protocol: 'v2' })
  await buy('order-of-v2-again')
  expect(await titles()).toEqual([
    ['order-of-v2', 'unifiedorder'],
    ['order-of-v3', 'POST /v3/pay/transactions/jsapi'],
    ['order-before', 'unifiedorder'],
    ['order-of-v2-again', 'unifiedorder'],
  ])
  const { invariants } = await call('GET', '/world/invariants')
  expect(JSON.stringify(invariants)).not.toContain('"holds":false')
})
