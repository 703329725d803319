/**
 * The server to compare with: Express with tenpay, for everything it offers, and `pg` and `redis` with their usual settings,
 * doing the same work as the functions on tables of its own. Its parent asks it what computing it has done.
 */
import { randomUUID } from 'node:crypto'
import * as v from 'valibot'
import { tellCpu } from './load-cpu.ts'
import { TABLES } from './load-peer-ledger.ts'
import {
  loadPackages,
  type ExpressRequest,
  type ExpressResponse,
  type Handler,
} from './load-peer-packages.ts'
import { createShop } from './load-peer-shop.ts'

const settings = v.parse(
  v.object({
    POSTGRES_URL: v.string(),
    REDIS_URL: v.string(),
    WECHAT_APPID: v.string(),
    WECHAT_APP_SECRET: v.string(),
    WECHAT_MCH_ID: v.string(),
    WECHAT_PAY_KEY: v.string(),
    WECHAT_API_URL: v.string(),
    WECHAT_PAY_URL: v.string(),
    SESSION_SECRET: v.string(),
    ORDER_WEBHOOK_URL: v.string(),
    ORDER_WEBHOOK_SECRET: v.string(),
  }),
  process.env,
)
const writeLog = (line: object) =>
  console.log(JSON.stringify({ time: new Date().toISOString(), ...line }))

const underWay = new Set<Promise<unknown>>()
const later = (work: Promise<unknown>): void => {
  const tracked: Promise<unknown> = work
    .catch(() => writeLog({ level: 'warn', event: 'later_failed' }))
    .finally(() => underWay.delete(tracked))
  underWay.add(tracked)
}
tellCpu(async () => {
  while (underWay.size > 0) await Promise.all(underWay)
})

const { express, rateLimit, RedisStore, jwt, Pool, createClient, Payment } = await loadPackages()

const pool = new Pool({ connectionString: settings.POSTGRES_URL })
const redis = createClient({ url: settings.REDIS_URL })
for (const connection of [pool, redis]) connection.on('error', () => undefined)
await redis.connect()
await pool.query(TABLES)

// Where it asks is written into the library.
const tenpay = new Payment({
  appid: settings.WECHAT_APPID,
  mchid: settings.WECHAT_MCH_ID,
  partnerKey: settings.WECHAT_PAY_KEY,
})
for (const [name, url] of Object.entries(tenpay.urls))
  tenpay.urls[name] = url.replace('https://api.mch.weixin.qq.com', settings.WECHAT_PAY_URL)

const shop = createShop({
  pool,
  redis,
  tenpay,
  jwt,
  sessionSecret: settings.SESSION_SECRET,
  miniProgram: {
    url: settings.WECHAT_API_URL,
    appid: settings.WECHAT_APPID,
    secret: settings.WECHAT_APP_SECRET,
  },
  webhook: { url: settings.ORDER_WEBHOOK_URL, secret: settings.ORDER_WEBHOOK_SECRET },
  notifyUrl: () => `${url}/api/notify`,
  later,
})

const log: Handler = (request, response, next) => {
  const startedAt = performance.now()
  const requestId = randomUUID()
  response.setHeader('x-request-id', requestId)
  response.setHeader('cache-control', 'no-store')
  response.once('finish', () => {
    const { statusCode: status } = response
    const duration = Math.round(performance.now() - startedAt)
    writeLog({
      level: status >= 500 ? 'error' : 'info',
      event: 'request',
      requestId,
      path: request.path,
      status,
      duration,
    })
  })
  next()
}

/** Calls a minute. */
const limitBy = (
  prefix: string,
  limit: number,
  keyGenerator?: (request: ExpressRequest) => string,
): Handler =>
  rateLimit({
    windowMs: 60_000,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    ...(keyGenerator === undefined ? {} : { keyGenerator }),
    store: new RedisStore({
      prefix: `shop:limit:${prefix}:`,
      sendCommand: (...command) => redis.sendCommand(command),
    }),
  })
const limitUser = (step: string, limit: number) =>
  limitBy(`${step}:user`, limit, ({ openid = '' }) => openid)
const limitAddress = (step: string, limit: number) => limitBy(`${step}:address`, limit)

const app = express()
app.set('trust proxy', 1)
app.use(log)
app.post(
  '/api/login',
  express.json(),
  limitAddress('login', 600),
  shop.exchangeCode,
  limitUser('login', 60),
  shop.logIn,
)
app.post(
  '/api/orders',
  express.json(),
  shop.requireUser,
  limitUser('orders', 120),
  limitAddress('orders', 1_200),
  shop.placeOrder,
)
app.post(
  '/api/prepay',
  express.json(),
  shop.requireUser,
  limitUser('prepay', 300),
  limitAddress('prepay', 3_000),
  shop.prepay,
)
app.post(
  '/api/notify',
  express.text({ type: ['text/xml', 'application/xml'] }),
  tenpay.middlewareForExpress('pay'),
  shop.notify,
)
app.get('/api/query', shop.requireUser, shop.query)
app.use(
  (error: unknown, _request: ExpressRequest, response: ExpressResponse, _next: () => void) => {
    writeLog({
      level: 'error',
      event: 'bug',
      detail: error instanceof Error ? error.message : 'unknown',
    })
    response.status(500).json({ code: 'internal_error' })
  },
)

const { promise: listening, resolve } = Promise.withResolvers<void>()
const server = app.listen(0, '127.0.0.1', resolve)
await listening
const url = `http://127.0.0.1:${server.address().port}`
process.send?.({ url })
