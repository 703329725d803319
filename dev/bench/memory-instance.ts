/**
 * The process that is measured: the functions and a server in front of them, as one instance that serves them all. Its parent
 * tells it the environment, and then asks for its memory as often as it likes.
 */
import { resolve } from 'node:path'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import * as v from 'valibot'
import { createFunctions } from '../world/functions.ts'
import { listen } from '../world/listen.ts'

let answered = 0
const functions = createFunctions(resolve(import.meta.dirname, '../..'))
const counted = new Hono<{ Bindings: HttpBindings }>()
counted.use(async (_, next) => {
  await next()
  answered += 1
})
counted.route('/', functions.app)
const port = await listen('127.0.0.1', 0)

const order = v.union([v.object({ env: v.record(v.string(), v.string()) }), v.literal('memory')])

/** What is left when everything is done and everything unused is thrown away. */
async function weigh() {
  await functions.settled()
  for (let pass = 0; pass < 3; pass += 1) {
    await globalThis.gc?.({ type: 'major', execution: 'async' })
  }
  const { heapUsed, rss } = process.memoryUsage()
  return { answered, heapUsed, rss }
}

process.on('message', (message) => {
  const told = v.parse(order, message)
  if (told === 'memory') {
    void weigh().then((weight) => process.send?.(weight))
    return
  }
  Object.assign(process.env, told.env)
  port.serve(counted)
  process.send?.('serving')
})
process.on('disconnect', () => process.exit())
process.send?.({ url: port.url })
