/** The log names the kind of a Redis failure, and never the command or Redis's own message. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogFields } from '../../lib/core/log-fields.ts'
import { createCache } from '../../lib/stores/cache.ts'
import { createLimits } from '../../lib/stores/limits.ts'

const TOKEN = 'token-of-this-redis'
const SECRET = 'caller-with-a-secret'

let respond: (response: ServerResponse) => void
const answer = (_request: unknown, response: ServerResponse) => respond(response)
const server = createServer(answer)
const pem = (name: string): string =>
  readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
/** A certificate of an unknown authority. */
const tlsServer = createTlsServer({ key: pem('server.key'), cert: pem('server') }, answer)
const portOf = (of: typeof server | typeof tlsServer): number => {
  const address = of.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
let url: string
beforeAll(async () => {
  await Promise.all([
    once(server.listen(0, '127.0.0.1'), 'listening'),
    once(tlsServer.listen(0, '127.0.0.1'), 'listening'),
  ])
  url = `http://127.0.0.1:${portOf(server)}`
})
afterAll(() => {
  for (const one of [server, tlsServer]) {
    one.closeAllConnections()
    one.close()
  }
})

const respondWith = (status: number, body: unknown) => {
  respond = (response) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Sends one command and returns its log line. */
async function lineOfCommand(at = url): Promise<LogFields | undefined> {
  const lines: LogFields[] = []
  const cache = createCache(
    { url: at, token: TOKEN },
    'a-configuration',
    () => SECRET,
    (fields) => void lines.push(fields),
  )
  await cache.lockNotification(SECRET)
  expect(JSON.stringify(lines)).not.toMatch(/caller-with|token-of|wxpay|set/)
  return lines[0]
}

/** Reports two calls, in a pipeline, and returns the log line. */
async function lineOfCount(at = url): Promise<LogFields | undefined> {
  const lines: LogFields[] = []
  const clock = { now: () => new Date() }
  const limits = createLimits(
    () => ({ url: at, token: TOKEN }),
    clock,
    (fields) => void lines.push(fields),
    async () => undefined,
  )
  await limits.count('login', [{ kind: 'user', id: SECRET }])
  await limits.count('login', [{ kind: 'user', id: SECRET }])
  expect(limits.secondsLeft('login', [{ kind: 'user', id: SECRET }])).toBeNull()
  expect(JSON.stringify(lines)).not.toMatch(/caller-with|token-of|wxpay|incrby/)
  return lines[0]
}

const answers: readonly (readonly [
  what: string,
  status: number,
  body: unknown,
  reason: string,
  code: string | undefined,
])[] = [
  [
    'a wrong token',
    401,
    { error: 'WRONGPASS invalid or missing auth token' },
    'unauthorized',
    'WRONGPASS',
  ],
  ['a proxy that wants a password', 401, 'Unauthorized', 'unauthorized', '401'],
  [
    'a read-only token',
    400,
    { error: "NOPERM this user has no permissions to run the 'set' command" },
    'read_only',
    'NOPERM',
  ],
  [
    'no requests left this month',
    400,
    { error: 'ERR max requests limit exceeded. Limit: 500000, Usage: 500000.' },
    'quota',
    'ERR',
  ],
  [
    'no requests left today',
    429,
    { error: 'ERR max daily request limit exceeded. Limit: 10000, Usage: 10001.' },
    'quota',
    'ERR',
  ],
  [
    'no memory left',
    400,
    { error: "OOM command not allowed when used memory > 'maxmemory'." },
    'quota',
    'OOM',
  ],
  [
    'too many commands in a second',
    400,
    { error: 'ERR max commands per second limit exceeded' },
    'rate',
    'ERR',
  ],
  ['a rate limit of a gateway', 429, 'Too Many Requests', 'rate', '429'],
  ['an outage', 503, { error: 'ERR the database is not reachable' }, 'server', 'ERR'],
  ['an outage of a gateway', 502, '<html>Bad Gateway</html>', 'server', '502'],
  [
    'a broken script',
    400,
    { error: 'ERR Error running script (call to f_1): @user_script:1: no such key' },
    'script',
    'ERR',
  ],
  [
    'an unknown command',
    400,
    { error: "ERR wrong number of arguments for 'set' command" },
    'refused',
    'ERR',
  ],
  ['an HTML page', 200, '<html></html>', 'malformed', undefined],
  ['a missing page', 404, '<html>Not Found</html>', 'malformed', '404'],
  ['an object without Redis’s fields', 200, '{}', 'malformed', undefined],
  ['null', 200, 'null', 'malformed', undefined],
]

describe('the log names in one word that Redis answered with', () => {
  test.each(answers)('%s, to a command', async (_what, status, body, reason, code) => {
    respondWith(status, body)
    expect(await lineOfCommand()).toEqual({
      event: 'redis_down',
      reason,
      ...(code === undefined ? {} : { code }),
    })
  })

  test.each(answers)('%s, to a count', async (_what, status, body, reason, code) => {
    respondWith(status, body)
    expect(await lineOfCount()).toEqual({
      event: 'redis_down',
      reason,
      ...(code === undefined ? {} : { code }),
    })
  })

  test.each(answers.filter(([, , body]) => typeof body === 'object'))(
    '%s, inside a pipeline that is answered 200',
    async (_what, _status, body, reason, code) => {
      respondWith(200, [body])
      if (reason !== 'server')
        expect(await lineOfCount()).toEqual({ event: 'redis_down', reason, code })
    },
  )
})

describe('the log names in one word why Redis did not answer:', () => {
  const both = async (at?: string) => {
    const [command, count] = [await lineOfCommand(at), await lineOfCount(at)]
    expect(count).toEqual(command)
    return command
  }

  test('a timeout', async () => {
    respond = () => undefined
    expect(await both()).toEqual({ event: 'redis_down', reason: 'timeout' })
  })

  test('a broken connection', async () => {
    respond = (response) => void response.destroy()
    expect(await both()).toEqual({ event: 'redis_down', reason: 'network', code: 'ECONNRESET' })
  })

  test('a refused connection', async () => {
    const unused = createServer()
    await once(unused.listen(0, '127.0.0.1'), 'listening')
    const port = portOf(unused)
    await new Promise((resolve) => unused.close(resolve))
    expect(await both(`http://127.0.0.1:${port}`)).toEqual({
      event: 'redis_down',
      reason: 'network',
      code: 'ECONNREFUSED',
    })
  })

  test('an unknown name', async () => {
    expect(await both('http://redis.invalid')).toMatchObject({ event: 'redis_down', reason: 'dns' })
  })

  test('an untrusted certificate', async () => {
    expect(await both(`https://127.0.0.1:${portOf(tlsServer)}`)).toMatchObject({
      event: 'redis_down',
      reason: 'tls',
    })
  })
})
