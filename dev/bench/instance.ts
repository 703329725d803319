/**
 * One instance that serves all functions. Its parent sends it the environment, and asks it for its
 * usage.
 *
 * The address of the client is taken from the request, because all requests come from one machine.
 */
import { globSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import * as v from 'valibot'
import { createBackground } from '../world/background.ts'
import { listenLocally, reportUsage } from './child.ts'

type Fetch = (request: Request) => Promise<Response>

const functionModule = v.object({
  default: v.object({ fetch: v.custom<Fetch>((value) => typeof value === 'function') }),
})
const root = resolve(import.meta.dirname, '../..')
const functions = new Map<string, Fetch>()
const background = createBackground()
let answered = 0

const listener = getRequestListener(
  (request) => {
    answered += 1
    const handle = functions.get(new URL(request.url).pathname)
    return handle === undefined
      ? new Response(null, { status: 404 })
      : background.run(request, () => handle(request))
  },
  { overrideGlobalObjects: false },
)
const port = await listenLocally(
  createServer((incoming, outgoing) => void listener(incoming, outgoing)),
)

reportUsage(background.settled, () => answered)
const environment = v.object({ env: v.record(v.string(), v.string()) })
process.on('message', (message) => void (v.is(environment, message) && load(message.env)))
process.send?.({ url: `http://127.0.0.1:${port}` })

async function load(env: Readonly<Record<string, string>>): Promise<void> {
  Object.assign(process.env, env)
  for (const file of globSync('api/*.ts', { cwd: root })) {
    const { default: handler } = v.parse(
      functionModule,
      await import(pathToFileURL(resolve(root, file)).href),
    )
    functions.set(`/api/${basename(file, '.ts')}`, handler.fetch)
  }
  process.send?.('serving')
}
