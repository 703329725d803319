/**
 * Names the switches that are on in the errors that they cause. A function cannot know that its
 * database was switched off by a person.
 */
import type { HttpBindings } from '@hono/node-server'
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'
import type { Lane } from './feed.ts'

/** The faults that are switched on, such as `database=down`. */
export type SwitchedOn = readonly string[]

/** The command that sets switches. It works in every shell. */
export const commandOf = (url: string, changes: string): string =>
  `${process.platform === 'win32' ? 'curl.exe' : 'curl'} -d "${changes}" ${url}/world/switches`

const problem = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.unknown()))

/** Begins the problem of a function that fails while a fault is on with the name of the fault. */
export const nameFaults = (switchedOn: () => SwitchedOn) =>
  createMiddleware<{ Bindings: HttpBindings }>(async (context, next) => {
    await next()
    const on = switchedOn()
    const { res } = context
    const isProblem = res.headers.get('content-type')?.startsWith('application/problem+json')
    if (on.length === 0 || res.status < 500 || isProblem !== true) return
    const read = v.parse(problem, await res.text())
    const detail = `(Switched on at /world/switches: ${on.join(', ')}.) ${String(read['detail'])}`
    const body = JSON.stringify({ ...read, detail })
    const { status, headers } = res
    headers.delete('content-length')
    // Without this, Hono would copy the headers of the old response over the new ones.
    context.res = undefined
    context.res = new Response(body, { status, headers })
  })

const byLane: Readonly<Partial<Record<Lane, string>>> = {
  redis: 'redis=',
  database: 'database=',
  wechat: 'wechat=',
  merchant: 'receiver=',
}

/** The faults that may change a message between two parts. Null if none is on. */
export function faultBetween(on: SwitchedOn, from: Lane, to: Lane): string | null {
  const isFunction = from !== 'wechat' && to === 'functions'
  const name = from === 'wechat' ? 'notifications=' : byLane[to]
  const faults = on.filter((fault) => isFunction || (name !== undefined && fault.startsWith(name)))
  return faults.length === 0 ? null : faults.join(', ')
}
