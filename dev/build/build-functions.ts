/**
 * Builds every function as Vercel does, offline: bundles it, then runs Vercel's own builder. Prints
 * the size of each, and fails as a program if one exceeds the budget.
 */
import { lstatSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import * as v from 'valibot'
import type { Bundle } from './bundle-function.ts'
import { bundleFunctions, findFunctions } from './bundle-functions.ts'
import { isProgram } from '../program/command-line.ts'
import { explain } from '../program/plain-error.ts'

const root = resolve(import.meta.dirname, '../..')

/**
 * The directory of the simulated build machines. It is inside this checkout, so that the builder
 * finds its compiler.
 */
const MACHINES = join(root, '.vercel')

/**
 * The limit for one function, compressed. OpenTelemetry is nearly a third of it, and is loaded only
 * if the environment names a collector.
 */
const BUDGET_BYTES = 350_000

export interface BuiltFile {
  /** The path inside the function, with forward slashes. */
  readonly path: string
  readonly data: Buffer
}

export interface PackedFunction {
  /** The file Vercel loads. */
  readonly handler: string
  readonly runtime: string
  readonly files: readonly BuiltFile[]
  readonly bytes: number
  /** The size of a zip. */
  readonly compressedBytes: number
}

export interface BuiltFunction extends PackedFunction, Bundle {}

const file = v.variant('type', [
  v.object({ type: v.literal('FileFsRef'), fsPath: v.string() }),
  v.object({ type: v.literal('FileBlob'), data: v.union([v.string(), v.instance(Buffer)]) }),
])
const answer = v.object({
  output: v.object({ handler: v.string(), runtime: v.string(), files: v.record(v.string(), file) }),
})

/** The types of the package declare only what functions need, so its builder is checked here. */
const builder = v.object({ build: v.function() })

export async function buildFunctions(
  sources: readonly string[] = findFunctions(),
): Promise<readonly BuiltFunction[]> {
  await mkdir(MACHINES, { recursive: true })
  const machine = await mkdtemp(join(MACHINES, 'build-machine-'))
  try {
    const bundles = await bundleFunctions(machine, sources)
    await copyFile(join(root, 'package.json'), join(machine, 'package.json'))
    const built: BuiltFunction[] = []
    // One after another: the work is CPU-bound, so parallel builds gain nothing and mix their
    // messages.
    for (const bundle of bundles) built.push({ ...(await pack(machine, bundle.source)), ...bundle })
    return built
  } finally {
    await rm(machine, { recursive: true, force: true })
  }
}

/** Packs a function from its sources, without a bundle. */
export const packFromSources = (source: string): Promise<PackedFunction> => pack(root, source)

async function pack(workPath: string, source: string): Promise<PackedFunction> {
  // Otherwise the builder runs npm install.
  process.env['VERCEL_INSTALL_COMPLETED'] = '1'
  const { build } = v.parse(builder, await import('@vercel/node'))
  const { output } = v.parse(
    answer,
    await build({
      files: { [source]: { type: 'FileFsRef', fsPath: join(workPath, source), mode: 0o100644 } },
      entrypoint: source,
      workPath,
      repoRootPath: workPath,
      config: { zeroConfig: true },
      meta: { skipDownload: true },
    }),
  )
  const files = Object.entries(output.files)
    // Links to folders are skipped, because the files in the folder are listed too.
    .filter(([, one]) => one.type === 'FileBlob' || lstatSync(one.fsPath).isFile())
    .map(([path, one]) => ({
      path,
      data: one.type === 'FileBlob' ? Buffer.from(one.data) : readFileSync(one.fsPath),
    }))
  return {
    handler: output.handler,
    runtime: output.runtime,
    files,
    bytes: sum(files.map(({ data }) => data.length)),
    compressedBytes: sum(files.map(({ data }) => deflateRawSync(data).length)),
  }
}

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0)

/** Writes a function as Vercel unpacks it, and returns the file to load. */
export async function writeFunction(built: PackedFunction, directory: string): Promise<string> {
  for (const { path, data } of built.files) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, data)
  }
  return join(directory, built.handler)
}

/** Only the product and its packages: no tools and no tests. */
const isClean = (files: readonly BuiltFile[]): boolean =>
  files.every(({ path }) => /^(?:api|dist)\//.test(path))

const kB = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} kB`.padStart(8)

async function report(): Promise<number> {
  const say = console.log
  // The builder writes to standard output, which is reserved for the table here.
  console.log = console.error
  const functions = await buildFunctions()
  for (const { source, runtime, files, bytes, compressedBytes } of functions)
    say(
      `${source.padEnd(18)} ${runtime}  ${String(files.length).padStart(3)} files ${kB(bytes)} ${kB(compressedBytes)} compressed` +
        (compressedBytes > BUDGET_BYTES ? `  over the budget of ${kB(BUDGET_BYTES).trim()}` : '') +
        (isClean(files) ? '' : '  carries files that are not deployed'),
    )
  return functions.every(
    ({ compressedBytes, files }) => compressedBytes <= BUDGET_BYTES && isClean(files),
  )
    ? 0
    : 1
}

if (isProgram(import.meta.filename))
  report().then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(explain(error))
      process.exit(1)
    },
  )
