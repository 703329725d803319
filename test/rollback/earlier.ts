/**
 * The sources of 0.1.0 with its packages, and its bundled functions. `npm run test:rollback` makes
 * them.
 */
import { readVariable } from '../../dev/program/environment.ts'

function read(name: string): string {
  const value = readVariable(process.env, name)
  if (value === undefined) throw new Error('Start these tests with npm run test:rollback.')
  return value
}

export const earlierSources = read('EARLIER_RELEASE')
export const earlierFunctions = read('EARLIER_FUNCTIONS')
