/** `npm run openapi`: writes the API reference, from the schemas the functions check requests with. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { createDocument } from './openapi/document.ts'

const root = resolve(import.meta.dirname, '..')
const { version } = v.parse(v.object({ version: v.string() }), JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')))

writeFileSync(resolve(root, 'public/openapi.json'), `${JSON.stringify(await createDocument(version), null, 2)}\n`)
console.log('public/openapi.json is written')
