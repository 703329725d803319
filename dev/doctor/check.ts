/** What a check is made of. Each has a file of its own; `checks.ts` lists them. */
import type { Environment } from '../../lib/config/environment.ts'
import { withRequest } from '../../lib/request-context.ts'
import type { Finding, Verdicts } from './finding.ts'

export interface Patient {
  /** With `VERCEL_ENV` as it is judged. */
  readonly env: Environment
  readonly now: Date
  /** What one question to the outside may take, in milliseconds. */
  readonly limitMs: number
  /** Where the functions run, in Vercel's names (`hkg1`). */
  readonly regions: readonly string[]
}

export interface Setting {
  /** The variables to set, together. */
  readonly names: readonly [string, ...string[]]
  /** Others that do as well. */
  readonly instead?: readonly string[]
  /** The functions' own reader; null or undefined where it goes without. @throws ConfigError */
  readonly read: (env: Environment, now: Date) => unknown
  /** What is odd about a value that the functions take; null where nothing is. */
  readonly doubt?: (patient: Patient) => Finding | null
  /**
   * When it is not set: `required` is wrong, `advised` a warning, `feature` is left out by choice, `exception` goes without
   * saying.
   */
  readonly need: 'required' | 'advised' | 'feature' | 'exception'
  /** What it is, for who has never seen one. */
  readonly what: string
  /** What does not work without it. */
  readonly why: string
  /** Where the value is found. */
  readonly where: string
}

export interface Check {
  readonly name: string
  readonly title: string
  readonly settings: readonly Setting[]
  readonly verdicts: Verdicts
  /** Looks closer, without asking anybody. @throws ConfigError where a setting that it needs cannot be read */
  readonly inspect?: (patient: Patient) => readonly Finding[]
  /** Asks whoever the settings name; one question stands for itself. @throws ConfigError as above */
  readonly examine?: (patient: Patient) => Promise<readonly Finding[]>
}

/** Whether it is to take real money: a trial is spared what only matters then. */
export const isForReal = ({ env }: Patient): boolean => env['VERCEL_ENV'] === 'production'

/** Runs a call of the functions' own clients with so much time. */
export const within = <T>({ limitMs }: Patient, call: () => Promise<T>): Promise<T> =>
  withRequest({ requestId: 'doctor', function: undefined }, limitMs, call)

export const isSet = (env: Environment, name: string): boolean => (env[name] ?? '') !== ''

/** The variables of a setting that are set. */
export const namesSet = (env: Environment, { names, instead = [] }: Setting): readonly string[] =>
  [...names, ...instead].filter((name) => isSet(env, name))
