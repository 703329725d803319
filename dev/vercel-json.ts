/** The part of vercel.json that decides how a request is answered: `headers` and `rewrites`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { PlainError } from './plain-error.ts'

/** Strict, because a condition (`has`, `missing`) passed over here would make the local world answer otherwise than Vercel. */
const settings = v.looseObject({
  headers: v.optional(
    v.array(v.strictObject({ source: v.string(), headers: v.array(v.strictObject({ key: v.string(), value: v.string() })) })),
    [],
  ),
  rewrites: v.optional(
    v.array(
      v.strictObject({
        source: v.string(),
        destination: v.pipe(v.string(), v.startsWith('/')),
        // Where nothing is at the destination, the local world answers the same by itself.
        statusCode: v.optional(v.literal(404)),
      }),
    ),
    [],
  ),
})

export interface Routing {
  headersFor(pathname: string): readonly { readonly key: string; readonly value: string }[]
  /** Where a path that is neither a function nor a file leads, as path and query. */
  rewrite(pathname: string): string | null
}

export function readRouting(root: string): Routing {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), settings), readIfThere(join(root, 'vercel.json')))
  if (!parsed.success)
    throw new PlainError(
      'vercel.json is not readable here: only source with headers, and source with a destination on this site, are known.',
    )
  const headers = parsed.output.headers.map((rule) => ({ pattern: new URLPattern({ pathname: rule.source }), headers: rule.headers }))
  const rewrites = parsed.output.rewrites.map((rule) => ({
    pattern: new URLPattern({ pathname: rule.source }),
    destination: rule.destination,
  }))
  return {
    headersFor: (pathname) => headers.filter((rule) => rule.pattern.test({ pathname })).flatMap((rule) => rule.headers),
    rewrite: (pathname) => {
      for (const { pattern, destination } of rewrites) {
        const match = pattern.exec({ pathname })
        if (match !== null) return fillIn(destination, match.pathname.groups)
      }
      return null
    },
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '{}'
  }
}

/** `:name` stands for a named part of the source, `$1` for the first unnamed one, which URLPattern counts from 0. */
function fillIn(destination: string, groups: Readonly<Record<string, string | undefined>>): string {
  return destination.replace(
    /:([A-Za-z]\w*)\*?|\$(\d+)/g,
    (_, name: string | undefined, number: string) => groups[name ?? String(Number(number) - 1)] ?? '',
  )
}
