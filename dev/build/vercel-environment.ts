import { readVariable, type Environment } from '../program/environment.ts'
import { PlainError } from '../program/plain-error.ts'

/**
 * Fails a build on Vercel that cannot tell production from a preview. The deployment could not
 * either, and all its checks for production would be off. `vercel build` sets VERCEL itself. At run
 * time neither variable exists, so only the build can check.
 *
 * @throws PlainError
 */
export function requireVercelEnvironment(environment: Environment): void {
  if (
    readVariable(environment, 'VERCEL') !== undefined &&
    readVariable(environment, 'VERCEL_ENV') === undefined
  )
    throw new PlainError(
      'VERCEL_ENV is not set, so this build cannot tell production from a preview. In Vercel, open the project, then Settings → Environment Variables, tick "Automatically expose System Environment Variables", and deploy again. On your own machine, run `vercel pull` before `vercel build`.',
    )
}

/**
 * Why this build keeps the sources, as one sentence; null if it replaces them. The variables are
 * Vercel's: its tool on a developer's machine sets at most one of them.
 */
export const reasonToKeepSources = (environment: Environment): string | null =>
  ['VERCEL', 'CI'].some((name) => readVariable(environment, name) === undefined)
    ? 'This is not a build machine of Vercel: the functions are packed from their sources.'
    : null
