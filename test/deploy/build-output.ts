/** The output of `vercel build` that a deployment consists of (Build Output API, version 3). */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import * as v from 'valibot'

const transform = v.strictObject({
  type: v.literal('request.headers'),
  op: v.literal('set'),
  target: v.strictObject({ key: v.string() }),
  args: v.string(),
})

/** Strict, because a route with an unknown condition would be applied wrongly. */
const route = v.strictObject({
  src: v.string(),
  dest: v.optional(v.string()),
  status: v.optional(v.number()),
  headers: v.optional(v.record(v.string(), v.string())),
  continue: v.optional(v.boolean()),
  /** The destination is a function or a file, and is looked up as one. */
  check: v.optional(v.boolean()),
  important: v.optional(v.boolean()),
  transforms: v.optional(v.array(transform)),
})
const handle = v.strictObject({ handle: v.picklist(['filesystem', 'hit', 'error']) })

const config = v.strictObject({
  version: v.literal(3),
  routes: v.array(v.union([handle, route])),
  overrides: v.record(v.string(), v.strictObject({ path: v.string() })),
  crons: v.array(v.strictObject({ path: v.string(), schedule: v.string() })),
})
const functionConfig = v.looseObject({
  handler: v.string(),
  runtime: v.string(),
  maxDuration: v.number(),
})

export type Route = v.InferOutput<typeof route>
export type Config = v.InferOutput<typeof config>

export interface OutputFunction {
  readonly config: v.InferOutput<typeof functionConfig>
  readonly directory: string
  /** Paths inside the function. */
  readonly files: readonly string[]
}

export interface BuildOutput {
  readonly config: Config
  /** By path, without the leading slash. */
  readonly functions: ReadonlyMap<string, OutputFunction>
  /** The file of each page, by its path without the leading slash. */
  readonly pages: ReadonlyMap<string, string>
}

const routingUtils = v.object({ normalizeRoutes: v.function() })
const normalized = v.object({ error: v.null(), routes: v.array(v.union([handle, route])) })

/**
 * @param program Vercel's tool. The routing package that reads the routes is installed beside it.
 */
export function readBuildOutput(directory: string, program: string): BuildOutput {
  const read = (path: string): unknown => JSON.parse(readFileSync(join(directory, path), 'utf8'))
  const written = v.parse(config, read('config.json'))
  const { normalizeRoutes } = v.parse(routingUtils, createRequire(program)('@vercel/routing-utils'))
  const parsed = { ...written, routes: v.parse(normalized, normalizeRoutes(written.routes)).routes }
  const functions = globSync('**/*.func', { cwd: join(directory, 'functions') }).map(
    (name): [string, OutputFunction] => {
      const own = join('functions', name)
      const files = globSync('**/*', { cwd: join(directory, own), withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== '.vc-config.json')
        .map((entry) => join(entry.parentPath, entry.name).slice(join(directory, own).length + 1))
      return [
        name.slice(0, -'.func'.length),
        {
          config: v.parse(functionConfig, read(`${own}/.vc-config.json`)),
          directory: join(directory, own),
          files,
        },
      ]
    },
  )
  const pages = globSync('**/*', { cwd: join(directory, 'static'), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry): [string, string] => {
      const file = join(entry.parentPath, entry.name)
      const path = file.slice(join(directory, 'static').length + 1)
      return [parsed.overrides[path]?.path ?? path, file]
    })
  if (!existsSync(join(directory, 'static'))) throw new Error('the build wrote no static files')
  return { config: parsed, functions: new Map(functions), pages: new Map(pages) }
}
