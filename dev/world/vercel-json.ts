/** The part of vercel.json that affects answers in the local world: `headers` and `cleanUrls`. */
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
  rewrites: v.optional(v.tuple([])),
  routes: v.optional(v.tuple([])),
})

export interface Routing {
  readonly hasCleanUrls: boolean
  headersFor(pathname: string): readonly { readonly key: string; readonly value: string }[]
}

export function readRouting(root: string): Routing {
  const parsed = v.safeParse(
    v.pipe(v.string(), v.parseJson(), settings),
    readIfThere(join(root, 'vercel.json')),
  )
  if (!parsed.success)
    throw new PlainError(
      'vercel.json cannot be read here: only headers with a source are supported, without redirects, rewrites or routes.',
    )
  const headers = parsed.output.headers.map((rule) => ({
    pattern: new URLPattern({ pathname: rule.source }),
    headers: rule.headers,
  }))
  return {
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
