/**
 * A client of our functions: a Mini Program, the merchant's system or cron. It checks every answer.
 */
import * as v from 'valibot'
import { parseOpenid } from '../../lib/core/ids.ts'
import { createTokens } from '../../lib/tokens.ts'
import { must } from '../support/must.ts'
import { checkAnswer, type Answer } from './check-answer.ts'
import type { Random } from './random.ts'
import type { Observer } from './observer.ts'
import { USERS } from './users.ts'
import type { World } from './world.ts'

interface RequestOptions {
  readonly user?: number
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The body holds text that the function may reject with `invalid_request`. */
  readonly isHostile?: boolean
}

const HALF_DAY_MS = 43_200_000

export class Client {
  readonly #world: World
  readonly #observer: Observer
  /** The last token of each user. */
  readonly #tokens: { readonly token: Promise<string>; readonly issuedAt: number }[] = []

  constructor(world: World, observer: Observer) {
    this.#world = world
    this.#observer = observer
  }

  /** A user logs in again twice a day. A token is valid for a day. */
  #tokenOf(user: number): Promise<string> {
    const now = this.#world.time.now()
    const last = this.#tokens[user]
    if (last !== undefined && now - last.issuedAt < HALF_DAY_MS) return last.token
    const token = this.#issue(user)
    this.#tokens[user] = { token, issuedAt: now }
    return token
  }

  #issue(user: number): Promise<string> {
    const { env, time } = this.#world
    const appid = env.WECHAT_APPID
    const tokens = createTokens(env.SESSION_SECRET, () => appid)
    return time.real(
      async () =>
        (
          await tokens.issue(
            { appid, openid: must(parseOpenid(USERS[user] ?? '')) },
            new Date(time.now()),
          )
        ).token,
    )
  }

  /** Sends the request with the token of `user`, else with `key`, else with the merchant's key. */
  async request(
    name: string,
    method: string,
    path: string,
    { user, key, body, headers, isHostile = false }: RequestOptions,
    random: Random,
  ): Promise<Answer> {
    const { env } = this.#world
    const token = user === undefined ? (key ?? env.MERCHANT_API_KEY) : await this.#tokenOf(user)
    const before = this.#observer.orders.known()
    const answer = await this.#world
      .call(random.next(), path, {
        method,
        headers: {
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      .then(
        async (response) => toAnswer(response.status, await response.text()),
        () => toAnswer(0, ''),
      )
    this.#world.count('world', `${name} ${answer.status} ${answer.code}`.trim())
    this.#observer.problems.push(...checkAnswer(this.#world, name, answer, isHostile))
    const openid = user === undefined ? null : (USERS[user] ?? '')
    const asked = v.safeParse(namesOrder, body)
    this.#observer.problems.push(
      ...this.#observer.orders.read(answer, before, {
        step: name,
        openid,
        outTradeNo: asked.success ? asked.output.outTradeNo : orderIn(path),
      }),
    )
    return answer
  }
}

const namesOrder = v.object({ outTradeNo: v.string() })
const orderIn = (path: string): string | null => /outTradeNo=(.+)$/.exec(path)?.[1] ?? null

function toAnswer(status: number, text: string): Answer {
  let json: Readonly<Record<string, unknown>> = {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null)
      json = Object.fromEntries(Object.entries(parsed))
  } catch {}
  const code = typeof json['code'] === 'string' ? json['code'] : ''
  return { status, text, json, code: status === 0 ? 'no answer' : code }
}
