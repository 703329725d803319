/**
 * Installs Vercel's command line tool, at the exact versions of `dev/vercel-cli`, in a cache
 * outside the project.
 *
 * The tool depends on `sandbox` 4.4.0, which is not on the registry, so
 * `dev/vercel-cli/package.json` overrides it.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { readVariable } from '../program/environment.ts'
import { runNpm } from '../program/npm.ts'
import { PlainError } from '../program/plain-error.ts'

const pinned = resolve(import.meta.dirname, '../vercel-cli')
const MANIFESTS = ['package.json', 'package-lock.json']

/** The registry could not be reached, and the tool is not in the cache. */
export class RegistryUnreachable extends PlainError {}

const UNREACHABLE =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b/

/** Installs the tool unless the cache has it. Returns the program for Node to run. */
export async function installVercel(): Promise<string> {
  const digest = createHash('sha256')
  for (const name of MANIFESTS) digest.update(readFileSync(join(pinned, name)))
  const cache = join(
    readVariable(process.env, 'XDG_CACHE_HOME') ?? join(homedir(), '.cache'),
    'wechat-pay-functions',
  )
  const directory = join(cache, `vercel-cli-${digest.digest('hex').slice(0, 16)}`)
  if (!existsSync(directory)) await install(directory)
  return join(directory, 'node_modules/vercel/dist/vc.js')
}

/**
 * Installs into a temporary directory and renames it, so that an interrupted installation is never
 * used.
 */
async function install(directory: string): Promise<void> {
  const unfinished = `${directory}.${randomBytes(6).toString('hex')}`
  await mkdir(unfinished, { recursive: true })
  try {
    for (const name of MANIFESTS) await copyFile(join(pinned, name), join(unfinished, name))
    await installPackages(unfinished)
    await rename(unfinished, directory).catch((error: unknown) => {
      // Another run may have installed it meanwhile.
      if (!existsSync(directory)) throw error
    })
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function installPackages(directory: string): Promise<void> {
  const errors = await runNpm(directory, ['ci'])
  if (errors === null) return
  if (UNREACHABLE.test(errors))
    throw new RegistryUnreachable(
      "Vercel's tool is not in the cache, and the npm registry cannot be reached.",
    )
  throw new PlainError(`npm could not install Vercel's tool:\n${errors}`)
}
