/**
 * The common part of the demo's steps: calls over HTTP, and a page that shows each call with its
 * messages.
 */
import * as v from 'valibot'
import { show, showMessages, type Call } from './page.ts'
import type { Simulator } from '../wechat/simulator.ts'
import type { World } from '../world/world.ts'

export type Answer = Readonly<Record<string, unknown>>

export interface Stage {
  readonly world: World
  readonly wechat: Simulator
  call(method: string, path: string, token: string, body?: unknown): Promise<Call>
  /** Runs one step, waits for the work after its answers, and shows it. */
  step(title: string, work: () => Promise<Call>): Promise<Answer>
  /** The same for a step of WeChat or of the client. */
  scene(title: string, request: string, work: () => Promise<Answer> | Answer): Promise<Answer>
  sleep(ms: number): void
}

export function openStage(world: World): Stage {
  const { simulator: wechat } = world
  if (wechat === undefined) throw new Error('the demo world has no WeChat')
  let seen = 0
  const stage: Stage = {
    world,
    wechat,
    async call(method, path, token, body) {
      const headers = {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      }
      const startedAt = performance.now()
      const response = await fetch(world.url + path, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const answer = readJson(await response.text())
      const ms = performance.now() - startedAt
      return {
        request: `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`,
        status: String(response.status),
        answer,
        ms,
      }
    },
    async step(title, work) {
      const done = await work()
      await world.settled()
      show(title, done)
      showMessages(wechat.messageLog.slice(seen), world.url)
      seen = wechat.messageLog.length
      return done.answer
    },
    scene: (title, request, work) =>
      stage.step(title, async () => {
        const startedAt = performance.now()
        return {
          request,
          status: '',
          answer: { ...(await work()) },
          ms: performance.now() - startedAt,
        }
      }),
    sleep: world.clock.advance,
  }
  return stage
}

export const readJson = (body: string) =>
  v.parse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), body)

export function text(answer: Answer, name: string): string {
  const value = answer[name]
  if (typeof value !== 'string')
    throw new Error(`the answer has no ${name}: ${JSON.stringify(answer)}`)
  return value
}
