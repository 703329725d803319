import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as v from 'valibot'

const manifest = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ bin: v.record(v.string(), v.string()) }),
)

/**
 * Returns the script of a package's command, which Node runs without PATH and without a shell, on
 * Windows too.
 */
export function programOf(name: string, command: string): string {
  const directory = resolve(import.meta.dirname, '../../node_modules', name)
  return join(
    directory,
    v.parse(manifest, readFileSync(join(directory, 'package.json'), 'utf8')).bin[command] ?? '',
  )
}
