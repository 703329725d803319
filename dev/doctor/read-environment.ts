/** Which variables are looked at. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Environment } from '../../lib/config.ts'
import { PlainError } from '../plain-error.ts'

export interface Source {
  readonly env: Environment
  /** Where they are from, as words; a later one goes before an earlier one. */
  readonly from: readonly string[]
}

/**
 * The process's own before those of `.env.local`, and these before `.env`: as Vercel's tools read them. A file that is
 * named is read alone, so that nothing that happens to be set here hides what will be set there.
 *
 * @throws PlainError where the file that is named is not there
 */
export function readEnvironment(given: Environment, directory: string, file: string | undefined): Source {
  if (file !== undefined) {
    if (!existsSync(join(directory, file)) && !existsSync(file)) throw new PlainError(`There is no file ${file}.`)
    return { env: readFile(existsSync(file) ? file : join(directory, file)), from: [file] }
  }
  const files = ['.env', '.env.local'].filter((name) => existsSync(join(directory, name)))
  return {
    env: files.toReversed().reduce((env, name) => ({ ...readFile(join(directory, name)), ...env }), given),
    from: [...files, 'the environment of this process'],
  }
}

const readFile = (path: string): Environment => parseEnv(readFileSync(path, 'utf8'))
