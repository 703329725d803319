/**
 * A model of Vercel's production: serves the output of `vercel build` with the variables of
 * production.
 *
 * Usage: `node host.ts <output> <program>`, where program is Vercel's tool. The process sends its
 * port to its parent. It answers any message once the functions' background work is done.
 */
import { cpSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import * as v from 'valibot'
import { createBackground } from '../../dev/world/background.ts'
import { readBuildOutput, type OutputFunction } from './build-output.ts'
import { findDestination } from './route.ts'

/** The payer's address in the headers that Vercel sets. */
const CLIENT_ADDRESS = '119.29.29.29'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'application/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
}

const [directory = '', program = ''] = process.argv.slice(2)
const output = readBuildOutput(directory, program)
const background = createBackground()

const webHandler = v.object({ fetch: v.function() })
const nodeHandler = v.function()

/**
 * Vercel merges functions that allow it: their files share one directory, and one process runs
 * them.
 */
function merge(functions: Iterable<OutputFunction>): string {
  const together = `${directory}-merged`
  for (const { directory: own } of functions) cpSync(own, together, { recursive: true })
  process.chdir(together)
  return together
}
const merged = [...output.functions.values()].every(
  ({ config }) => config['experimentalAllowBundling'] === true,
)
  ? merge(output.functions.values())
  : null

/** Unwraps nested default exports until it finds the handler, as Vercel's launcher does. */
async function load({ config, directory: own }: OutputFunction): Promise<unknown> {
  let handler: unknown = await import(pathToFileURL(join(merged ?? own, config.handler)).href)
  for (let depth = 0; depth < 5 && isWrapped(handler); depth += 1) handler = handler.default
  return handler
}

const isWrapped = (value: unknown): value is { readonly default: unknown } =>
  typeof value === 'object' && value !== null && 'default' in value && Boolean(value.default)

async function call(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  called: OutputFunction,
  url: URL,
): Promise<void> {
  const { method = 'GET', headers } = incoming
  const handler = await load(called)
  if (typeof handler === 'function') {
    const context = new Request(url, { headers: toHeaders(headers) })
    await background.run(context, () => v.parse(nodeHandler, handler)(incoming, outgoing))
    return
  }
  // Called without its object, so that a function that relies on `this` fails here too.
  const { fetch } = v.parse(webHandler, handler)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const request = new Request(url, {
    method,
    headers: toHeaders(headers),
    duplex: 'half',
    ...(hasBody ? { body: ReadableStream.from(incoming) } : {}),
  })
  const answer = v.parse(v.instance(Response), await background.run(request, () => fetch(request)))
  outgoing.writeHead(answer.status, [...answer.headers].flat())
  if (answer.body === null) outgoing.end()
  else await pipeline(answer.body, outgoing)
}

const toHeaders = (headers: IncomingMessage['headers']): Headers =>
  new Headers(
    Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string] => [name, one]),
    ),
  )

async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', `https://${incoming.headers.host}`)
  const { status, headers, found, requestHeaders } = findDestination(output, url.pathname)
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value)
  // Vercel overwrites these headers if a client sends them.
  Object.assign(incoming.headers, {
    'x-forwarded-for': CLIENT_ADDRESS,
    'x-forwarded-host': url.host,
    'x-forwarded-proto': 'https',
    'x-real-ip': CLIENT_ADDRESS,
    ...requestHeaders,
  })
  const called = found?.kind === 'function' ? output.functions.get(found.path) : undefined
  if (called !== undefined) return call(incoming, outgoing, called, url)
  const page = found === null ? undefined : output.pages.get(found.path)
  if (page === undefined) outgoing.writeHead(status).end()
  else outgoing.writeHead(status, { 'content-type': TYPES[extname(page)] }).end(readFileSync(page))
}

const server = createServer((incoming, outgoing) => {
  handle(incoming, outgoing).catch((error: unknown) => {
    console.error(error)
    if (!outgoing.headersSent) outgoing.writeHead(500)
    outgoing.end('FUNCTION_INVOCATION_FAILED')
  })
})
server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
process.on('message', () => void background.settled().then(() => process.send?.('settled')))
