/**
 * The part of vercel.json that affects answers in the local world: `headers`, `cleanUrls` and
 * `rewrites`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { PlainError } from '../program/plain-error.ts'

/**
 * Strict: if a condition such as `has` or `missing` were ignored, the local world would answer
 * differently from Vercel.
 */
const settings = v.looseObject({
  cleanUrls: v.optional(v.boolean(), false),
  trailingSlash: v.optional(v.undefined()),
  headers: v.optional(
    v.array(
      v.strictObject({
        source: v.string(),
        headers: v.array(v.strictObject({ key: v.string(), value: v.string() })),
      }),
    ),
    [],
  ),
  redirects: v.optional(v.tuple([])),
  rewrites: v.optional(
    v.array(v.strictObject({ source: v.string(), destination: v.string() })),
    [],
  ),
  routes: v.optional(v.tuple([])),
})

export interface Routing {
  readonly hasCleanUrls: boolean
  /**
   * The path that a rewrite leads to, and the parameters that it adds. Null if none applies. Used
   * for paths that are neither a function nor a page.
   */
  rewrite(pathname: string): { readonly path: string; readonly query: URLSearchParams } | null
  headersFor(pathname: string): readonly { readonly key: string; readonly value: string }[]
}

export function readRouting(root: string): Routing {
  const parsed = v.safeParse(
    v.pipe(v.string(), v.parseJson(), settings),
    readIfThere(join(root, 'vercel.json')),
  )
  if (!parsed.success)
    throw new PlainError(
      'vercel.json cannot be read here: only headers and rewrites with a source are supported, without redirects or routes.',
    )
  const headers = parsed.output.headers.map((rule) => ({
    pattern: new URLPattern({ pathname: rule.source }),
    headers: rule.headers,
  }))
  const rewrites = parsed.output.rewrites.map(({ source, destination }) => ({
    pattern: new URLPattern({ pathname: source }),
    destination,
  }))
  return {
    rewrite: (pathname) => {
      for (const { pattern, destination } of rewrites) {
        const groups = pattern.exec({ pathname })?.pathname.groups
        if (groups === undefined) continue
        const filled = destination.replaceAll(/:(\w+)/g, (_, name: string) => groups[name] ?? '')
        const { pathname: path, searchParams: query } = new URL(filled, 'http://vercel')
        return { path, query }
      }
      return null
    },
    hasCleanUrls: parsed.output.cleanUrls,
    headersFor: (pathname) =>
      headers.filter((rule) => rule.pattern.test({ pathname })).flatMap((rule) => rule.headers),
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '{}'
  }
}
