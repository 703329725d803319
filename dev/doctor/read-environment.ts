/** The variables to check. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../lib/config/environment.ts'
import { readEnvFile, type Oddity } from './env-file.ts'
import { PlainError } from '../program/plain-error.ts'

export const PROCESS = 'the environment of this process'

export interface Source {
  readonly env: Environment
  /** The sources in words. A later one takes precedence over an earlier one. */
  readonly from: readonly string[]
  /** Corrections that other programs would not make. */
  readonly odd: readonly Oddity[]
}

/**
 * The variables of the process take precedence over `.env.local`, and these over `.env`, as in
 * Vercel's tools. A named file is read alone, so that variables of this machine do not hide its
 * values.
 *
 * @throws PlainError if the named file does not exist or is a directory
 */
export function readEnvironment(
  given: Environment,
  directory: string,
  file: string | undefined,
): Source {
  if (file !== undefined) {
    if (!existsSync(join(directory, file)) && !existsSync(file))
      throw new PlainError(`There is no file ${file}.`)
    const { env, odd } = readFile(existsSync(file) ? file : join(directory, file), file)
    return { env, from: [file], odd }
  }
  const files = ['.env', '.env.local'].filter((name) => existsSync(join(directory, name)))
  const read = files.map((name) => readFile(join(directory, name), name))
  return {
    env: read.toReversed().reduce((all, { env }) => ({ ...env, ...all }), given),
    from: [...files, PROCESS],
    odd: read.flatMap(({ odd }) => odd),
  }
}

function readFile(path: string, name: string) {
  if (statSync(path).isDirectory()) throw new PlainError(`${name} is a directory, not a file.`)
  return readEnvFile(readFileSync(path), name)
}
