/**
 * Runs `vercel build` as Vercel's build machine does for production: offline, on a copy of the
 * project.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

const root = resolve(import.meta.dirname, '../..')

/** The settings that `vercel link` would write, without an account. */
const PROJECT = {
  orgId: 'team_made_up',
  projectId: 'prj_made_up',
  settings: { framework: null, nodeVersion: '24.x' },
}

export interface BuildOptions {
  /** Vercel's tool. */
  readonly program: string
  /** An empty directory to work in; the output is in `output` there. */
  readonly directory: string
  /** The project's variables for production. */
  readonly variables: Readonly<Record<string, string>>
  /** The port to which all TLS connections are redirected. */
  readonly internetPort: number
  readonly mergesFunctions: boolean
}

/** Returns the output of the build. */
export async function vercelBuild({
  program,
  directory,
  variables,
  internetPort,
  mergesFunctions,
}: BuildOptions): Promise<string> {
  const project = join(directory, 'project')
  copyProject(project)
  const settings = join(project, '.vercel')
  mkdirSync(settings)
  writeFileSync(join(settings, 'project.json'), JSON.stringify(PROJECT))
  const lines = Object.entries(variables).map(([name, value]) => `${name}="${value}"\n`)
  writeFileSync(join(settings, '.env.production.local'), lines.join(''))
  mkdirSync(join(directory, 'account'))

  const command = [
    program,
    '-Q',
    join(directory, 'account'),
    'build',
    '--prod',
    '--yes',
    '--output',
    join(directory, 'output'),
  ]
  const child = spawn(process.execPath, command, {
    cwd: project,
    env: {
      // The tool starts npm, which has to find this Node.
      PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
      HOME: join(directory, 'account'),
      SystemRoot: process.env['SystemRoot'],
      NODE_OPTIONS: `--import=${new URL('redirect-tls.ts', import.meta.url).href}`,
      INTERNET_PORT: String(internetPort),
      VERCEL_TELEMETRY_DISABLED: '1',
      // The packages are already installed.
      VERCEL_INSTALL_COMPLETED: '1',
      ...(mergesFunctions ? { VERCEL_API_FUNCTION_BUNDLING: '1' } : {}),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  const output = (await Promise.all([text(child.stdout), text(child.stderr)])).join('\n')
  const [code] = await ended
  if (code !== 0) throw new Error(`vercel build failed:\n${output}`)
  return output
}

/** The files that git tracks or would track, without ignored ones. */
function copyProject(target: string): void {
  const listed = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '-z'],
    { cwd: root, encoding: 'utf8' },
  )
  for (const path of listed
    .split('\0')
    .filter((name) => name !== '' && existsSync(join(root, name)))) {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    cpSync(join(root, path), join(target, path))
  }
  symlinkSync(join(root, 'node_modules'), join(target, 'node_modules'), 'junction')
}
