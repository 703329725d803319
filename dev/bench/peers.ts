/**
 * What the project is compared with, installed for that alone: exact versions, in a folder of its own, without running
 * anybody's install scripts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { PlainError } from '../program/plain-error.ts'

const VERSIONS = {
  express: '5.3.0',
  'express-rate-limit': '8.7.4',
  jsonwebtoken: '9.0.3',
  pg: '8.23.1',
  'rate-limit-redis': '6.0.1',
  redis: '6.3.1',
  tenpay: '2.1.18',
  'wechatpay-axios-plugin': '0.9.6',
} as const
export type Peer = keyof typeof VERSIONS

export const nameOf = (peer: Peer): string => `${peer} ${VERSIONS[peer]}`

const directory = resolve(import.meta.dirname, '../../.data/bench/peers')
const manifest = JSON.stringify({ private: true, dependencies: VERSIONS })

/** Installs them, unless they are there, and gives what loads one of their files. @throws PlainError when they cannot be had. */
export async function installPeers(
  progress: (text: string) => void,
): Promise<(name: string) => unknown> {
  const [file, done] = [join(directory, 'package.json'), join(directory, 'installed')]
  if ((await readFile(done, 'utf8').catch(() => '')) !== manifest) {
    progress('installing what it is compared with')
    await mkdir(directory, { recursive: true })
    await writeFile(file, manifest)
    await install()
    await writeFile(done, manifest)
  }
  return createRequire(file)
}

async function install(): Promise<void> {
  const options = [
    'install',
    '--prefix',
    directory,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
  ]
  // The npm that started this, run by this Node: no PATH and no shell are needed, on Windows neither.
  const { npm_execpath: npm } = process.env
  const [command, args] =
    npm === undefined ? ['npm', options] : [process.execPath, [npm, ...options]]
  const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] })
  const [said] = await Promise.all([text(child.stderr), once(child, 'close')])
  if (child.exitCode !== 0)
    throw new PlainError(`The packages to compare with could not be installed:\n${said.trim()}`)
}
