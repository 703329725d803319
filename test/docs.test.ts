/** The documents match the code: links, commands, log events, variables, decisions and SQL. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Database } from '../dev/stand-ins/postgres.ts'
import { schemaStatements } from '../dev/migrate/migrate.ts'
import { borrowDatabase } from './support/embedded.ts'
import { theAccount } from './support/latte.ts'

const root = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')
const find = (pattern: string): string[] =>
  globSync(pattern, { cwd: root, exclude: ['**/node_modules', '.data'] })
    .map((path) => path.replaceAll('\\', '/'))
    .toSorted()
const capture = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, found = '']) => found)

const pages = find('**/*.md')
const sources = [...find('lib/**/*.ts'), ...find('api/**/*.ts')]

/** A page without its fenced code, in which `[a](b)` and `#` have another meaning. */
const proseOf = (path: string): string => read(path).replaceAll(/^ *```[^]*?^ *```/gm, '')

/** The anchors that GitHub gives to the headings of a page. A second equal heading gets `-1`. */
function anchorsOf(path: string): string[] {
  const seen = new Map<string, number>()
  return capture(proseOf(path), /^#{1,6} +(.+?) *$/gm).map((heading) => {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const name = words.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '').replaceAll(' ', '-')
    const before = seen.get(name) ?? 0
    seen.set(name, before + 1)
    return before === 0 ? name : `${name}-${before}`
  })
}

function isDeadLink(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target =
    path === '' ? page : relative(root, resolve(root, dirname(page), decodeURIComponent(path)))
  if (!existsSync(resolve(root, target))) return true
  return (
    anchor !== undefined &&
    target.endsWith('.md') &&
    !anchorsOf(target).includes(decodeURIComponent(anchor))
  )
}

test('every link into this repository has a target', () => {
  const links = pages.flatMap((page) =>
    capture(proseOf(page), /\]\(<?([^)\s>]+)>?[^)]*\)/g).map((link) => [page, link] as const),
  )
  const own = links.filter(([, link]) => !/^[a-z]+:/.test(link))
  expect(own.length).toBeGreaterThan(50)
  expect(own.filter(([page, link]) => isDeadLink(page, link))).toEqual([])
})

test('every picture is small', () => {
  const pictures = find('docs/pictures/*')
  expect(pictures.length).toBeGreaterThan(0)
  expect(pictures.filter((path) => statSync(resolve(root, path)).size > 100_000)).toEqual([])
})

test.each([
  ['README.md#the-functions', false],
  ['docs/security.md#changing-them', false],
  ['README.md#no-such-heading', true],
  ['docs/no-such-page.md', true],
])('a link to %s is dead: %s', (link, isDead) => {
  expect(isDeadLink('README.md', link)).toBe(isDead)
})

test('every file that a page names exists', () => {
  // One page walks through an addition, and names the files to create.
  const named = pages
    .filter((page) => page !== 'docs/create-an-endpoint.md')
    .flatMap((page) =>
      capture(
        proseOf(page),
        /`((?:api|dev|docs|lib|miniprogram|public|test)\/[\w./-]+\.\w+)`/g,
      ).map((file) => [page, file] as const),
    )
  expect(named.length).toBeGreaterThan(50)
  expect(named.filter(([, file]) => !existsSync(resolve(root, file)))).toEqual([])
})

test('docs/create-an-endpoint.md imports names that exist', () => {
  const imports = [
    ...read('docs/create-an-endpoint.md').matchAll(
      /^import (?:type )?\{ (.+) \} from '(?:\.\.\/)+(.+)'$/gm,
    ),
  ].flatMap(([, names = '', file = '']) =>
    names.split(', ').map((name) => [name.replace('type ', ''), file] as const),
  )
  const exports = (file: string): string =>
    find(`{${file},lib/${file},test/${file}}`).map(read).join('\n')
  expect(imports.length).toBeGreaterThan(10)
  expect(
    imports.filter(
      ([name, file]) =>
        // The page itself creates this function.
        name !== 'listRefunds' && !new RegExp(`^export .*\\b${name}\\b`, 'm').test(exports(file)),
    ),
  ).toEqual([])
})

test.each(['README.md', 'README.zh-CN.md'])('%s lists every method of every function', (page) => {
  const { paths }: { paths: Record<string, object> } = JSON.parse(read('public/openapi.json'))
  const methods = Object.entries(paths).flatMap(([path, calls]) =>
    Object.keys(calls)
      .filter((method) => !method.startsWith('x-'))
      .map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(new Set(capture(read(page), /^- \*\*`([A-Z]+ \/api\/[\w/]+)`\*\*/gm))).toEqual(
    new Set(methods),
  )
})

test('every named npm script exists', () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'))
  const named = pages.flatMap((page) =>
    capture(read(page), /\bnpm run ([a-z][\w:-]*)/g).map((name) => [page, name] as const),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(([, name]) => !Object.hasOwn(scripts, name))).toEqual([])
})

test('docs/operations.md explains exactly the logged events', () => {
  const logged = sources.flatMap((path) =>
    capture(read(path), /\b(?:event: |log\w*Refusal\(deps, )(?![A-Z])([^,}\n]*)/g).flatMap(
      (value) => capture(value, /'(\w+)'/g),
    ),
  )
  const list = /^### The lines$([^]*?)^### /m.exec(read('docs/operations.md'))?.[1] ?? ''
  expect(logged).toContain('event_parked')
  expect([...new Set(capture(list, /^- `(\w+)`/gm))].toSorted()).toEqual(
    [...new Set(logged)].toSorted(),
  )
})

/** The variables that `lib/config/` reads, except those that Vercel sets. */
const variables = [
  ...new Set(
    find('lib/config/*.ts').flatMap((path) =>
      capture(read(path), /'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g),
    ),
  ),
].filter((name) => !name.startsWith('VERCEL_'))

test.each(['README.md', 'README.zh-CN.md', '.env.example'])(
  '%s names every variable that is read',
  (page) => {
    expect(variables).toContain('WECHAT_PAY_KEY')
    const text = existsSync(resolve(root, page)) ? read(page) : ''
    expect(variables.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
  },
)

describe('docs/decisions', () => {
  const decisions = find('docs/decisions/*.md').filter((path) => !path.endsWith('README.md'))

  test('the index lists every decision in order, by its own title', () => {
    const index = [
      ...read('docs/decisions/README.md').matchAll(/^(\d+)\. \[(.+)\]\((.+)\)$/gm),
    ].map(([, number, title, file]) => [file, `# ${number}. ${title}`])
    expect(index).toEqual(
      decisions.map((path) => [path.split('/').at(-1), read(path).split('\n')[0]]),
    )
    expect(decisions.map((path) => Number(/(\d{4})-/.exec(path)?.[1]))).toEqual(
      decisions.map((_, at) => at + 1),
    )
  })

  test.each(decisions)('%s gives context, decision and consequences in fifteen lines', (path) => {
    expect(capture(read(path), /^\*\*(\w+)\.\*\*/gm)).toEqual([
      'Context',
      'Decision',
      'Consequences',
    ])
    expect(read(path).trimEnd().split('\n').length).toBeLessThanOrEqual(15)
  })
})

describe('the SQL', () => {
  let database: Database
  beforeAll(async () => {
    database = await borrowDatabase()
    for (const statement of schemaStatements(theAccount)) await database.pool.query(statement)
  })
  afterAll(() => database.stop())

  const statements = pages.flatMap((page) =>
    [
      ...capture(read(page), /^ *```sql\n([^]*?)^ *```/gm),
      ...capture(proseOf(page), /`((?:select|update|insert|delete) [^`]+)`/g),
    ].map((text) => ({ page, begin: text.trim().slice(0, 60), text }) as const),
  )

  test('of docs/operations.md is found', () => {
    expect(statements.filter(({ page }) => page === 'docs/operations.md').length).toBeGreaterThan(8)
  })

  test.each(statements)('of $page can be run: $begin', async ({ text }) => {
    await expect(database.pool.query(text)).resolves.toBeDefined()
  })
})
