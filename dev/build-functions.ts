/**
 * Builds every function with the builder Vercel itself runs, offline, and says how large each one is. As a program it fails
 * on a type error and above the budget.
 */
import { globSync, lstatSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import * as v from 'valibot'
import { isProgram } from './command-line.ts'
import { explain } from './plain-error.ts'

const root = resolve(import.meta.dirname, '..')

/**
 * What one function may weigh, uncompressed. The largest measured 4.26 MB; half of that are undici and QStash's client, which
 * are packed with every function but loaded by none that does not refund or hand over events. The margin lets our own code
 * double; a package that came along unasked breaks it.
 */
const BUDGET_BYTES = 5_000_000

export interface BuiltFile {
  /** Inside the function, with forward slashes. */
  readonly path: string
  readonly data: Buffer
}

export interface BuiltFunction {
  /** The file in `api/` it was made from. */
  readonly source: string
  /** The file Vercel loads. */
  readonly handler: string
  readonly runtime: string
  readonly files: readonly BuiltFile[]
  readonly bytes: number
  /** As a zip would have it. */
  readonly compressedBytes: number
}

const file = v.variant('type', [
  v.object({ type: v.literal('FileFsRef'), fsPath: v.string() }),
  v.object({ type: v.literal('FileBlob'), data: v.union([v.string(), v.instance(Buffer)]) }),
])
const answer = v.object({ output: v.object({ handler: v.string(), runtime: v.string(), files: v.record(v.string(), file) }) })

/** The package declares only what functions need of it, so its builder is checked here. */
const builder = v.object({ build: v.function() })

/** Vercel's own rule: any script in `api/` is a function unless its path has a part that starts with `_` or `.`. */
export const findFunctions = (): readonly string[] =>
  globSync('api/**/*.{js,mjs,ts,mts,tsx}', { cwd: root })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => !/\/[_.]|\.d\.m?ts$/.test(name))
    .toSorted((a, b) => (a < b ? -1 : 1))

export async function buildFunctions(sources: readonly string[] = findFunctions()): Promise<readonly BuiltFunction[]> {
  // Without the first the builder runs npm install; without the second it lets type errors through.
  process.env['VERCEL_INSTALL_COMPLETED'] = '1'
  process.env['EXPERIMENTAL_NODE_TYPESCRIPT_ERRORS'] = '1'
  const { build } = v.parse(builder, await import('@vercel/node'))
  const built: BuiltFunction[] = []
  // One at a time: the work is all computing, so side by side gains nothing and mixes the messages.
  for (const source of sources) {
    const { output } = v.parse(
      answer,
      await build({
        files: { [source]: { type: 'FileFsRef', fsPath: join(root, source), mode: 0o100644 } },
        entrypoint: source,
        workPath: root,
        repoRootPath: root,
        config: { zeroConfig: true },
        meta: { skipDownload: true },
      }),
    )
    const files = Object.entries(output.files)
      // A link to a folder carries nothing of its own: what is behind it is listed too.
      .filter(([, one]) => one.type === 'FileBlob' || lstatSync(one.fsPath).isFile())
      .map(([path, one]) => ({ path, data: one.type === 'FileBlob' ? Buffer.from(one.data) : readFileSync(one.fsPath) }))
    built.push({
      source,
      handler: output.handler,
      runtime: output.runtime,
      files,
      bytes: sum(files.map(({ data }) => data.length)),
      compressedBytes: sum(files.map(({ data }) => deflateRawSync(data).length)),
    })
  }
  return built
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

/** Writes a function as Vercel unpacks it, and returns the file to load. */
export async function writeFunction(built: BuiltFunction, directory: string): Promise<string> {
  for (const { path, data } of built.files) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, data)
  }
  return join(directory, built.handler)
}

/** Nothing but the product and its packages: no tools, no tests. */
const isClean = (files: readonly BuiltFile[]): boolean =>
  files.every(({ path }) => /^(?:api|lib|node_modules)\/|^package\.json$/.test(path))

const kB = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} kB`.padStart(8)

async function report(): Promise<number> {
  const say = console.log
  // The builder talks on standard output, which here is for the table.
  console.log = console.error
  const functions = await buildFunctions()
  for (const { source, runtime, files, bytes, compressedBytes } of functions)
    say(
      `${source.padEnd(18)} ${runtime}  ${String(files.length).padStart(3)} files ${kB(bytes)} ${kB(compressedBytes)} compressed` +
        (bytes > BUDGET_BYTES ? `  over the budget of ${kB(BUDGET_BYTES).trim()}` : '') +
        (isClean(files) ? '' : '  carries files that are not deployed'),
    )
  return functions.every(({ bytes, files }) => bytes <= BUDGET_BYTES && isClean(files)) ? 0 : 1
}

if (isProgram(import.meta.filename))
  report().then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(explain(error))
      process.exit(1)
    },
  )
