/** Runs all checks in parallel, because they do not depend on each other. */
import type { Environment } from '../../lib/config/environment.ts'
import { ConfigError } from '../../lib/core/failure.ts'
import { isSet, type Check, type Patient } from './check.ts'
import { checks } from './checks.ts'
import type { Finding } from './finding.ts'
import { register } from './order-page.ts'
import { notTested, readSettings } from './settings.ts'

export interface Diagnosis {
  /** In `production` a setting that production refuses is wrong. In `trial` it is a warning. */
  readonly judgedAs: 'production' | 'trial'
  readonly findings: readonly Finding[]
}

/** If one of these is set, the configuration is not meant for production. */
const STAND_INS = ['WECHAT_API_URL', 'WECHAT_PAY_URL', 'NEON_HTTP_ENDPOINT']

/** The mode that the environment names. Without one, production, unless a stand-in is named. */
function judge(env: Environment): Diagnosis['judgedAs'] {
  if (isSet(env, 'VERCEL_ENV')) return env['VERCEL_ENV'] === 'production' ? 'production' : 'trial'
  return STAND_INS.some((name) => isSet(env, name)) ? 'trial' : 'production'
}

function asJudged({ env }: Patient): Pick<Diagnosis, 'judgedAs'> & Pick<Patient, 'env'> {
  const judgedAs = judge(env)
  return { judgedAs, env: judgedAs === 'production' ? { ...env, VERCEL_ENV: 'production' } : env }
}

export async function diagnose(patient: Patient): Promise<Diagnosis> {
  const { judgedAs, env } = asJudged(patient)
  const found = await Promise.all(checks.map((check) => run(check, { ...patient, env })))
  return { judgedAs, findings: found.flat() }
}

/** Registers a page for orders in place of all checks. */
export async function registerOnly(patient: Patient, page: string): Promise<Diagnosis> {
  const { judgedAs, env } = asJudged(patient)
  return { judgedAs, findings: await register({ ...patient, env }, page) }
}

/** Runs one check: its variables, their values, and the service that they name. */
export async function run(check: Check, patient: Patient): Promise<readonly Finding[]> {
  const found = inspect(check, patient)
  try {
    return [...found, ...((await check.examine?.(patient)) ?? [])]
  } catch (error) {
    const { variable } = asConfigError(error)
    // The fault of its own variable was reported already.
    return found.some(({ what }) => what.includes(variable))
      ? found
      : [...found, notTested(check, variable)]
  }
}

/** The part of a check without requests. */
export function inspect(check: Check, patient: Patient): readonly Finding[] {
  const settings = readSettings(check, patient)
  try {
    return [...settings, ...(check.inspect?.(patient) ?? [])]
  } catch (error) {
    asConfigError(error)
    return settings
  }
}

function asConfigError(error: unknown): ConfigError {
  if (error instanceof ConfigError) return error
  throw error
}
