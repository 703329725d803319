/**
 * Reads single values from the environment and refuses values that would only fail later.
 *
 * Every setting has a reader of its own, so a missing variable stops only the functions that need
 * it.
 */
import { ConfigError } from '../core/failure.ts'
import { baseUrlFault } from './http-url.ts'
import { findFullWidth, findNotAscii, findPasteFault } from './pasted.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export const isProduction = (env: Environment): boolean => env['VERCEL_ENV'] === 'production'

/**
 * How the values of dev/world/demo-values.ts begin, the last one in Base64. They are public, so
 * production refuses them. The merchant number is the one in WeChat's own examples.
 */
const DEMO = /^(?:(?:wx0{8}|postgres(?:ql)?:\/\/|whsec_)?(?:demo|zgvtby)|1900000109$)/i

export const DEMO_FAULT = 'is a value of the local world, which is public'

export function refuse(name: string, why: string): never {
  throw new ConfigError(name, why)
}

/**
 * Undefined if the variable is not set or empty. Refuses characters that were pasted along with the
 * value.
 */
export function find(env: Environment, name: string): string | undefined {
  const value = env[name] ?? ''
  if (value === '') return undefined
  const fault = findPasteFault(value)
  if (fault !== null) refuse(name, fault)
  if (isProduction(env) && DEMO.test(value)) refuse(name, DEMO_FAULT)
  return value
}

/** @param hint describes a common mistake and is appended to the text; must not quote the value */
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
    : refuse(name, findFullWidth(value) ?? `is not ${expected}${hint(value)}`)
}

/** Reads a value that has only visible ASCII characters. */
export const readAscii: typeof read = (env, name, ...more) => {
  const fault = findNotAscii(find(env, name) ?? '')
  return fault === null ? read(env, name, ...more) : refuse(name, fault)
}

export function toBaseUrl(name: string, value: string): string {
  const fault = findFullWidth(value) ?? baseUrlFault(value)
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
