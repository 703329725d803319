/** A phone, the merchant's system or cron, calling one of our functions; every answer is judged. */
import { parseOpenid } from '../../lib/core/ids.ts'
import { createTokens } from '../../lib/tokens.ts'
import { must } from '../support/must.ts'
import { judge, type Answer } from './judge.ts'
import type { Luck } from './luck.ts'
import type { Observer } from './observer.ts'
import { USERS } from './users.ts'
import type { World } from './world.ts'

interface AskOptions {
  readonly user?: number
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** The body holds text that may be refused by name. */
  readonly isHostile?: boolean
}

export class Asker {
  readonly #world: World
  readonly #observer: Observer
  /** By user, issued once and used from then on: good for a day, and no phone of a history is used for longer. */
  readonly #tokens: Promise<string>[] = []

  constructor(world: World, observer: Observer) {
    this.#world = world
    this.#observer = observer
  }

  #issue(user: number): Promise<string> {
    const { env, time } = this.#world
    const tokens = createTokens(env.SESSION_SECRET)
    return time.real(
      async () =>
        (await tokens.issue(must(parseOpenid(USERS[user] ?? '')), new Date(time.now()))).token,
    )
  }

  /** As a payer with `user`, else with `key`, else with the merchant's. */
  async ask(
    name: string,
    method: string,
    path: string,
    { user, key, body, headers, isHostile = false }: AskOptions,
    luck: Luck,
  ): Promise<Answer> {
    const { env } = this.#world
    const token =
      user === undefined
        ? (key ?? env.MERCHANT_API_KEY)
        : await (this.#tokens[user] ??= this.#issue(user))
    const answer = await this.#world
      .call(luck.next(), path, {
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
    this.#world.met('world', `${name} ${answer.status} ${answer.code}`.trim())
    this.#observer.problems.push(...judge(this.#world, name, answer, isHostile))
    this.#observer.readOrders(answer)
    return answer
  }
}

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
