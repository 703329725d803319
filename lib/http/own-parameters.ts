import type { Pair } from './body.ts'

/**
 * Query parameters for Vercel, which reads them before the function runs and leaves them in the
 * URL. The platform adds no others, because there are no rewrites and no `[name]` paths.
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

/** The parameters of the query string that are meant for the function. */
export const ownParameters = (request: Request): readonly Pair[] =>
  [...new URL(request.url).searchParams].filter(([name]) => !FOR_VERCEL.has(name))
