/** One function and all it needs as one file, and one more for each library that it loads only when it needs it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { rolldown, type OutputChunk, type Plugin } from 'rolldown'
import * as v from 'valibot'
import { PlainError } from '../program/plain-error.ts'
import { keepLines } from './source-lines.ts'

const root = resolve(import.meta.dirname, '../..')

/** The file to load. Its map is beside it, as `.map`. */
export const BUNDLE_FILE = 'function.cjs'

export interface Bundle {
  /** The file in `api/` it was made from. */
  readonly source: string
  /** The packages that are loaded with the function. */
  readonly packages: readonly string[]
  /** The packages that are loaded when first needed. */
  readonly packagesForLater: readonly string[]
}

export async function bundleFunction(source: string, directory: string): Promise<Bundle> {
  const build = await rolldown({
    input: ENTRY,
    cwd: root,
    platform: 'node',
    plugins: [entryOf(source), usedParts, mapOwnCodeOnly],
    // That of @vercel/otel, which is never loaded without a collector.
    checks: { eval: false },
    onLog: (_, { message }) => {
      throw new PlainError(`${source}: ${message}`)
    },
  })
  try {
    const { output } = await build.write({
      dir: directory,
      // Vercel keeps the bytecode of CommonJS from one cold start to the next; that of modules it does not.
      format: 'cjs',
      strict: true,
      exports: 'default',
      minify: true,
      // Not named in the file, or a platform that maps every error would read it on each cold start.
      sourcemap: 'hidden',
      sourcemapExcludeSources: true,
      entryFileNames: BUNDLE_FILE,
      chunkFileNames: '[name].cjs',
    })
    const chunks = output.filter((one) => one.type === 'chunk')
    for (const { sourcemapFileName } of chunks)
      if (sourcemapFileName !== null) await keepOnlyLines(join(directory, sourcemapFileName))
    const first = loadedAtOnce(chunks)
    return {
      source,
      packages: packagesIn(chunks.filter((chunk) => first.has(chunk))),
      packagesForLater: packagesIn(chunks.filter((chunk) => !first.has(chunk))),
    }
  } finally {
    await build.close()
  }
}

const sourceMap = v.looseObject({ mappings: v.string() })

async function keepOnlyLines(file: string): Promise<void> {
  const map = v.parse(sourceMap, JSON.parse(await readFile(file, 'utf8')))
  await writeFile(file, JSON.stringify({ ...map, names: [], mappings: keepLines(map.mappings) }))
}

function loadedAtOnce(chunks: readonly OutputChunk[]): ReadonlySet<OutputChunk> {
  const loaded = new Set(chunks.filter(({ isEntry }) => isEntry))
  // A set is walked over what is added on the way.
  for (const { imports } of loaded)
    for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk)
  return loaded
}

const packagesIn = (chunks: readonly OutputChunk[]): readonly string[] =>
  [
    ...new Set(chunks.flatMap(({ moduleIds }) => moduleIds.flatMap((id) => packageOf(id) ?? []))),
  ].toSorted((a, b) => (a < b ? -1 : 1))

const packageOf = (id: string): string | undefined =>
  /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(id)?.[1]?.replaceAll('\\', '/')

const ENTRY = '\0function'

/** Only what Vercel calls: what tests call is no part of it. */
const entryOf = (source: string): Plugin => ({
  name: 'entry',
  resolveId: (id) => (id === ENTRY ? id : null),
  load: (id) =>
    id === ENTRY ? `export { default } from ${JSON.stringify(join(root, source))}` : null,
})

/**
 * Of these packages, the file with what we use of them: their front doors lead past code for older versions of Node, or for
 * other tasks, which no bundler can know to be idle. What is not in the file fails the build.
 */
const parts: Readonly<Record<string, string>> = {
  '@vercel/functions': '@vercel/functions/wait-until.js',
  ofetch: 'ofetch/dist/index.mjs',
}

const usedParts: Plugin = {
  name: 'used parts',
  resolveId: (id) => (parts[id] === undefined ? null : join(root, 'node_modules', parts[id])),
}

/** Where in a package something went wrong helps nobody who reads the log, and would be most of the map. */
const mapOwnCodeOnly: Plugin = {
  name: 'map own code only',
  transform: (code, id) =>
    packageOf(id) === undefined
      ? null
      : { code, map: { version: 3, sources: [id], names: [], mappings: 'AAAA' } },
}
