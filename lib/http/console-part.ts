const CONSOLE = '/api/console'

/** The name that vercel.json gives the part of the path in the query. */
const PARAMETER = 'part'

/**
 * The part of the console that a request is for, such as `complaints` in `/api/console/complaints`.
 * Vercel passes either the path that the client sent, or only the parameter of the rewrite.
 */
export function consolePart(request: Request): string {
  const { pathname, searchParams } = new URL(request.url)
  const rest = pathname.slice(CONSOLE.length).replaceAll('/', '')
  return rest === '' ? (searchParams.get(PARAMETER) ?? '') : rest
}

/** Whether the rewrite, and not the caller, may have added this parameter. */
export const isOfRewrite = (url: URL, name: string): boolean =>
  name === PARAMETER && url.pathname.startsWith(CONSOLE)
