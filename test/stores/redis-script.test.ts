/** A script travels by its hash; its text is sent only to a server that does not have it. */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { connectRedis, startRedis, type RedisServer } from '../../dev/stand-ins/redis.ts'
import { createUpstash } from '../../dev/stand-ins/upstash.ts'
import { listen, type Port } from '../../dev/world/listen.ts'
import { RedisDown } from '../../lib/stores/redis-failure.ts'
import { askRedis, openRedis, runScript, toScript } from '../../lib/stores/redis.ts'

let server: RedisServer
let port: Port
let sent: string[]
beforeAll(async () => {
  const url = process.env['TEST_REDIS_URL']
  server = await (url === undefined ? startRedis() : connectRedis(url))
  const upstash = createUpstash(server, 'token')
  port = await listen('127.0.0.1', 0)
  port.serve(
    new Hono<{ Bindings: HttpBindings }>().post('*', async ({ req }) => {
      const body = await req.text()
      sent.push(body)
      return upstash.request(new URL(req.url).pathname, {
        method: 'POST',
        headers: req.header(),
        body,
      })
    }),
  )
})
beforeEach(() => {
  sent = []
})
afterAll(async () => {
  await port.stop()
  await server.stop()
})

/** A text of its own, because a real server keeps the scripts of earlier runs. */
const newScript = () => toScript(`return {'${crypto.randomUUID()}', KEYS[1], ARGV[1]}`)
const run = async (script: ReturnType<typeof newScript>, token = 'token') => {
  const redis = await openRedis({ url: port.url, token })
  return askRedis(() => runScript(redis, script, ['key'], ['argument']))
}
const countTexts = () => sent.filter((body) => body.includes('return')).length

test('the first run sends the text, and each further run only the hash', async () => {
  const script = newScript()
  for (let times = 0; times < 3; times += 1)
    expect(await run(script)).toEqual([expect.any(String), 'key', 'argument'])
  expect([sent.length, countTexts()]).toEqual([4, 1])
  expect(sent.at(-1)).toBe(JSON.stringify(['evalsha', script.sha1, 1, 'key', 'argument']))
})

test('a server that has lost its scripts gets the text once more', async () => {
  const script = newScript()
  await run(script)
  await server.send(['SCRIPT', 'FLUSH'])
  expect(await run(script)).toEqual([expect.any(String), 'key', 'argument'])
  await run(script)
  expect(countTexts()).toBe(2)
})

test('another refusal is not answered with the text', async () => {
  const refused = run(newScript(), 'another-token')
  await expect(refused).rejects.toEqual(new RedisDown('unauthorized', 'WRONGPASS'))
  expect([sent.length, countTexts()]).toEqual([1, 0])
})
