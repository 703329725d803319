import type { Pair } from './body.ts'

const CONSOLE = '/api/console'

/** The name that vercel.json gives the part of the path in the query. */
const PARAMETER = 'part'

/**
 * The part of the console that a request is for, such as `complaints` in `/api/console/complaints`.
 * Vercel passes either the path that the client sent, or only the parameter of the rewrite.
 */
export const consolePart = (request: Request): string => partOf(new URL(request.url))

function partOf({ pathname, searchParams }: URL): string {
  const rest = pathname.slice(CONSOLE.length).replaceAll('/', '')
  return rest === '' ? (searchParams.get(PARAMETER) ?? '') : rest
}

/** Whether the rewrite added this parameter. A parameter that names another part is not from it. */
export const isOfRewrite = (url: URL, [name, value]: Pair): boolean =>
  name === PARAMETER && url.pathname.startsWith(CONSOLE) && value === partOf(url)
