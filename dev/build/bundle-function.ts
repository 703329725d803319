/**
 * Bundles one function and its dependencies into one file, and each library that it loads later
 * into another.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { rolldown, type OutputChunk, type Plugin } from 'rolldown'
import * as v from 'valibot'
import { PlainError } from '../program/plain-error.ts'
import { keepLines } from './source-lines.ts'

const root = resolve(import.meta.dirname, '../..')

/** The file to load. */
export const BUNDLE_FILE = 'function.cjs'

export interface Bundle {
  /** The source file in `api/`. */
  readonly source: string
  /** The packages that are loaded with the function. */
  readonly packages: readonly string[]
  /** The packages that are loaded when first needed. */
  readonly packagesForLater: readonly string[]
  /** The source maps of the files with our own code. Each is beside its file. */
  readonly maps: readonly string[]
}

export async function bundleFunction(source: string, directory: string): Promise<Bundle> {
  const build = await rolldown({
    input: ENTRY,
    cwd: root,
    platform: 'node',
    plugins: [entryOf(source), usedParts, mapOwnCodeOnly],
    // @vercel/otel uses eval. It is not loaded without a collector.
    checks: { eval: false },
    onLog: (_, { message }) => {
      throw new PlainError(`${source}: ${message}`)
    },
  })
  try {
    const { output } = await build.write({
      dir: directory,
      // Vercel caches the bytecode of CommonJS between cold starts, and that of ES modules it does
      // not.
      format: 'cjs',
      strict: true,
      exports: 'default',
      minify: true,
      // If the file named its map, a platform that maps every error would read it on each cold
      // start.
      sourcemap: 'hidden',
      sourcemapExcludeSources: true,
      entryFileNames: BUNDLE_FILE,
      chunkFileNames: '[name].cjs',
      codeSplitting: {
        groups: [
          // A group also takes what its files import. The first one is chosen first, so a group for
          // later takes nothing that the start needs.
          { name: 'shared', test: isShared, minShareCount: 2 },
          { name: 'bill', test: ofBills, minShareCount: 2 },
          { name: 'console', test: ofConsole },
          { name: 'v2', test: /\/lib\/wechat\/v2\/(?!bill)[\w-]+\.ts$/, minShareCount: 2 },
          { name: 'v3', test: /\/lib\/wechat\/v3\/(?!bill)[\w-]+\.ts$/, minShareCount: 2 },
        ],
      },
    })
    const chunks = output.filter((one) => one.type === 'chunk')
    for (const { sourcemapFileName } of chunks)
      if (sourcemapFileName !== null) await keepOnlyLines(join(directory, sourcemapFileName))
    const first = loadedAtOnce(chunks)
    return {
      source,
      packages: packagesIn(chunks.filter((chunk) => first.has(chunk))),
      packagesForLater: packagesIn(chunks.filter((chunk) => !first.has(chunk))),
      maps: chunks.flatMap(({ moduleIds, sourcemapFileName }) =>
        sourcemapFileName !== null && moduleIds.some(isOwnCode) ? [sourcemapFileName] : [],
      ),
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
  // A `for` loop over a set also visits elements that are added meanwhile.
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

/**
 * Our code, and valibot, that the function and the code for later use. It is one file, because a
 * cold start opens each file.
 */
const isShared = (id: string): boolean => {
  const path = id.replaceAll('\\', '/')
  if (packageOf(id) !== undefined) return packageOf(id) === 'valibot'
  return /\/lib\/(?!wechat\/v\d\/)/.test(path) && !ofBills.test(path)
}

/** The code for bills of both protocols. It is loaded when a bill is compared. */
const ofBills = /\/lib\/(?:wechat\/(?:bill-\w+|gunzip)|http-client\/download)\.ts$/

/** The statements of the console. All functions contain them, and only the console loads them. */
const ofConsole =
  /\/lib\/stores\/(?:bill-reports|event-log|incidents|order-history|order-search|overviews)\.ts$/

const isOwnCode = (id: string): boolean => id !== ENTRY && packageOf(id) === undefined

const ENTRY = '\0function'

/** The default export is what Vercel calls. The exports for tests are left out. */
const entryOf = (source: string): Plugin => ({
  name: 'entry',
  resolveId: (id) => (id === ENTRY ? id : null),
  load: (id) =>
    id === ENTRY ? `export { default } from ${JSON.stringify(join(root, source))}` : null,
})

/**
 * For these packages, the file with the part we use. Their main files also load code for older
 * versions of Node or for other tasks, which a bundler cannot recognise as unused. A name that is
 * missing in the file fails the build.
 */
const parts: Readonly<Record<string, string>> = {
  '@vercel/functions': '@vercel/functions/wait-until.js',
  ofetch: 'ofetch/dist/index.mjs',
}

const usedParts: Plugin = {
  name: 'used parts',
  resolveId: (id) => (parts[id] === undefined ? null : join(root, 'node_modules', parts[id])),
}

/** Lines inside packages do not help a reader of the log, and would be most of the map. */
const mapOwnCodeOnly: Plugin = {
  name: 'map own code only',
  transform: (code, id) =>
    packageOf(id) === undefined
      ? null
      : { code, map: { version: 3, sources: [id], names: [], mappings: 'AAAA' } },
}
