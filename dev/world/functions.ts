/**
 * Serves `api/*.ts` as Vercel does: the default export of the file answers web standard requests,
 * with their bytes unchanged.
 *
 * Paths with parameters (`[id].ts`) are not served.
 */
import { globSync } from 'node:fs'
import { join } from 'node:path'
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import * as v from 'valibot'
import type { PageFiles } from '../build/page-files.ts'
import { createBackground } from './background.ts'
import { createPages, redirectOf } from './pages.ts'
import { urlOfInstance } from './instances.ts'
import { explain } from '../program/plain-error.ts'
import { readRouting } from './vercel-json.ts'

type Env = { Bindings: HttpBindings }

export interface Functions {
  readonly app: Hono<Env>
  /** The paths of the functions. */
  readonly paths: readonly string[]
  readonly settled: () => Promise<void>
  /** From now on, new instances answer. They read their environment again. */
  readonly reload: () => void
}

const functionModule = v.object({ default: v.object({ fetch: v.function() }) })

/**
 * @param root the directory with `api`, `public` and vercel.json
 * @param pages files that the build adds to `public`
 */
export function createFunctions(root: string, pages: PageFiles = new Map()): Functions {
  const files = new Map(findFunctions(root))
  const routing = readRouting(root)
  const background = createBackground()
  let instance = 1

  const call = async (
    context: Context<Env>,
    file: string,
    added = new URLSearchParams(),
  ): Promise<Response> => {
    try {
      const module = v.parse(functionModule, await import(urlOfInstance(file, instance)))
      // Vercel calls it detached from its object, so a function that relies on `this` must fail
      // here too.
      const { fetch } = module.default
      const request = toRequest(context, added)
      return v.parse(v.instance(Response), await background.run(request, () => fetch(request)))
    } catch (error) {
      console.error(`${context.req.path}: ${explain(error)}`)
      return context.text('A server error has occurred\n\nFUNCTION_INVOCATION_FAILED\n', 500, {
        'x-vercel-error': 'FUNCTION_INVOCATION_FAILED',
      })
    }
  }

  const app = new Hono<Env>()
  app.use(async (context, next) => {
    await next()
    // A header of the function takes precedence over vercel.json.
    for (const { key, value } of routing.headersFor(context.req.path))
      if (!context.res.headers.has(key)) context.header(key, value)
    // Node would write the time of this machine, although the clock of the world may be ahead.
    context.header('date', new Date().toUTCString())
  })
  // A Request cannot have this method, here or at Vercel.
  app.on('TRACE', '*', (context) => context.body(null, 405))
  app.use(async (context, next) => {
    const to = routing.hasCleanUrls ? redirectOf(context.req.path) : null
    return to === null ? next() : context.redirect(to + new URL(context.req.url).search, 308)
  })
  app.use(async (context, next) => {
    const path = context.req.path.replace(/\/$/, '')
    const file = files.get(path)
    if (file !== undefined) return call(context, file)
    const rewritten = routing.rewrite(path)
    const other = rewritten === null ? undefined : files.get(rewritten.path)
    return other === undefined ? next() : call(context, other, rewritten?.query)
  })
  app.route('/', createPages(join(root, 'public'), routing.hasCleanUrls, pages))
  return {
    app,
    paths: [...files.keys()],
    settled: background.settled,
    reload: () => void (instance += 1),
  }
}

function findFunctions(root: string): (readonly [path: string, file: string])[] {
  return globSync('api/**/*.ts', { cwd: root })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => !/\/[_.]|\.d\.ts$/.test(name))
    .toSorted()
    .map((name) => [`/${name.replace(/(?:\/index)?\.ts$/, '')}`, join(root, name)] as const)
}

/**
 * A new request of the global class. The client's address is that of the socket: Vercel overwrites
 * the headers of the client.
 *
 * @param added the parameters of a rewrite. The path stays that of the client, and so do its
 *   parameters.
 */
function toRequest(context: Context<Env>, added: URLSearchParams): Request {
  const { method, body } = context.req.raw
  const url = new URL(context.req.url)
  for (const [name, value] of added) url.searchParams.append(name, value)
  const headers = new Headers(context.req.raw.headers)
  const caller = context.env.incoming.socket.remoteAddress ?? ''
  for (const name of ['x-forwarded-for', 'x-real-ip', 'x-vercel-forwarded-for'])
    headers.set(name, caller)
  headers.set('x-forwarded-host', url.host)
  headers.set('x-forwarded-proto', url.protocol.slice(0, -1))
  return new Request(url, {
    method,
    headers,
    duplex: 'half',
    ...(method === 'GET' || method === 'HEAD' ? {} : { body }),
  })
}
