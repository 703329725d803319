/**
 * `npm run openapi`: writes the API reference from the schemas that the functions check requests
 * with.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { readNoOptions } from './program/command-line.ts'
import { createDocument } from './openapi/document.ts'
import { programOf } from './program/package-program.ts'

const root = resolve(import.meta.dirname, '..')
const { version } = v.parse(
  v.object({ version: v.string() }),
  JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')),
)

readNoOptions('npm run openapi    writes public/openapi.json from the schemas')

const file = resolve(root, 'public/openapi.json')
writeFileSync(file, `${JSON.stringify(await createDocument(version), null, 2)}\n`)
execFileSync(
  process.execPath,
  [programOf('oxfmt', 'oxfmt'), '-c', 'dev/oxfmt.json', 'public/openapi.json'],
  {
    cwd: root,
    stdio: 'inherit',
  },
)
console.log('public/openapi.json is written')
