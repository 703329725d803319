/** The tests, commands and defects that docs/reliability.md names exist in the code. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import mutation from './mutation.config.ts'
import { semanticDefects } from './simulation/power/semantic-defects.ts'

const root = resolve(import.meta.dirname, '..')
const page = readFileSync(resolve(root, 'docs/reliability.md'), 'utf8')
const promises = [...page.matchAll(/^- Promise ([1-7])$((?:\n {2}.*)*)/gm)].map(
  ([, number = '', files = '']) => ({
    number,
    files: [...files.matchAll(/`(test\/[\w/.-]+)`/g)].map(([, file = '']) => file),
  }),
)

test('every promise names its tests', () => {
  expect(promises.map(({ number }) => number)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
})

test.each(promises)('the tests of promise $number exist', ({ files }) => {
  expect(files.length).toBeGreaterThan(2)
  expect(files.filter((file) => !existsSync(resolve(root, file)))).toEqual([])
})

test('every search that the page names is a command', () => {
  const manifest: unknown = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'))
  const commands = [...page.matchAll(/`npm run ([\w:]+)/g)].map(([, name = '']) => name)
  expect(manifest).toMatchObject({
    scripts: Object.fromEntries(commands.map((name) => [name, expect.any(String)])),
  })
  expect(new Set(commands)).toEqual(
    new Set(['simulate', 'mutate', 'test:real', 'test:deploy', 'test:rollback', 'fuzz']),
  )
})

test.each(semanticDefects)('$file still contains what breaks: $what', ({ file, plant }) => {
  const code = readFileSync(resolve(root, file), 'utf8')
  expect(plant(code)).not.toBe(code)
})

test.each(mutation.test?.include ?? [])('npm run mutate finds the tests %s', (pattern) => {
  expect(globSync(pattern, { cwd: root })).not.toEqual([])
})
