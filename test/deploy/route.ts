/**
 * Finds the destination of a request by the routes in config.json, which Vercel's
 * `@vercel/routing-utils` wrote. The order is that of the Build Output API: the first routes, then
 * functions and files, then the routes for a hit, or for a miss and its error.
 */
import type { BuildOutput, Config, Route } from './build-output.ts'

export interface Destination {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The path of the function or page that answers; null if the status is the whole answer. */
  readonly found: { readonly kind: 'function' | 'page'; readonly path: string } | null
  /** The headers that the routes add to the request. */
  readonly requestHeaders: Readonly<Record<string, string>>
}

export function findDestination(
  { config, functions, pages }: BuildOutput,
  pathname: string,
): Destination {
  const lookUp = (path: string): Destination['found'] => {
    const name = path === '/' ? 'index' : path.replace(/\?.*$/, '').replace(/^\/|\/$/g, '')
    if (functions.has(name)) return { kind: 'function', path: name }
    return pages.has(name) ? { kind: 'page', path: name } : null
  }
  const first = apply(routesOf(config, 'first'), pathname)
  if (first.end !== null)
    return { ...first, status: first.end.status ?? 200, found: lookUp(first.path) }

  const found = lookUp(first.path)
  if (found !== null) {
    const hit = apply(routesOf(config, 'hit'), first.path)
    return {
      status: 200,
      headers: { ...first.headers, ...hit.headers },
      found,
      requestHeaders: hit.requestHeaders,
    }
  }
  const missed = apply(routesOf(config, 'filesystem'), first.path)
  const elsewhere = missed.end?.dest === undefined ? null : lookUp(missed.path)
  if (elsewhere !== null)
    return {
      ...missed,
      headers: first.headers,
      status: missed.end?.status ?? 200,
      found: elsewhere,
    }
  const { end, path } = apply(
    routesOf(config, 'error').filter(({ status }) => status === 404),
    missed.path,
  )
  return {
    status: 404,
    headers: first.headers,
    found: end === null ? null : lookUp(path),
    requestHeaders: {},
  }
}

function routesOf(config: Config, phase: string): readonly Route[] {
  let current = 'first'
  const routes: Route[] = []
  for (const route of config.routes) {
    if ('handle' in route) current = route.handle
    else if (current === phase) routes.push(route)
  }
  return routes
}

/** Applies routes up to the first match without "continue". */
function apply(routes: readonly Route[], pathname: string) {
  let path = pathname
  const [headers, requestHeaders]: [Record<string, string>, Record<string, string>] = [{}, {}]
  for (const route of routes) {
    const match = new RegExp(route.src).exec(path)
    if (match === null) continue
    const fillIn = (text: string): string =>
      text.replaceAll(/\$(\d+)/g, (_, number: string) => match[Number(number)] ?? '')
    for (const [name, value] of Object.entries(route.headers ?? {}))
      headers[name.toLowerCase()] = fillIn(value)
    for (const { target, args } of route.transforms ?? []) requestHeaders[target.key] = fillIn(args)
    if (route.dest !== undefined) path = fillIn(route.dest)
    if (route.continue !== true) return { path, headers, requestHeaders, end: route }
  }
  return { path, headers, requestHeaders, end: null }
}
