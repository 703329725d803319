/**
 * WeChat's test call of APIv3: it answers a message, and notifies it. It creates nothing and moves
 * no money (https://pay.weixin.qq.com/doc/v3/merchant/4014551946).
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as v from 'valibot'
import { notifyUrl } from '../../lib/config/orders.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import { startBudget } from '../../lib/http-client/time-budget.ts'
import { ARRIVED, echoKey } from '../../lib/stores/cache.ts'
import { CALL_MS } from '../../lib/wechat/deadlines.ts'
import { send, type CallSettings } from '../../lib/wechat/v3/call.ts'
import { readJson } from '../../lib/wechat/v3/json.ts'
import { verifyMessage } from '../../lib/wechat/v3/verify.ts'
import { within, type Patient } from './check.ts'
import { openRedisCommands, type RedisCommands } from './redis.ts'

const ECHO = '/v3/security/echo'
const LOOK_EVERY_MS = 200

/** `untested`: why no notification was expected. */
export type Echo =
  | { readonly isAnswered: boolean; readonly untested: string }
  | { readonly isAnswered: true; readonly hasArrived: boolean }

/** The notification proves the APIv3 key, and that WeChat reaches the notify function. */
export async function tryEcho(patient: Patient, settings: CallSettings): Promise<Echo> {
  const url = readOrNull(() => notifyUrl(patient.env))
  const redis = readOrNull(() => openRedisCommands(patient))
  const message = `doctor${randomBytes(13).toString('hex')}`
  // WeChat does not document the content of the notification, so it may lack the message.
  const keys = [echoKey(''), echoKey(message)]
  const set = await Promise.all(
    keys.map(async (key) => redis?.('SET', key, 'waiting', 'EX', '600')),
  )
  const isRedisUp = set.every((answer) => answer === 'OK')
  const content = {
    echo_message: message,
    ...(url === null || !isRedisUp ? {} : { notify_url: url }),
  }
  const answered = await within(patient, () => sendEcho(settings, content))
  if (answered !== 'echoed') return { isAnswered: false, untested: answered }
  if (url === null) return { isAnswered: true, untested: 'PUBLIC_URL comes first' }
  if (redis === null || !isRedisUp) return { isAnswered: true, untested: 'Redis comes first' }
  return { isAnswered: true, hasArrived: await waitFor(patient, redis, keys) }
}

const NOT_OFFERED = 'WeChat Pay does not offer its test call to this merchant'
const FAILED = 'WeChat Pay did not answer its test call as documented'

async function sendEcho(
  settings: CallSettings,
  content: { readonly echo_message: string },
): Promise<'echoed' | typeof NOT_OFFERED | typeof FAILED> {
  try {
    const serial = await settings.keys.current()
    const call = { name: ECHO, target: ECHO, content }
    const answer = await send(settings, call, serial, startBudget(CALL_MS))
    if ('why' in answer) return FAILED
    if (answer.status === 403 || answer.status === 404) return NOT_OFFERED
    const check = await verifyMessage(settings.keys, answer.headers, answer.bytes, settings.now())
    const json = readJson(answer.bytes)
    const expected = v.object({ echo_message: v.literal(content.echo_message) })
    return answer.status === 200 && check === null && json.ok && v.is(expected, json.value)
      ? 'echoed'
      : FAILED
  } catch (error) {
    // Without a platform certificate. The query of an order names the cause.
    if (error instanceof ConfigError) return FAILED
    throw error
  }
}

async function waitFor(
  { limitMs }: Patient,
  redis: RedisCommands,
  keys: readonly string[],
): Promise<boolean> {
  const left = startBudget(limitMs)
  for (;;) {
    const kept = await Promise.all(keys.map((key) => redis('GET', key)))
    if (kept.includes(ARRIVED)) return true
    if (left() < LOOK_EVERY_MS) return false
    await sleep(LOOK_EVERY_MS)
  }
}

function readOrNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof ConfigError) return null
    throw error
  }
}
