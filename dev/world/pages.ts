/**
 * Serves `public/` as Vercel does: pages under their name without `.html`, and `404.html` for
 * unknown paths.
 *
 * The rules are those of `convertCleanUrls` in `@vercel/routing-utils` and of `detectBuilders` in
 * `@vercel/fs-detectors`.
 */
import { globSync } from 'node:fs'
import type { HttpBindings } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono, type Context } from 'hono'
import type { PageFiles } from '../build/page-files.ts'

const redirects = [
  /^\/(?:(.+)\/)?index(?:\.html)?\/?$/,
  /^\/(.*)\.html\/?$/,
  /^\/(api\/.+)\.ts\/?$/,
]

/** The path to redirect to if a path ends in a file's name; null if the path is right. */
export function redirectOf(path: string): string | null {
  const match = redirects
    .map((rule) => rule.exec(path.replace(/^\/+/, '/')))
    .find((found) => found !== null)
  return match === undefined ? null : `/${match[1] ?? ''}`
}

type Env = { Bindings: HttpBindings }

const contentTypes: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

/**
 * @param directory `public`, which may be missing
 * @param bundled files that `npm run bundle` would write there
 */
export function createPages(
  directory: string,
  hasCleanUrls: boolean,
  bundled: PageFiles,
): Hono<Env> {
  const app = new Hono<Env>()
  const files = new Set(
    [...globSync('**/*.*', { cwd: directory }), ...bundled.keys()].map(
      (name) => `/${name.replaceAll('\\', '/')}`,
    ),
  )
  const pageOf = (path: string): string => (hasCleanUrls ? `${path.replace(/\/$/, '')}.html` : path)
  const send = async (context: Context<Env, string>, path: string) => {
    const read = bundled.get(path.slice(1))
    if (read === undefined)
      return serveStatic<Env>({ root: directory, path })(context, async () => undefined)
    const type = contentTypes[path.slice(path.lastIndexOf('.') + 1)] ?? 'text/plain'
    return context.body(await read(), 200, { 'content-type': type })
  }
  app.use(async (context, next) => {
    const { path, method } = context.req
    const file = [path === '/' ? '/index.html' : path, pageOf(path)].find((name) => files.has(name))
    if (file === undefined) return next()
    return method === 'GET' || method === 'HEAD'
      ? ((await send(context, file)) ?? next())
      : context.text('Method Not Allowed', 405)
  })
  app.all('*', async (context) => {
    const page =
      context.req.path.startsWith('/api') || !files.has('/404.html')
        ? undefined
        : await send(context, '/404.html')
    return page instanceof Response
      ? new Response(page.body, { status: 404, headers: page.headers })
      : context.text('The page could not be found\n\nNOT_FOUND\n', 404, {
          'x-vercel-error': 'NOT_FOUND',
        })
  })
  return app
}
