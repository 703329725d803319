/**
 * One instance that serves all functions, of this project or of the checkout that its argument
 * names. Its parent sends it the environment, and asks it for its usage.
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
const root = process.argv[2] ?? resolve(import.meta.dirname, '../..')
const functions = new Map<string, () => Promise<Fetch>>()
const background = createBackground()
let answered = 0

const listener = getRequestListener(
  async (request) => {
    answered += 1
    const find = functions.get(new URL(request.url).pathname)
    if (find === undefined) return new Response(null, { status: 404 })
    const handle = await find()
    return background.run(request, () => handle(request))
  },
  { overrideGlobalObjects: false },
)
const port = await listenLocally(
  createServer((incoming, outgoing) => void listener(incoming, outgoing)),
)

reportUsage(background.settled, () => answered)
const environment = v.object({
  env: v.record(v.string(), v.string()),
  /** Loads a function with its first request, as Vercel does. Otherwise all are loaded now. */
  isCold: v.optional(v.boolean(), false),
})
process.on('message', (message) => {
  if (v.is(environment, message)) void load(v.parse(environment, message))
})
process.send?.({ url: `http://127.0.0.1:${port}` })

async function load({ env, isCold }: v.InferOutput<typeof environment>): Promise<void> {
  Object.assign(process.env, env)
  for (const file of globSync('api/*.ts', { cwd: root })) {
    let loading: Promise<Fetch> | undefined
    const find = () => (loading ??= importFunction(resolve(root, file)))
    functions.set(`/api/${basename(file, '.ts')}`, find)
    if (!isCold) await find()
  }
  process.send?.('serving')
}

async function importFunction(file: string): Promise<Fetch> {
  const { default: handler } = v.parse(functionModule, await import(pathToFileURL(file).href))
  return handler.fetch
}
