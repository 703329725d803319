/**
 * The functions as Vercel builds and loads them: outside the repository, with plain Node and only
 * the packed files.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import * as v from 'valibot'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  buildFunctions,
  writeFunction,
  type BuiltFunction,
} from '../../dev/build/build-functions.ts'
import { bundleFunctions, findFunctions } from '../../dev/build/bundle-functions.ts'
import { reasonToKeepSources } from '../../dev/build/vercel-environment.ts'

const root = resolve(import.meta.dirname, '../..')

/** One function for the merchant and one for the payer. `npm run check` builds all of them. */
const BUILT = ['api/products.ts', 'api/query.ts']

/** A build takes seconds, and longer on a slow machine. */
const BUILD_MS = 120_000

const readJson = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(join(root, name), 'utf8'))

let functions: readonly BuiltFunction[]
let directory: string
/** The built file of each source. */
let handlers: ReadonlyMap<string, string>

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'built-functions-'))
  functions = await buildFunctions(BUILT)
  handlers = new Map(
    await Promise.all(
      functions.map(
        async (built, at) =>
          [built.source, await writeFunction(built, join(directory, String(at)))] as const,
      ),
    ),
  )
}, BUILD_MS)
afterAll(() => rm(directory, { recursive: true, force: true }))

const answers = v.array(
  v.object({ status: v.number(), headers: v.record(v.string(), v.string()), body: v.string() }),
)

interface CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Calls a built function in a separate process, detached from its object as Vercel does, with only
 * the given environment. The process runs `before` first.
 */
async function run(
  source: string,
  path: string,
  calls: readonly CallOptions[],
  {
    env = {},
    before = '',
  }: { readonly env?: Readonly<Record<string, string>>; readonly before?: string } = {},
): Promise<{
  readonly answered: v.InferOutput<typeof answers>
  readonly lines: readonly string[]
}> {
  const program = `
    ${before}
    const [handler, url, calls] = JSON.parse(process.argv[1])
    const { fetch } = (await import(handler)).default
    const answers = []
    for (const call of calls) {
      const answer = await fetch(new Request(url, call))
      answers.push({ status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() })
    }
    process.stdout.write('\\n' + JSON.stringify(answers))`
  const handler = pathToFileURL(handlers.get(source) ?? '').href
  const given = JSON.stringify([handler, `https://shop.example${path}`, calls])
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, given], {
    cwd: directory,
    // Node does not start on Windows without it.
    env: { SystemRoot: process.env['SystemRoot'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  // The answers are on the last line, after the log lines.
  const lines = out.split('\n')
  const last = lines.pop()
  if (last === undefined || last === '') throw new Error(errors)
  return { answered: v.parse(answers, JSON.parse(last)), lines: [...lines, ...errors.split('\n')] }
}

const call = async (source: string, path: string, calls: readonly CallOptions[]) =>
  (await run(source, path, calls)).answered

test('every file in api/ is a function, and the smallest plan allows their number', async () => {
  const names = await readdir(join(root, 'api'), { recursive: true })
  expect(findFunctions()).toEqual(
    names.map((name) => `api/${name.replaceAll('\\', '/')}`).toSorted(),
  )
  expect(findFunctions().length).toBeLessThanOrEqual(12)
})

test('vercel.json gives cron 300 seconds, functions that deliver events 60, and the others 15', async () => {
  const seconds = (source: string): number =>
    ({ 'api/cron.ts': 300, 'api/health.ts': 15, 'api/products.ts': 15 })[source] ?? 60
  expect(await readJson('vercel.json')).toHaveProperty(
    'functions',
    Object.fromEntries(findFunctions().map((source) => [source, { maxDuration: seconds(source) }])),
  )
})

test('Vercel builds and publishes only the functions and public/', async () => {
  expect(await readJson('vercel.json')).toMatchObject({
    framework: null,
    outputDirectory: 'public',
  })
  for (const script of ['build', 'vercel-build', 'now-build'])
    expect(await readJson('package.json')).not.toHaveProperty(['scripts', script])
})

test('a function runs on Node 24 and loads with only its packed files', async () => {
  for (const { source, runtime } of functions) {
    expect(runtime).toBe('nodejs24.x')
    const [answer] = await call(source, `/${source.replace('.ts', '')}`, [{ method: 'PATCH' }])
    expect(answer, source).toMatchObject({ status: 405 })
  }
})

test('only on a machine of Vercel the bundle replaces the sources before a function is packed', async () => {
  expect(await readJson('vercel.json')).toMatchObject({
    buildCommand: expect.stringMatching(/^npm run bundle && /),
  })
  expect(reasonToKeepSources({ VERCEL: '1', CI: '1' })).toBeNull()
  for (const environment of [{}, { CI: '1' }, { VERCEL: '1' }, { VERCEL: '1', CI: '' }])
    expect(reasonToKeepSources(environment)).toMatch(/packed from their sources/)
})

test('a function is packed from a few files, with less than 350 kB compressed', () => {
  for (const { source, files, compressedBytes } of functions) {
    expect(files.length, source).toBeLessThan(52)
    expect(compressedBytes, source).toBeLessThan(350_000)
  }
})

test('a CommonJS handler that Vercel adds at the top of a function is not loaded as a module', () => {
  for (const { source, files } of functions) {
    expect(
      files.map(({ path }) => path).filter((path) => !path.includes('/')),
      source,
    ).toEqual([])
    expect(files.find(({ path }) => path === 'api/package.json')?.data.toString(), source).toBe(
      '{"type":"commonjs"}',
    )
  }
})

test('a function loads the packages of every answer at its start, and the others on first use', () => {
  for (const { source, packages, packagesForLater } of functions) {
    expect(packages, source).toContain('valibot')
    for (const name of [
      '@neondatabase/serverless',
      '@upstash/redis',
      '@upstash/qstash',
      'jose',
      'standardwebhooks',
      '@vercel/otel',
    ]) {
      expect(packages, source).not.toContain(name)
      expect(packagesForLater, source).toContain(name)
    }
  }
})

test('a function opens three files at its start: none of the console, of bills or of a protocol', () => {
  for (const { source, files } of functions) {
    const entry = files.find(({ path }) => path.endsWith('/function.cjs'))?.data.toString() ?? ''
    // A file that is loaded later is required inside a function: `=>require(`.
    const required = [...entry.matchAll(/=require\("\.\/([\w-]+)\.cjs"\)/g)].map(([, name]) => name)
    expect(required.toSorted(), source).toEqual(['rolldown-runtime', 'shared'])
  }
})

test('a function loads the code of a protocol of WeChat Pay on first use', () => {
  const ofProtocols = (map: string) =>
    [...map.matchAll(/\/lib\/wechat\/(v\d)\//g)].map(([, protocol]) => protocol)
  for (const { source, files } of functions) {
    const chunks = files
      .filter(({ path }) => path.endsWith('.cjs.map'))
      .map(({ path, data }) => ({
        path,
        protocols: [...new Set(ofProtocols(data.toString()))],
      }))
    for (const name of ['function', 'shared'])
      expect(
        chunks.find(({ path }) => path.endsWith(`/${name}.cjs.map`))?.protocols,
        source,
      ).toEqual([])
    for (const { path, protocols } of chunks)
      expect(protocols.length, `${source}: ${path}`).toBeLessThan(2)
    expect(chunks.flatMap(({ protocols }) => protocols)).toEqual(
      expect.arrayContaining(['v2', 'v3']),
    )
  }
})

// The three files of the start, and that of APIv2. While the start also opened the files of the
// console and of bills, notify loaded 395 kB and query 403 kB.
test('a request of APIv2 loads less than 394 kB, APIv3 left out', () => {
  for (const { source, files } of functions) {
    const loaded = ['function', 'shared', 'v2'].map(
      (chunk) => files.find(({ path }) => path.endsWith(`/${chunk}.cjs`))?.data.byteLength ?? NaN,
    )
    expect(
      loaded.reduce((sum, bytes) => sum + bytes),
      source,
    ).toBeLessThan(394_000)
  }
})

test('the code for message push is loaded when a message is pushed', () => {
  for (const { source, files } of functions) {
    const withPush = files
      .filter(({ path }) => path.endsWith('.cjs.map'))
      .filter(({ data }) => /\/lib\/(?:wechat\/push\/|steps\/handle-push)/.test(data.toString()))
    expect(withPush.length, source).toBeGreaterThan(0)
    for (const { path } of withPush) expect(path, source).toMatch(/\/(?:handle-)?push\.cjs\.map$/)
  }
})

test('the statements of the console are one file, which is loaded when one of them is needed', () => {
  for (const { source, files } of functions) {
    const withConsole = files
      .filter(({ path }) => path.endsWith('.cjs.map'))
      .filter(({ data }) =>
        /\/lib\/stores\/(?:bill-reports|incidents|overviews)/.test(data.toString()),
      )
    expect(
      withConsole.map(({ path }) => path.split('/').at(-1)),
      source,
    ).toEqual(['console.cjs.map'])
  }
})

test('the code for bills is loaded when a bill is compared', () => {
  for (const { source, files } of functions) {
    const maps = files.filter(({ path }) => path.endsWith('.cjs.map'))
    const withBills = maps.filter(({ data }) =>
      /\/lib\/(?:stores|wechat)[^"]*\/bill(?!-reports)/.test(data.toString()),
    )
    expect(withBills.length, source).toBeGreaterThan(0)
    for (const { path } of withBills) expect(path, source).toMatch(/\/bills?\d?\.cjs\.map$/)
  }
})

test('a function contains no tests, tools or development packages', async () => {
  const lock = v.parse(
    v.object({
      packages: v.record(
        v.string(),
        v.looseObject({ dev: v.optional(v.boolean()), devOptional: v.optional(v.boolean()) }),
      ),
    }),
    await readJson('package-lock.json'),
  )
  for (const { source, files, packages, packagesForLater } of functions) {
    for (const { path } of files) expect(path, source).toMatch(/^(?:api|dist)\//)
    for (const name of [...packages, ...packagesForLater]) {
      const locked = lock.packages[`node_modules/${name}`]
      expect(locked, `${name} in ${source}`).toBeDefined()
      expect(locked?.dev ?? locked?.devOptional ?? false, `${name} in ${source}`).toBe(false)
    }
  }
})

test('without a token the built function answers 401 in problem+json, which may not be cached', async () => {
  const [answer] = await call('api/query.ts', '/api/query?outTradeNo=20260101000000000001', [{}])
  expect(answer).toMatchObject({
    status: 401,
    headers: {
      'content-type': 'application/problem+json',
      'www-authenticate': 'Bearer',
      'cache-control': 'no-store',
    },
  })
  expect(JSON.parse(answer?.body ?? '')).toMatchObject({
    status: 401,
    code: 'not_signed_in',
    requestId: expect.any(String),
  })
})

test('a wrong method answers 405 and names the allowed methods', async () => {
  const [query, products] = [
    await call('api/query.ts', '/api/query', [{ method: 'DELETE' }]),
    await call('api/products.ts', '/api/products', [{ method: 'POST' }]),
  ]
  expect(query).toMatchObject([{ status: 405, headers: { allow: 'GET' } }])
  expect(products).toMatchObject([{ status: 405, headers: { allow: 'GET, PUT' } }])
})

test('a function without its variables answers 503 and names the missing one', async () => {
  const [products] = await call('api/products.ts', '/api/products', [{}])
  expect(products).toMatchObject({
    status: 503,
    headers: { 'content-type': 'application/problem+json' },
  })
  expect(JSON.parse(products?.body ?? '')).toMatchObject({
    code: 'not_configured',
    detail: expect.stringContaining('DATABASE_URL'),
  })
  const [query] = await call('api/query.ts', '/api/query', [
    { headers: { authorization: 'Bearer e30.e30.e30' } },
  ])
  expect(JSON.parse(query?.body ?? '')).toMatchObject({
    code: 'not_configured',
    detail: expect.stringContaining('SESSION_SECRET'),
  })
})

test('a missing variable stops only the calls that need it', async () => {
  const statuses = await call('api/products.ts', '/api/products', [{}, { method: 'POST' }, {}])
  expect(statuses.map(({ status }) => status)).toEqual([503, 405, 503])
})

test('the log line of a bug names the location in the sources, not in the bundle', async () => {
  const env = { DATABASE_URL: 'postgresql://demo:demo@shop.example/demo' }
  // The database answers with a product whose price is not a number.
  const answer = {
    command: 'SELECT',
    rowCount: 1,
    fields: [{ name: 'price', dataTypeID: 25 }],
    rows: [['much']],
  }
  const before = `
    const { default: https } = await import('node:https')
    const { Readable } = await import('node:stream')
    const { Socket } = await import('node:net')
    https.request = (url, options, answered) => {
      const request = { on: () => request, end: () => answered(Object.assign(Readable.from([Buffer.from(${JSON.stringify(JSON.stringify(answer))})]), { statusCode: 200, headers: {}, socket: new Socket() })) }
      return request
    }
    const { syncBuiltinESMExports } = await import('node:module')
    syncBuiltinESMExports()`
  const { answered, lines } = await run('api/products.ts', '/api/products', [{}], { env, before })
  expect(answered).toMatchObject([{ status: 500 }])
  const bug = lines.find((line) => line.includes('"event":"bug"')) ?? '{}'
  expect(JSON.parse(bug)).toMatchObject({
    detail: expect.stringMatching(/^ValiError in catalogue\.ts:\d+$/),
  })
  const { detail } = v.parse(v.object({ detail: v.string() }), JSON.parse(bug))
  const [, line] = detail.split(':')
  const source = await readFile(join(root, 'lib/stores/catalogue.ts'), 'utf8')
  expect(source.split('\n')[Number(line) - 1]).toContain('return v.parse(')
})

test(
  'a payment runs through the bundles with everything they load later: QStash, traces, limits, a refund, the bill',
  async () => {
    const bundled = join(directory, 'bundled')
    await bundleFunctions(bundled)
    await writeFile(join(bundled, 'package.json'), '{"type":"module"}')
    const requests: string[] = []
    const server = createServer((request, response) => {
      requests.push(request.url ?? '')
      request
        .resume()
        .once('end', () => response.setHeader('content-type', 'application/json').end('{}'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const child = spawn(
      process.execPath,
      [join(root, 'test/support/bundled-payment.ts'), bundled],
      {
        env: {
          SystemRoot: process.env['SystemRoot'],
          QSTASH_TOKEN: 'qstash-token',
          QSTASH_URL: `${url}/qstash`,
          OTEL_EXPORTER_OTLP_ENDPOINT: url,
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const ended = once(child, 'close')
    const output = await Promise.all([text(child.stdout), text(child.stderr)])
    expect(await ended, output.join('\n')).toEqual([0, null])
    expect(
      requests.filter((path) => path.startsWith('/qstash/v2/publish/')).length,
    ).toBeGreaterThanOrEqual(2)
    expect(requests).toContain('/v1/traces')
    server.close()
  },
  BUILD_MS,
)
