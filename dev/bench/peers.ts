/**
 * The packages to compare with: exact versions, installed in a directory of their own without their
 * install scripts. Those that the project itself depends on for development are not installed
 * again.
 */
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { runNpm } from '../program/npm.ts'
import { PlainError } from '../program/plain-error.ts'

const root = resolve(import.meta.dirname, '../..')

const VERSIONS = {
  express: '5.3.0',
  'express-rate-limit': '8.7.4',
  jsonwebtoken: '9.0.3',
  'rate-limit-redis': '6.0.1',
  tenpay: '2.1.18',
  'wechatpay-node-v3': '2.2.1',
} as const

const { devDependencies } = v.parse(
  v.object({ devDependencies: v.object({ 'wechatpay-axios-plugin': v.string() }) }),
  JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')),
)

const versions = { ...VERSIONS, ...devDependencies }
export const nameOf = (peer: keyof typeof versions): string => `${peer} ${versions[peer]}`

const directory = join(root, '.data/bench/peers')
const manifest = JSON.stringify({ private: true, dependencies: VERSIONS })

/**
 * Installs the packages unless they are installed. Returns a function that loads one. @throws
 * PlainError
 */
export async function installPeers(
  progress: (text: string) => void,
): Promise<(name: string) => unknown> {
  const [file, done] = [join(directory, 'package.json'), join(directory, 'installed')]
  if ((await readFile(done, 'utf8').catch(() => '')) !== manifest) {
    progress('installing the packages to compare with')
    await mkdir(directory, { recursive: true })
    await writeFile(file, manifest)
    await install()
    await writeFile(done, manifest)
  }
  return createRequire(file)
}

async function install(): Promise<void> {
  const errors = await runNpm(directory, ['install', '--prefix', directory, '--no-package-lock'])
  if (errors !== null)
    throw new PlainError(`The packages to compare with could not be installed:\n${errors}`)
}
