/** Commands of Redis that arrive twice, because the connection of the first copy was closed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorld, type World } from '../../dev/world/world.ts'
import { parseOutTradeNo } from '../../lib/core/ids.ts'
import type { Cache } from '../../lib/ports.ts'
import { createCache } from '../../lib/stores/cache.ts'
import { borrowStore } from '../support/embedded.ts'
import { must } from '../support/must.ts'

let world: World
let ours: Cache
let others: Cache
beforeAll(async () => {
  world = await startWorld({
    ...(await borrowStore()),
    env: {},
    migrate: false,
    redisUrl: process.env['TEST_REDIS_URL'],
  })
  ours = open('ours')
  others = open('others')
})
afterAll(() => world.stop())

/** A repeated command has the token of the first one, so all calls get the same token. */
const open = (token: string) =>
  createCache(
    {
      url: world.env['UPSTASH_REDIS_REST_URL'] ?? '',
      token: world.env['UPSTASH_REDIS_REST_TOKEN'] ?? '',
    },
    'a-configuration',
    () => token,
    (line) => {
      throw new Error(JSON.stringify(line))
    },
  )
const newNumber = () => must(parseOutTradeNo(crypto.randomUUID().replaceAll('-', '')))

test('a repeated command that takes the lock on a prepay_id does not find it taken', async () => {
  const no = newNumber()
  const lock = { name: `wxpay:prepay:${no}`, token: 'lock:ours' }
  expect(await ours.prepays.find(no)).toEqual({ lock })
  expect(await ours.prepays.find(no)).toEqual({ lock })
  expect(await others.prepays.find(no)).toBe('busy')
})

test('a repeated command that claims a pushed message does not find it handled', async () => {
  const id: string = crypto.randomUUID()
  expect([await ours.claimPush(id), await ours.claimPush(id)]).toEqual([true, true])
  expect(await others.claimPush(id)).toBe(false)
})
