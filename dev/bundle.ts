/** `npm run bundle`: makes one file of each function, as a part of Vercel's build. */
import { resolve } from 'node:path'
import { bundleFunctions } from './build/bundle-functions.ts'
import { reasonToKeepSources, requireVercelEnvironment } from './build/vercel-environment.ts'
import { readNoOptions } from './program/command-line.ts'
import { explain } from './program/plain-error.ts'

async function run(): Promise<string> {
  requireVercelEnvironment(process.env)
  const reason = reasonToKeepSources(process.env)
  if (reason !== null) return reason
  const bundles = await bundleFunctions(resolve(import.meta.dirname, '..'))
  return `${bundles.length} functions bundled`
}

readNoOptions('npm run bundle    makes one file of each function; part of the build on Vercel')
try {
  console.log(await run())
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}
