/**
 * Reads single values from the environment and refuses values that would only fail later.
 *
 * Every setting has a reader of its own, so a missing variable stops only the functions that need
 * it.
 */
import { ConfigError } from '../core/failure.ts'
import { baseUrlFault } from './http-url.ts'
import { fullWidthFault, notAsciiFault, pasteFault } from './pasted.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export const isProduction = (env: Environment): boolean => env['VERCEL_ENV'] === 'production'

/**
 * The beginnings of the values in dev/world/demo-values.ts: `demo`, and the same in Base64. They
 * are public, so production refuses them. The merchant number is the one in WeChat's own examples.
 */
const DEMO =
  /^(?:(?:wx0{8}|postgres(?:ql)?:\/\/|whsec_|PUB_KEY_ID_)?(?:demo|zgvtby)|1900000109$|PUB_KEY_ID_011900000109)/i

export const DEMO_FAULT = 'is a value of the local world, which is public'

export function refuse(name: string, fault: string): never {
  throw new ConfigError(name, fault)
}

/**
 * Undefined if the variable is not set or empty. Refuses characters that were pasted along with the
 * value.
 */
export function find(env: Environment, name: string): string | undefined {
  const value = env[name] ?? ''
  if (value === '') return undefined
  const fault = pasteFault(value)
  if (fault !== null) refuse(name, fault)
  if (isProduction(env) && DEMO.test(value)) refuse(name, DEMO_FAULT)
  return value
}

/**
 * @param expected completes the text `is not …`
 * @param hint describes a common mistake and is appended to the text; must not quote the value
 */
export function read(
  env: Environment,
  name: string,
  pattern: RegExp,
  expected: string,
  hint: (value: string) => string = () => '',
): string {
  const value = find(env, name) ?? refuse(name, 'is not set')
  return pattern.test(value)
    ? value
    : refuse(name, fullWidthFault(value) ?? `is not ${expected}${hint(value)}`)
}

/** Reads a value that has only visible ASCII characters. */
export const readAscii: typeof read = (env, name, ...more) => {
  const fault = notAsciiFault(find(env, name) ?? '')
  return fault === null ? read(env, name, ...more) : refuse(name, fault)
}

export function toBaseUrl(name: string, value: string): string {
  const fault = fullWidthFault(value) ?? baseUrlFault(value)
  return fault === null ? value.replace(/\/+$/, '') : refuse(name, fault)
}

/**
 * Reads the address of a stand-in. Production refuses it: a stand-in could confirm payments that
 * never happened.
 */
export function findOverride(env: Environment, name: string): string | undefined {
  const value = find(env, name)
  if (value === undefined) return undefined
  if (isProduction(env)) refuse(name, 'must not be set in production: it is for stand-ins')
  return toBaseUrl(name, value)
}
