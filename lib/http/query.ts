import type { Pair } from './body.ts'

/**
 * Parameters that are meant for Vercel: it reads them before the function runs, and leaves them in the address.
 *
 * No other platform parameter reaches a function: no rewrite leads to one, and no function has a `[name]` in its path.
 */
const FOR_VERCEL: ReadonlySet<string> = new Set([
  // Protection Bypass for Automation: the secret, and the wish for a cookie in its place.
  'x-vercel-protection-bypass',
  'x-vercel-set-bypass-cookie',
  // A shareable link to a protected deployment.
  '_vercel_share',
  // Skew Protection: which deployment is to answer.
  'dpl',
])

/** The parameters of the query string that are meant for the function. */
export const ownParameters = (request: Request): readonly Pair[] =>
  [...new URL(request.url).searchParams].filter(([name]) => !FOR_VERCEL.has(name))
