/** The newest figures of each part, kept from run to run, so that one part can be measured again without the others. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import * as v from 'valibot'
import { tableSchema } from './table.ts'

const resultSchema = v.object({
  /** When, and on what. */
  measured: v.string(),
  table: tableSchema,
})
export type Result = v.InferOutput<typeof resultSchema>

const directory = resolve(import.meta.dirname, '../../.data/bench/results')
const fileOf = (name: string): string => join(directory, `${name}.json`)

export async function keepResult(name: string, result: Result): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(fileOf(name), JSON.stringify(result))
}

/** Undefined where this part was never measured, or left figures of another kind than it does now. */
export async function findResult(name: string): Promise<Result | undefined> {
  const kept = await readFile(fileOf(name), 'utf8').catch(() => '')
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), resultSchema), kept)
  return result.success ? result.output : undefined
}
