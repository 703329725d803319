import type { Pair } from './body.ts'
import { isOfRewrite } from './console-part.ts'

/**
 * Query parameters for Vercel, which reads them before the function runs and leaves them in the
 * URL.
 */
const FOR_VERCEL: ReadonlySet<string> = new Set([
  // Protection Bypass for Automation: the secret, and the option to set a cookie instead.
  'x-vercel-protection-bypass',
  'x-vercel-set-bypass-cookie',
  // A shareable link to a protected deployment.
  '_vercel_share',
  // Skew Protection: the deployment that must answer.
  'dpl',
])

/**
 * The parameters of the query string that are meant for the function. The parameter that the
 * rewrite in vercel.json adds is left out too.
 */
export function ownParameters(request: Request): readonly Pair[] {
  const url = new URL(request.url)
  return [...url.searchParams].filter((pair) => !FOR_VERCEL.has(pair[0]) && !isOfRewrite(url, pair))
}
