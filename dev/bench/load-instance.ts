/**
 * The functions under load: one instance that serves them all, called as the platform calls them. Its parent tells it the
 * environment, and then asks what computing it has done.
 *
 * What the platform says about the caller is taken from the request: here all of them come from one machine.
 */
import { globSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { basename, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import * as v from 'valibot'
import { createBackground } from '../world/background.ts'
import { tellCpu } from './load-cpu.ts'

const functionModule = v.object({
  default: v.object({
    fetch: v.custom<(request: Request) => Promise<Response>>(
      (value) => typeof value === 'function',
    ),
  }),
})
const root = resolve(import.meta.dirname, '../..')
const functions = new Map<string, (request: Request) => Promise<Response>>()
const background = createBackground()
tellCpu(background.settled)

const answer = (request: Request): Response | Promise<Response> => {
  const handle = functions.get(new URL(request.url).pathname)
  return handle === undefined
    ? new Response(null, { status: 404 })
    : background.run(request, () => handle(request))
}
const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
const listener = getRequestListener(answer, { overrideGlobalObjects: false })
await once(server.listen(0, '127.0.0.1'), 'listening')
const address = server.address()
process.send?.({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` })

const told = v.parse(
  v.tuple([v.object({ env: v.record(v.string(), v.string()) }), v.unknown()]),
  await once(process, 'message'),
)
Object.assign(process.env, told[0].env)
for (const file of globSync('api/*.ts', { cwd: root })) {
  const { default: handler } = v.parse(
    functionModule,
    await import(pathToFileURL(resolve(root, file)).href),
  )
  functions.set(`/api/${basename(file, '.ts')}`, handler.fetch)
}
process.send?.('serving')
