/** docs/local-world.md: its lists are complete, and its examples run. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(resolve(root, 'docs/local-world.md'), 'utf8')

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  server.close()
  return address !== null && typeof address === 'object' ? address.port : 0
}

/** A folder inside the project, so that packages are found. */
const directory = resolve(root, 'node_modules/.cache/receiver')
let receiver: ChildProcess
let lines: AsyncIterableIterator<string>
let receiverUrl: string
let shop: Shop
beforeAll(async () => {
  const port = await freePort()
  receiverUrl = `http://127.0.0.1:${port}`
  shop = await openShop({ ORDER_WEBHOOK_URL: receiverUrl }, { isWatched: true })
  const program = /^```js\n([^]*?)^```/m.exec(page)?.[1] ?? ''
  mkdirSync(directory, { recursive: true })
  writeFileSync(resolve(directory, 'receiver.mjs'), program.replace('4000', String(port)))
  const env = { ...process.env, ORDER_WEBHOOK_SECRET: shop.world.env['ORDER_WEBHOOK_SECRET'] }
  receiver = spawn(process.execPath, [resolve(directory, 'receiver.mjs')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (receiver.stdout === null) throw new Error('the receiver has no output')
  lines = createInterface(receiver.stdout)[Symbol.asyncIterator]()
  while (
    !(await fetch(receiverUrl).then(
      () => true,
      () => false,
    ))
  )
    await sleep(50)
})
afterAll(async () => {
  receiver.kill()
  await shop.close()
  rmSync(directory, { recursive: true })
})

test('the receiver is short, receives a payment, and refuses unsigned events', async () => {
  const program = /^```js\n([^]*?)^```/m.exec(page)?.[1] ?? ''
  expect(program.split('\n').filter((line) => line !== '')).toHaveLength(16)
  const { outTradeNo } = await shop.sell()
  expect((await lines.next()).value).toBe(`order.paid ${outTradeNo}`)
  expect(
    await shop.sql('select count(*)::int as waiting from events where delivered_at is null'),
  ).toEqual([{ waiting: 0 }])

  const forged = await fetch(receiverUrl, {
    method: 'POST',
    headers: {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': 'v1,Zm9yZ2Vk',
    },
    body: JSON.stringify({ type: 'order.paid', data: { outTradeNo: 'forged' } }),
  })
  expect(forged.status).toBe(400)
})

const hasCurl = process.platform !== 'win32' && spawnSync('curl', ['--version']).status === 0

test.skipIf(!hasCurl)(
  'the commands on the page log in, place an order from the catalogue and prepay it',
  async () => {
    const commands =
      /## As a payer[^]*?^```sh\n([^]*?)^```/m.exec(page)?.[1]?.trim().split('\n') ?? []
    const known = new Map<string, unknown>()
    const answers: Record<string, unknown>[] = []
    for (const command of commands) {
      const filled = command
        .replace('http://127.0.0.1:3000', shop.world.url)
        .replace(/TOKEN|NUMBER/g, (name) => String(known.get(name)))
      const child = spawn('sh', ['-c', filled], { stdio: ['ignore', 'pipe', 'ignore'] })
      const answer: Record<string, unknown> = JSON.parse(await text(child.stdout))
      answers.push(answer)
      if ('token' in answer) known.set('TOKEN', answer['token'])
      if ('outTradeNo' in answer) known.set('NUMBER', answer['outTradeNo'])
    }
    expect(answers).toMatchObject([
      { expiresIn: 86_400 },
      { tradeState: 'NOTPAY', totalFee: 2800, items: [{ sku: 'latte', quantity: 1 }] },
      { package: expect.stringMatching(/^prepay_id=/) },
    ])
  },
)

test('the list of control routes agrees with GET /wechat/control', async () => {
  const { json } = await shop.call('GET', '/wechat/control')
  const { routes }: { routes: { method: string; path: string; does: string }[] } = JSON.parse(
    JSON.stringify(json),
  )
  const items = [
    ...page.matchAll(/^- `(\w+ \/(?:wechat\/control|world)\/[\w-]+)`: (.+(?:\n {2}.+)*)$/gm),
  ].map(([, route, does]) => [route, does?.replaceAll(/\s+/g, ' ')])
  expect(items).toEqual(routes.map(({ method, path, does }) => [`${method} ${path}`, does]))
})

test('npm run sql shows rows, or PostgreSQL’s own error text', async () => {
  const ask = async (...statement: string[]) => {
    const { DATABASE_URL, NEON_HTTP_ENDPOINT } = shop.world.env
    const env = { ...process.env, DATABASE_URL, NEON_HTTP_ENDPOINT }
    const child = spawn(process.execPath, [resolve(root, 'dev/sql.ts'), ...statement], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = once(child, 'close')
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
    return { code: (await ended)[0] as unknown, out, errors }
  }
  const rows = await ask("select sku, price from products where sku = 'latte'")
  expect([rows.code, rows.errors]).toEqual([0, ''])
  expect(rows.out).toMatch(/│ 0 +│ 'latte' │ 2800 +│/)
  expect(rows.out).toMatch(/\n1 row, from the database of DATABASE_URL\n$/)

  expect((await ask('update products set price = price')).out).toBe(
    'Done; no rows were returned, from the database of DATABASE_URL\n',
  )
  expect(await ask('selec 1')).toEqual({
    code: 1,
    out: '',
    errors: 'syntax error at or near "selec"\n',
  })
  expect(await ask('--help')).toMatchObject({
    code: 0,
    out: expect.stringContaining('Usage: npm run sql "select * from orders"'),
    errors: '',
  })

  const times = await ask(
    "select date '2026-11-29' as day, timestamp '2026-11-29 10:00' as local, timestamptz '2026-11-29 10:00+08' as at, array[date '2026-11-29'] as days",
  )
  expect(times.out).toMatch(
    /│ '2026-11-29' +│ '2026-11-29 10:00:00' +│ '2026-11-29T10:00:00\+08:00' +│ '\{2026-11-29\}' +│/,
  )
})
