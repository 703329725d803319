/**
 * Makes one file of each function and its dependencies, on a build machine of Vercel.
 *
 * Vercel's builder packs the imports of a function as separate files, so that a cold start opens
 * hundreds. It reads `api/` after the build command, so on a build machine each file there is
 * replaced by a few lines that load its bundle. Without this step the builder packs the same code
 * from its sources, which starts more slowly and fails if Vercel merges functions (see `linesFor`).
 */
import { globSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, posix, resolve } from 'node:path'
import { BUNDLE_FILE, bundleFunction, type Bundle } from './bundle-function.ts'
import { PlainError } from '../program/plain-error.ts'

const root = resolve(import.meta.dirname, '../..')

/** The directory of the bundles, beside `api/`. */
const BUNDLES = 'dist'

/**
 * Vercel's own rule: any script in `api/` is a function unless its path has a part that starts with
 * `_` or `.`.
 */
export const findFunctions = (): readonly string[] =>
  globSync('api/**/*.{js,mjs,ts,mts,tsx}', { cwd: root })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => !/\/[_.]|\.d\.m?ts$/.test(name))
    .toSorted((a, b) => (a < b ? -1 : 1))

/**
 * Writes the bundles under `target`, and replaces each source there by a few lines that load its
 * bundle.
 */
export async function bundleFunctions(
  target: string,
  sources: readonly string[] = findFunctions(),
): Promise<readonly Bundle[]> {
  const bundles: Bundle[] = []
  for (const source of sources) {
    if ((await readFile(join(root, source), 'utf8')).startsWith(MARK))
      throw new PlainError(`${source} is bundled: check it out again.`)
    const name = source.replace(/^api\/(.*)\.\w+$/, '$1')
    const bundle = await bundleFunction(source, join(target, BUNDLES, name))
    bundles.push(bundle)
    await mkdir(dirname(join(target, source)), { recursive: true })
    await writeFile(
      join(target, source),
      linesFor(posix.relative(posix.dirname(source), `${BUNDLES}/${name}`), bundle.maps),
    )
  }
  await writeFile(join(target, 'api/package.json'), '{"type":"commonjs"}')
  return bundles
}

/**
 * CommonJS, with a package.json of its own in `api/`, so that the project's package.json, which
 * says "module", is not packed. Vercel may put its own CommonJS handler at the top of a function,
 * and could not load ES modules beside it. The last lines make the builder pack the source maps.
 */
const linesFor = (directory: string, maps: readonly string[]): string => `${MARK}
module.exports = require('${directory}/${BUNDLE_FILE}')
${maps
  .map(
    (map) => `void (__dirname + '/${directory}/${map}')
`,
  )
  .join('')}`

const MARK = '// @ts-nocheck'
