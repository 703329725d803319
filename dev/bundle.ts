/**
 * `npm run bundle`: a part of Vercel's build. It writes the console into `public/`. On Vercel it
 * also makes one file of each function.
 */
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { bundleFunctions } from './build/bundle-functions.ts'
import { deployedPages } from './build/page-files.ts'
import { reasonToKeepSources, requireVercelEnvironment } from './build/vercel-environment.ts'
import { readNoOptions } from './program/command-line.ts'
import { explain } from './program/plain-error.ts'

const root = resolve(import.meta.dirname, '..')

async function run(): Promise<string> {
  requireVercelEnvironment(process.env)
  for (const [name, read] of deployedPages)
    await writeFile(join(root, 'public', name), await read())
  const reason = reasonToKeepSources(process.env)
  if (reason !== null) return reason
  const bundles = await bundleFunctions(root)
  return `${bundles.length} functions bundled`
}

readNoOptions(
  'npm run bundle    writes the console into public/; on Vercel also makes one file of each function',
)
try {
  console.log(await run())
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
