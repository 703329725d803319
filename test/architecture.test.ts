/**
 * The rules of the layers: which folder may import which, which file may import each package ("its
 * door"), and which files may read the clock and the environment.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { posix, resolve } from 'node:path'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/**
 * The rooms (folders or files) that each room may import. A file belongs to the first room that its
 * path starts with.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'api/': ['lib/http/', 'lib/steps/', 'lib/core/'],
  'lib/core/': ['lib/core/'],
  'lib/ports.ts': ['lib/ports/', 'lib/core/'],
  'lib/ports/': ['lib/ports/', 'lib/core/'],
  'lib/steps/': ['lib/steps/', 'lib/ports.ts', 'lib/core/'],
  'lib/http/serve.ts': [
    'lib/http/',
    'lib/request-context.ts',
    'lib/trace.ts',
    'lib/composition.ts',
    'lib/log.ts',
    'lib/ports.ts',
    'lib/core/',
  ],
  'lib/http/bug.ts': ['lib/http/source-location.ts', 'lib/log.ts'],
  'lib/http/': ['lib/http/', 'lib/validation/', 'lib/wechat/text.ts', 'lib/ports.ts', 'lib/core/'],
  'lib/validation/': ['lib/validation/', 'lib/core/'],
  'lib/wechat/': [
    'lib/wechat/',
    'lib/validation/',
    'lib/http-client/',
    'lib/ports.ts',
    'lib/core/',
  ],
  'lib/stores/': [
    'lib/stores/',
    'lib/http-client/',
    'lib/validation/',
    'lib/trace.ts',
    'lib/ports.ts',
    'lib/core/',
  ],
  'lib/webhook/': ['lib/webhook/', 'lib/http-client/', 'lib/trace.ts', 'lib/ports.ts', 'lib/core/'],
  'lib/tokens.ts': ['lib/ports.ts', 'lib/core/'],
  'lib/http-client/': ['lib/http-client/', 'lib/request-context.ts', 'lib/trace.ts', 'lib/core/'],
  'lib/trace.ts': [],
  'lib/request-context.ts': [],
  'lib/lazy.ts': [],
  'lib/log.ts': ['lib/request-context.ts', 'lib/core/'],
  'lib/config/': ['lib/config/', 'lib/core/'],
  'lib/composition.ts': [
    'lib/request-context.ts',
    'lib/config/',
    'lib/http/bug.ts',
    'lib/http/edge.ts',
    'lib/http/remembered.ts',
    'lib/lazy.ts',
    'lib/log.ts',
    'lib/steps/deliver.ts',
    'lib/http-client/',
    'lib/tokens.ts',
    'lib/trace.ts',
    'lib/wechat/',
    'lib/stores/',
    'lib/webhook/',
    'lib/ports.ts',
    'lib/core/',
  ],
}

/** The files or folders that may import each package. */
const doors: Readonly<Record<string, readonly string[]>> = {
  '@neondatabase/serverless': ['lib/stores/neon.ts'],
  '@opentelemetry/api': ['lib/trace.ts'],
  '@upstash/redis': ['lib/stores/redis.ts'],
  '@vercel/functions': ['lib/composition.ts'],
  '@vercel/otel': ['lib/trace.ts'],
  'fast-xml-parser': ['lib/wechat/xml-parser.ts'],
  jose: ['lib/tokens.ts'],
  ofetch: ['lib/http-client/ofetch.ts'],
  standardwebhooks: ['lib/webhook/signed-event.ts'],
  '@upstash/qstash': ['lib/webhook/qstash.ts'],
  valibot: ['lib/validation/parsed.ts', 'lib/stores/', 'lib/http/', 'lib/wechat/'],
}

/** The files that may import Node's own HTTP clients. */
const clientDoors: Readonly<Record<string, readonly string[]>> = {
  'node:http': ['lib/http-client/'],
  'node:https': ['lib/http-client/'],
  'node:http2': [],
}

/** Rooms that decide or compute. They may not import modules of Node, except digests in core. */
const pureRooms = ['api/', 'lib/core/', 'lib/steps/', 'lib/ports.ts', 'lib/ports/']
const pureModules = ['lib/core/ node:crypto']

/** The files that may read the clock: for decisions, for log lines, and for idle connections. */
const clockReaders = ['lib/composition.ts', 'lib/log.ts', 'lib/http-client/idle-sockets.ts']

/** Names that say nothing about the content of a file. */
const vagueName = /^(?:utils?|helpers?|commons?|types?|index|managers?|services?)$/

const MAX_LINES = 250

const startsWithOneOf = (path: string, starts: readonly string[]): boolean =>
  starts.some((start) => path.startsWith(start))
const roomOf = (path: string): string | undefined =>
  Object.keys(rooms).find((room) => path.startsWith(room))

/**
 * Finds every `import … from '…'`, `export … from '…'`, `import '…'` and `import('…')`, with the
 * text before the name.
 */
const importsOf = (
  source: string,
): readonly { readonly statement: string; readonly target: string }[] =>
  [
    ...source.matchAll(
      /(?:\b(?:import|export)\b[^'"`;]*?\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"`])([^'"`\n]+)\1/g,
    ),
  ].map(([statement, , target = '']) => ({ statement, target }))

/** Returns a description of each rule that a file breaks. */
function complaintsAbout(path: string, source: string): readonly string[] {
  const complaints: string[] = []
  const room = roomOf(path)
  if (room === undefined) return [`${path} is in no room`]

  for (const { statement, target } of importsOf(source)) {
    if (target.startsWith('.')) {
      const goal = posix.join(posix.dirname(path), target)
      if (!startsWithOneOf(goal, rooms[room] ?? []))
        complaints.push(`${room} may not import ${goal}`)
      if (
        goal === 'lib/core/confirmation.ts' &&
        !path.startsWith('lib/wechat/') &&
        !statement.startsWith('import type')
      )
        complaints.push('only lib/wechat/ may make a Confirmation')
    } else if (target.startsWith('node:')) {
      if (pureRooms.includes(room) && !pureModules.includes(`${room} ${target}`))
        complaints.push(`${room} may not import ${target}`)
      else if (clientDoors[target] !== undefined && !startsWithOneOf(path, clientDoors[target]))
        complaints.push(`this file may not import ${target}`)
    } else if (!startsWithOneOf(path, doors[target] ?? []))
      complaints.push(`this file may not import ${target}`)
  }

  const readings =
    source.match(
      /\bprocess\b\s*(?:\.|\?\.|\[)\s*['"]?env\b|\benv\b[^\n]*=\s*process\b|node:process|import\.meta\.env/g,
    ) ?? []
  if (readings.length > (path === 'lib/composition.ts' ? 1 : 0))
    complaints.push('reads the environment')
  if (
    !clockReaders.includes(path) &&
    /\bDate\.now\b|\bnew Date\b(?!\(\s*[^\s)])|(?<!new )\bDate\(/.test(source)
  )
    complaints.push('reads the clock')
  if (/\bfetch\(/.test(source)) complaints.push('calls fetch: use lib/http-client/')
  if (source.split('\n').length - 1 > MAX_LINES)
    complaints.push(`is longer than ${MAX_LINES} lines`)
  if (
    posix
      .basename(path, '.ts')
      .split(/[-.]/)
      .some((word) => vagueName.test(word))
  )
    complaints.push('has a vague name')
  return complaints
}

const sourcesOf = (tops: readonly string[]): readonly string[] =>
  tops.flatMap((top) =>
    readdirSync(resolve(root, top), { recursive: true, encoding: 'utf8' })
      .map((name) => `${top}/${name.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts')),
  )

const files = sourcesOf(['api', 'lib'])

test.each(files)('%s keeps the rules', (path) => {
  expect(complaintsAbout(path, readFileSync(resolve(root, path), 'utf8'))).toEqual([])
})

/**
 * Removes files without imports or importers until only the files of circles, and those between two
 * circles, are left.
 */
function findCircles(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const left = new Map(imports)
  let before: number
  do {
    before = left.size
    const imported = new Set([...left.values()].flat())
    for (const [path, goals] of left)
      if (!imported.has(path) || !goals.some((goal) => left.has(goal))) left.delete(path)
  } while (left.size < before)
  return [...left.keys()]
}

test('no files import each other in a circle, not even a type', () => {
  const paths = sourcesOf(['api', 'lib', 'dev', 'test', 'miniprogram'])
  const imports = new Map(
    paths.map((path) => [
      path,
      importsOf(readFileSync(resolve(root, path), 'utf8')).map(({ target }) =>
        posix.join(posix.dirname(path), target),
      ),
    ]),
  )
  expect(findCircles(imports)).toEqual([])
})

test('a circle is found, without the files before and after it', () => {
  const imports = { start: ['a'], a: ['b'], b: ['c', 'end'], c: ['a'], end: [] }
  expect(findCircles(new Map(Object.entries(imports)))).toEqual(['a', 'b', 'c'])
})

/** The imports of a file of the simulator that lead out of it. */
const leavingTheSimulator = (path: string, source: string): readonly string[] =>
  importsOf(source).flatMap(({ target }) => {
    const goal = target.startsWith('.') ? posix.join(posix.dirname(path), target) : target
    const isAllowed =
      goal.startsWith('dev/wechat/') || (!target.startsWith('.') && target !== 'fast-xml-parser')
    return isAllowed ? [] : [goal]
  })

/** If both sides used the same code, a mistake in it would not be found. */
test.each(sourcesOf(['dev/wechat']))('%s shares no code with the product', (path) => {
  expect(leavingTheSimulator(path, readFileSync(resolve(root, path), 'utf8'))).toEqual([])
})

test('code shared between the simulator and the product is found', () => {
  const source = [
    `import { sign } from '../../../lib/wechat/v2/sign.ts'`,
    `import type { Fen } from '../../../lib/core/money.ts'`,
    `import { XMLParser } from 'fast-xml-parser'`,
    `import { parseXml } from '@rgrove/parse-xml'`,
    `import { readXml } from '../xml.ts'`,
  ].join('\n')
  expect(leavingTheSimulator('dev/wechat/v3/call.ts', source)).toEqual([
    'lib/wechat/v2/sign.ts',
    'lib/core/money.ts',
    'fast-xml-parser',
  ])
})

test('every deployed package has a door, and every door has a package', () => {
  const manifest = v.parse(
    v.object({ dependencies: v.record(v.string(), v.string()) }),
    JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')),
  )
  expect(Object.keys(doors).toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted())
})

describe('the rules find', () => {
  test.each([
    [
      'a step that imports a store',
      'lib/steps/prepay.ts',
      `import { createLedger } from '../stores/ledger.ts'`,
    ],
    [
      'a step that imports an adapter dynamically',
      'lib/steps/prepay.ts',
      `const { sign } = await import('../wechat/sign.ts')`,
    ],
    [
      'a step that imports a type of an adapter',
      'lib/steps/prepay.ts',
      `import type { Fields } from '../wechat/sign.ts'`,
    ],
    [
      'a function that imports a store',
      'api/query.ts',
      `import { connect } from '../lib/stores/neon.ts'`,
    ],
    [
      'a function that reads the configuration',
      'api/query.ts',
      `import { notifyUrl } from '../lib/config/orders.ts'`,
    ],
    [
      'a store that imports WeChat',
      'lib/stores/ledger.ts',
      `export { sign } from '../wechat/sign.ts'`,
    ],
    ['core that imports a port', 'lib/core/order.ts', `import type { Deps } from '../ports.ts'`],
    [
      'a file of the edge, other than serve, that imports the composition root',
      'lib/http/authenticate.ts',
      `import { thisInstance } from '../composition.ts'`,
    ],
    [
      'a deployed file that imports a development file',
      'lib/composition.ts',
      `import { startWorld } from '../dev/world/world.ts'`,
    ],
    [
      'a deployed file that imports a test',
      'api/query.ts',
      `import { must } from '../test/support/must.ts'`,
    ],
    [
      'a package imported outside its door',
      'lib/wechat/v2/pay.ts',
      `import { ofetch } from 'ofetch'`,
    ],
    [
      'a store with its own HTTP client',
      'lib/stores/post.ts',
      `import { request } from 'node:https'`,
    ],
    [
      'an adapter that calls the global fetch',
      'lib/webhook/webhook.ts',
      `const answer = await fetch(url)`,
    ],
    ['a package imported for its side effects', 'lib/steps/prepay.ts', `import 'ofetch'`],
    ['an unknown package', 'lib/http-client/request.ts', `import got from 'got'`],
    ['a schema in a step', 'lib/steps/prepay.ts', `import * as v from 'valibot'`],
    [
      'an import over several lines',
      'lib/steps/prepay.ts',
      `import {\n  neon,\n  neonConfig,\n} from '@neondatabase/serverless'`,
    ],
    ['randomness in a step', 'lib/steps/prepay.ts', `import { randomBytes } from 'node:crypto'`],
    ['files read in core', 'lib/core/order.ts', `import { readFileSync } from 'node:fs'`],
    [
      'the environment read in an adapter',
      'lib/wechat/v2/pay.ts',
      `const key = process.env['WECHAT_PAY_KEY']`,
    ],
    [
      'the environment read by destructuring',
      'lib/http-client/request.ts',
      `const { env } = process`,
    ],
    [
      'the environment read twice',
      'lib/composition.ts',
      `createInstance(process.env)\nconst region = process.env.VERCEL_REGION`,
    ],
    [
      'a step that creates a confirmation',
      'lib/steps/settle.ts',
      `import { confirm } from '../core/confirmation.ts'`,
    ],
    ['the clock read in a step', 'lib/steps/prepay.ts', `const startedAt = Date.now()`],
    ['the clock read in core', 'lib/core/time.ts', `const now = () => new Date()`],
    ['the clock read as text', 'lib/core/time.ts', `const now = Date()`],
    ['a vague name', 'lib/wechat/utils.ts', ''],
    ['a longer vague name', 'lib/wechat/xml-helpers.ts', ''],
    ['a file in no room', 'lib/payments.ts', ''],
    ['a file that is too long', 'lib/stores/ledger.ts', '\n'.repeat(MAX_LINES + 1)],
  ])('%s', (_what, path, source) => {
    expect(complaintsAbout(path, source)).toHaveLength(1)
  })

  test.each([
    [
      'a moment computed from another',
      'lib/steps/prepay.ts',
      `const end = new Date(at.getTime() + LIFE_MS)`,
    ],
    [
      'a moment read from a text over two lines',
      'lib/core/time.ts',
      `const at = new Date(\n  text,\n)`,
    ],
    [
      'the type of a confirmation in a step',
      'lib/steps/settle.ts',
      `import type { Confirmation } from '../core/confirmation.ts'`,
    ],
    [
      'a confirmation created in an adapter of WeChat',
      'lib/wechat/v2/notification.ts',
      `import { confirm } from '../core/confirmation.ts'`,
    ],
    [
      'the HTTP client over Node’s own',
      'lib/http-client/request.ts',
      `import { request as requestOverTls } from 'node:https'`,
    ],
    ['a digest in core', 'lib/core/fingerprint.ts', `import { createHash } from 'node:crypto'`],
    ['the time of a log line', 'lib/log.ts', `const time = new Date().toISOString()`],
    [
      'the environment read once, in the composition',
      'lib/composition.ts',
      `export const thisInstance = () => (instance ??= createInstance(process.env))`,
    ],
  ])('no problem with %s', (_what, path, source) => {
    expect(complaintsAbout(path, source)).toEqual([])
  })
})
