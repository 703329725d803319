/** The parts of a check. Each check has a file of its own, and `checks.ts` lists them. */
import type { Environment } from '../../lib/config/environment.ts'
import { withRequest } from '../../lib/request-context.ts'
import type { Finding, Verdicts } from './finding.ts'

export interface Patient {
  /** With the mode that `VERCEL_ENV` implies. */
  readonly env: Environment
  readonly now: Date
  /** The deadline of one request, in milliseconds. */
  readonly limitMs: number
  /** The region of the functions, by Vercel's name (`hkg1`). */
  readonly regions: readonly string[]
  /** The schedules of cron, as vercel.json has them. */
  readonly crons: readonly string[]
}

export interface Setting {
  /** The variables to set together. */
  readonly names: readonly [string, ...string[]]
  /** Variables that may be set instead. */
  readonly instead?: readonly string[]
  /**
   * Reads the variables as the functions do. Null or undefined if they work without. @throws
   * ConfigError
   */
  readonly read: (env: Environment, now: Date) => unknown
  /** Returns what is unusual about a value that the functions accept, or null. */
  readonly doubt?: (patient: Patient) => Finding | null
  /**
   * The result if it is not set. `required`: wrong. `advised`: a warning. `feature`: left out on
   * purpose. `exception`: not mentioned.
   */
  readonly need: 'required' | 'advised' | 'feature' | 'exception'
  /** Where it returns false, the setting is not mentioned if it is not set. */
  readonly applies?: (env: Environment) => boolean
  /** An explanation for new users. */
  readonly what: string
  /** The feature that does not work without it. */
  readonly why: string
  /** The place where the value is found. */
  readonly where: string
}

export interface Check {
  readonly name: string
  readonly title: string
  readonly settings: readonly Setting[]
  readonly verdicts: Verdicts
  /**
   * Checks further without any request. @throws ConfigError if a setting that it needs cannot be
   * read
   */
  readonly inspect?: (patient: Patient) => readonly Finding[]
  /**
   * Sends requests to the service that the settings name. @throws ConfigError if a setting that it
   * needs cannot be read
   */
  readonly examine?: (patient: Patient) => Promise<readonly Finding[]>
}

/** Whether the deployment will take real money. A trial skips the checks that matter only then. */
export const isForReal = ({ env }: Patient): boolean => env['VERCEL_ENV'] === 'production'

/** Runs a call of the functions' own clients with this deadline. */
export const within = <T>({ limitMs }: Patient, call: () => Promise<T>): Promise<T> =>
  withRequest({ requestId: 'doctor', function: undefined }, limitMs, call)

export const isSet = (env: Environment, name: string): boolean => (env[name] ?? '') !== ''

/** The variables of a setting that are set. */
export const namesSet = (env: Environment, { names, instead = [] }: Setting): readonly string[] =>
  [...names, ...instead].filter((name) => isSet(env, name))
