/**
 * `npm run deploy-button`: points the Deploy button of both READMEs to the repository of `origin`.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isProgram, readNoOptions } from './program/command-line.ts'
import { explain, PlainError } from './program/plain-error.ts'

const PAGES = ['README.md', 'README.zh-CN.md']

const BUTTON = /(?<=\]\()https:\/\/vercel\.com\/new\/clone\?[^)\s]+(?=\))/

/** `owner/name` of a GitHub remote, in any form that git accepts. */
export function readRepository(remote: string): string {
  const name =
    /^(?:https:\/\/(?:[^@/]+@)?|ssh:\/\/git@|git@)github\.com[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(
      remote.trim(),
    )?.[1]
  if (name === undefined)
    throw new PlainError(
      'origin is not a repository on GitHub. For other hosts, import the project in Vercel by hand: docs/deploying.md.',
    )
  return name
}

/** Writes the repository into the button of each page. Returns the URL of the English button. */
export function writeButtons(directory: string, repository: string): string {
  const addresses = PAGES.map((page) => {
    const file = join(directory, page)
    const text = readFileSync(file, 'utf8')
    const address = BUTTON.exec(text)?.[0]
    if (address === undefined) throw new PlainError(`${page} has no Deploy button.`)
    const target = address.replaceAll(
      /(?<=https%3A%2F%2Fgithub\.com%2F)[^%&]+%2F[^%&]+/g,
      encodeURIComponent(repository),
    )
    writeFileSync(file, text.replace(address, target))
    return target
  })
  return addresses[0] ?? ''
}

function readOrigin(root: string): string {
  try {
    return execFileSync('git', ['remote', 'get-url', 'origin'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  } catch {
    throw new PlainError(
      'This checkout has no remote named origin. Push it to a repository of your own on GitHub first.',
    )
  }
}

if (isProgram(import.meta.filename)) {
  readNoOptions(
    'npm run deploy-button    points the Deploy button of both READMEs to the repository of origin',
  )
  try {
    const root = resolve(import.meta.dirname, '..')
    const repository = readRepository(readOrigin(root))
    const address = writeButtons(root, repository)
    console.log(
      `The Deploy button of ${PAGES.join(' and ')} now copies github.com/${repository}. Commit and push.\n\n${address}`,
    )
  } catch (error) {
    console.error(explain(error))
    process.exitCode = 1
  }
}
