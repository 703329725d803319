/**
 * The server to compare with: Express with tenpay, for everything that tenpay offers, and `pg` and
 * `redis` with their default settings. It does the same work as the functions, on tables of its
 * own. Reports its usage to its parent.
 */
import { randomUUID } from 'node:crypto'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { reportUsage } from '../child.ts'
import { TABLES } from './ledger.ts'
import { loadPackages, type ErrorHandler, type Handler, type Request } from './packages.ts'
import { createShop, type Redis } from './shop.ts'

const setting = (name: string): string => process.env[name] ?? ''
const writeLog = (line: object) =>
  console.log(JSON.stringify({ time: new Date().toISOString(), ...line }))

const pending = new Set<Promise<unknown>>()
const waitUntil = (work: Promise<unknown>): void => {
  const tracked: Promise<unknown> = work
    .catch(() => writeLog({ level: 'warn', event: 'later_failed' }))
    .finally(() => pending.delete(tracked))
  pending.add(tracked)
}
reportUsage(async () => {
  while (pending.size > 0) await Promise.all(pending)
})

const { express, rateLimit, RedisStore, jwt, Payment } = await loadPackages()

const pool = new Pool({ connectionString: setting('POSTGRES_URL') })
const redis: Redis = createClient({ url: setting('REDIS_URL') })
// A broken connection is reported here, and by the statement that used it.
pool.on('error', () => undefined)
redis.on('error', () => undefined)
await redis.connect()
await pool.query(TABLES)

const tenpay = new Payment({
  appid: setting('WECHAT_APPID'),
  mchid: setting('WECHAT_MCH_ID'),
  partnerKey: setting('WECHAT_PAY_KEY'),
})
// The library has no setting for its URLs.
for (const [name, url] of Object.entries(tenpay.urls))
  tenpay.urls[name] = url.replace('https://api.mch.weixin.qq.com', setting('WECHAT_PAY_URL'))

const shop = createShop({
  pool,
  redis,
  tenpay,
  jwt,
  sessionSecret: setting('SESSION_SECRET'),
  miniProgram: {
    url: setting('WECHAT_API_URL'),
    appid: setting('WECHAT_APPID'),
    secret: setting('WECHAT_APP_SECRET'),
  },
  webhook: { url: setting('ORDER_WEBHOOK_URL'), secret: setting('ORDER_WEBHOOK_SECRET') },
  notifyUrl: () => `${url}/api/notify`,
  waitUntil,
})

const log: Handler = (request, response, next) => {
  const startedAt = performance.now()
  const requestId = randomUUID()
  response.setHeader('x-request-id', requestId)
  response.setHeader('cache-control', 'no-store')
  response.once('finish', () => {
    const { statusCode: status } = response
    writeLog({
      level: status >= 500 ? 'error' : 'info',
      event: 'request',
      requestId,
      path: request.path,
      status,
      duration: Math.round(performance.now() - startedAt),
    })
  })
  next()
}

/** Requests a minute, by address unless a key is named. */
const limit = (name: string, most: number, keyGenerator?: (request: Request) => string): Handler =>
  rateLimit({
    windowMs: 60_000,
    limit: most,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    ...(keyGenerator === undefined ? {} : { keyGenerator }),
    store: new RedisStore({
      prefix: `shop:limit:${name}:`,
      sendCommand: (...command) => redis.sendCommand(command),
    }),
  })
const byUser = ({ openid = '' }: Request): string => openid

const onError: ErrorHandler = (error, _request, response, _next) => {
  const detail = error instanceof Error ? error.message : 'unknown'
  writeLog({ level: 'error', event: 'bug', detail })
  response.status(500).json({ code: 'internal_error' })
}

const [json, xml] = [express.json(), express.text({ type: ['text/xml', 'application/xml'] })]
const loginLimits = [limit('login:address', 600), limit('login:user', 60, byUser)] as const
const orderLimits = [limit('orders:user', 120, byUser), limit('orders:address', 1_200)]
const prepayLimits = [limit('prepay:user', 300, byUser), limit('prepay:address', 3_000)]

const app = express()
app.set('trust proxy', 1)
app.use(log)
app.post('/api/login', json, loginLimits[0], shop.exchangeCode, loginLimits[1], shop.logIn)
app.post('/api/orders', json, shop.requireUser, ...orderLimits, shop.placeOrder)
app.post('/api/prepay', json, shop.requireUser, ...prepayLimits, shop.prepay)
app.post('/api/notify', xml, tenpay.middlewareForExpress('pay'), shop.notify)
app.get('/api/query', shop.requireUser, shop.query)
app.use(onError)

const { promise: listening, resolve } = Promise.withResolvers<void>()
const server = app.listen(0, '127.0.0.1', resolve)
await listening
const url = `http://127.0.0.1:${server.address().port}`
process.send?.({ url })
