/**
 * Each variable by itself, read as the functions read it: no network, and the same words as
 * `not_configured`.
 */
import { ConfigError } from '../../lib/core/failure.ts'
import { namesSet, type Check, type Patient, type Setting } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

export const settingVerdicts = {
  in_form: { status: 'ok', what: '{names}: in form' },
  missing: { status: 'wrong', what: '{problem}', why: '{why}', where: '{where}' },
  advised: { status: 'warning', what: '{name} is not set', why: '{why}', where: '{where}' },
  left_out: { status: 'skipped', what: '{name} is not set: {why}' },
  malformed: { status: 'wrong', what: '{problem}', why: '{why}', where: '{where}' },
  production_refuses: {
    status: 'warning',
    what: 'accepted in a trial only: {problem}',
    where: '{where}',
  },
  not_tested: { status: 'skipped', what: 'nothing was asked here: {variable} comes first' },
} as const satisfies Verdicts

/** The problems with the variables of one check. */
export function readSettings({ name, settings }: Check, patient: Patient): readonly Finding[] {
  const say = reporter(name, settingVerdicts)
  const good: string[] = []
  const findings: Finding[] = []
  for (const setting of settings) {
    const found = judge(setting, patient, say)
    if (found === 'good') good.push(...namesSet(patient.env, setting))
    else if (found !== null) findings.push(found)
  }
  return good.length === 0 ? findings : [say('in_form', { names: good.join(', ') }), ...findings]
}

/** A check that must wait until a variable is fixed. */
export const notTested = ({ name }: Check, variable: string): Finding =>
  reporter(name, settingVerdicts)('not_tested', { variable })

type Say = ReturnType<typeof reporter<keyof typeof settingVerdicts>>

/** Null if there is nothing to report. */
function judge(setting: Setting, patient: Patient, say: Say): Finding | 'good' | null {
  const { env, now } = patient
  const { names, need, why, where } = setting
  const isMissing = namesSet(env, setting).length === 0
  if (isMissing && setting.applies?.(env) === false) return null
  const problem =
    isMissing && need !== 'required' ? null : findProblem(() => setting.read(env, now))
  if (problem === 'without' || (isMissing && need !== 'required'))
    return need === 'exception'
      ? null
      : say(need === 'advised' ? 'advised' : 'left_out', { name: names[0], why, where })
  if (problem !== null)
    return say(isMissing ? 'missing' : 'malformed', { problem: problem.message, why, where })
  const later = findProblem(() => setting.read({ ...env, VERCEL_ENV: 'production' }, now))
  if (later !== null && later !== 'without')
    return say('production_refuses', { problem: later.message, where })
  return setting.doubt?.(patient) ?? 'good'
}

function findProblem(read: () => unknown): ConfigError | 'without' | null {
  try {
    return (read() ?? null) === null ? 'without' : null
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}
