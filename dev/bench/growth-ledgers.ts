/**
 * Ledgers of several sizes behind one endpoint of Neon's protocol, so that the same functions can be asked on each in turn, and
 * whatever they say to it can be heard.
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Pool } from 'pg'
import * as v from 'valibot'
import { listen } from '../world/listen.ts'
import { createNeon } from '../stand-ins/neon.ts'
import { explain, type Explained } from './growth-plans.ts'

export interface Ledgers {
  readonly endpoint: string
  /** Every statement goes to this one from now on. */
  use(pool: Pool): void
  /** What is said to the ledger meanwhile, each statement explained just before it is run. */
  listenIn<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly heard: readonly Explained[]; readonly done: T }>
  readonly stop: () => Promise<void>
}

const statement = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ query: v.string(), params: v.optional(v.array(v.unknown()), []) }),
)

export async function openLedgers(): Promise<Ledgers> {
  let current: { readonly pool: Pool; readonly neon: Hono } | undefined
  let heard: Explained[] | undefined
  let before: Promise<unknown> = Promise.resolve()

  const answer = async (request: Request): Promise<Response> => {
    if (current === undefined) return new Response('no ledger yet', { status: 503 })
    const { pool, neon } = current
    const body = await request.text()
    const forward = () =>
      Promise.resolve(neon.request('/sql', { method: 'POST', headers: request.headers, body }))
    if (heard === undefined) return forward()
    const ears = heard
    const { query, params } = v.parse(statement, body)
    // One after another: a statement that is being explained holds rows that the next one would skip.
    const answering = before.then(async () => {
      ears.push(await explain(pool, query, params))
      return forward()
    })
    before = answering.catch(() => undefined)
    return answering
  }

  const port = await listen('127.0.0.1', 0)
  port.serve(
    new Hono<{ Bindings: HttpBindings }>().post('/sql', (context) => answer(context.req.raw)),
  )
  return {
    endpoint: `${port.url}/sql`,
    use: (pool) => void (current = { pool, neon: createNeon({ pool }) }),
    async listenIn(work) {
      const ears: Explained[] = []
      heard = ears
      const done = await work().finally(() => (heard = undefined))
      return { heard: ears, done }
    },
    stop: port.stop,
  }
}
