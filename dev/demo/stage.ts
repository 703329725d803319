/** The common part of the demo's steps: calls over HTTP, and a check of every answer. */
import * as v from 'valibot'
import type { Simulator } from '../wechat/simulator.ts'
import type { World } from '../world/world.ts'
import { openPage, type Call } from './page.ts'

export type Answer = Readonly<Record<string, unknown>>

export interface Stage {
  readonly world: World
  readonly wechat: Simulator
  call(method: string, path: string, token: string, body?: unknown): Promise<Call>
  /**
   * Runs one step, waits for the work after its answers, verifies the answer and shows it.
   *
   * @param verify returns a text that says what it verified. @throws Error if the answer is wrong
   */
  step(
    title: string,
    work: () => Promise<Call>,
    verify: (answer: Answer) => string,
  ): Promise<Answer>
  /** The same for a step of WeChat or of the client. */
  scene(
    title: string,
    request: string,
    work: () => Promise<Answer> | Answer,
    verify: (answer: Answer) => string,
  ): Promise<Answer>
  sleep(ms: number): void
}

export function openStage(world: World, { wire = false }: { wire?: boolean } = {}): Stage {
  const page = openPage({ wire, ownUrl: world.url })
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
    async step(title, work, verify) {
      const done = await work()
      await world.settled()
      const messages = wechat.messageLog.slice(seen)
      seen = wechat.messageLog.length
      page.show({ ...done, title, verified: verifyOrExplain(title, done, verify), messages })
      return done.answer
    },
    scene: (title, request, work, verify) =>
      stage.step(
        title,
        async () => {
          const startedAt = performance.now()
          const answer = { ...(await work()) }
          return { request, status: '', answer, ms: performance.now() - startedAt }
        },
        verify,
      ),
    sleep: world.clock.advance,
  }
  return stage
}

function verifyOrExplain(
  title: string,
  { status, answer }: Call,
  verify: (answer: Answer) => string,
): string {
  try {
    return verify(answer)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`✗ ${title}: ${reason}\n${status} ${JSON.stringify(answer, null, 2)}`, {
      cause,
    })
  }
}

/** @throws Error that says what is not true */
export function expectThat(isSo: boolean, what: string): string {
  if (!isSo) throw new Error(`not true: ${what}`)
  return what
}

export const readJson = (body: string) =>
  v.parse(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown())), body)

export function text(answer: Answer, name: string): string {
  const value = answer[name]
  if (typeof value !== 'string')
    throw new Error(`the answer has no ${name}: ${JSON.stringify(answer)}`)
  return value
}
