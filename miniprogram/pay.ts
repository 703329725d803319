/**
 * The phone's side of a payment, in one file to copy: logs in, orders, opens the cashier, and asks the server how it ended.
 *
 * What the phone says ("ok", "cancel", "fail") is a hint, never the outcome. Nothing here rejects: what goes wrong is a value
 * with a stable `code`. Make one client for the whole app, and call `resume` when the app starts.
 */

/** What is used of `wx`, `uni` and `Taro`: calls with `success` and `fail`, and storage. */
export interface Platform {
  request(options: PlatformRequest & Callbacks<PlatformAnswer>): unknown
  login(options: Callbacks<{ readonly code: string }>): unknown
  requestPayment(options: PaymentArguments & Callbacks<unknown>): unknown
  getStorageSync(key: string): unknown
  setStorageSync(key: string, data: string): void
}

export interface PayOptions {
  /** Where the functions are, without a slash at the end: `https://pay.example.com/api`. */
  readonly baseUrl: string
  /** `wx`, `uni` or `Taro`. */
  readonly platform: Platform
  /** Default: `setTimeout`. */
  readonly wait?: (ms: number) => Promise<void>
}

export interface Pay {
  products(): Promise<Result<readonly Product[]>>
  /** The user's own orders, newest first; `cursor` is the `nextCursor` of the page before. */
  orders(cursor?: string): Promise<Result<OrderPage>>
  query(outTradeNo: string): Promise<Result<Order>>
  /** Places an order; for a basket that was ordered before and is still to be paid, that order. */
  order(items: readonly BasketItem[], attach?: string): Promise<Result<Order>>
  /** Opens the cashier for an order, to be called in a tap. A second call while one runs is the same call. */
  pay(outTradeNo: string): Promise<Outcome>
  /** `order`, then `pay`. If an earlier purchase of the same basket turns out to be paid, that is the outcome, not a second payment. */
  buy(items: readonly BasketItem[], attach?: string): Promise<Outcome>
  /** What became of every payment that was left open, by the app being killed or by its user. Asks, and pays nothing. */
  resume(): Promise<readonly Resumed[]>
}

export type Outcome =
  | { readonly state: 'paid'; readonly order: Order }
  /** The user left the cashier, and the server knows of no payment. `pay` or `buy` goes on with the same order. */
  | { readonly state: 'cancelled'; readonly outTradeNo: string }
  /** Expired or closed; the next `buy` places a new order. */
  | { readonly state: 'closed'; readonly outTradeNo: string }
  /** Not paid, and `problem` says why; without a number there is no order either, as far as is known. */
  | { readonly state: 'failed'; readonly outTradeNo: string | null; readonly problem: Problem }
  /** Still being confirmed: perhaps paid. `resume` and `query` will know; `problem` is why the server could not be asked, if so. */
  | { readonly state: 'unknown'; readonly outTradeNo: string; readonly problem: Problem | null }

export type Resumed =
  | Extract<Outcome, { state: 'paid' | 'closed' | 'unknown' }>
  /** Still waits to be paid: offer `pay`. */
  | { readonly state: 'unpaid'; readonly order: Order }

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Problem }

export interface Problem {
  /** The server's own, or `network` (no answer), `unreadable` (somebody else's answer), `cashier_failed` (what the phone said). */
  readonly code: string
  readonly detail: string
  /** Finds the request in the server's log. */
  readonly requestId: string | null
  /** When the server wants to be asked again. */
  readonly retryAfterSeconds: number | null
}

export interface BasketItem {
  readonly sku: string
  readonly quantity: number
}

export interface Product {
  readonly sku: string
  readonly name: string
  /** Fen. */
  readonly price: number
}

export interface Order {
  readonly outTradeNo: string
  readonly tradeState: 'NOTPAY' | 'SUCCESS' | 'REFUND' | 'CLOSED'
  /** Fen. */
  readonly totalFee: number
  readonly body: string
  readonly items?: readonly (Product & BasketItem)[]
  readonly attach?: string
  /** RFC 3339, as all times here. */
  readonly createdAt: string
  readonly timeExpire: string
  readonly transactionId?: string
  readonly paidAt?: string
  readonly refundedFee?: number
  readonly shippingState?: 'PENDING' | 'UPLOADED' | 'FAILED'
}

export interface OrderPage {
  readonly orders: readonly Order[]
  readonly nextCursor?: string
}

interface PlatformRequest {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly header: Record<string, string>
  readonly data?: string
  readonly timeout: number
}

interface PlatformAnswer {
  readonly statusCode: number
  readonly data: unknown
  readonly header?: object
}

interface Callbacks<T> {
  success(value: T): void
  fail(failure: { readonly errMsg: string }): void
}

interface PaymentArguments {
  readonly timeStamp: string
  readonly nonceStr: string
  readonly package: string
  readonly signType: 'MD5' | 'HMAC-SHA256' | 'RSA'
  readonly paySign: string
}

interface Call<T> {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: string
  readonly idempotencyKey?: string
  readonly reads: (body: unknown) => body is T
}

interface Session {
  readonly token: string
  /** By this phone's clock, in milliseconds. */
  readonly endsAt: number
}

/** What may have to be finished after the app was killed. Stored before anything is sent. */
interface OpenPayment {
  /** What the order is sent as, and the key it goes under; null for an order that was not placed by `order` or `buy`. */
  readonly purchase: { readonly basket: string; readonly key: string } | null
  /** Null until the server has said it. */
  readonly outTradeNo: string | null
}

type Hint = 'ok' | 'cancel' | { readonly failed: string }

/** A function answers within eight seconds; the rest is for a cold start and a slow network. */
const TIMEOUT_MS = 12_000
/** A token is not sent in its last minute: the clocks differ, and the request takes its time. */
const LAST_MOMENT_MS = 60_000
/** Before a call is repeated. */
const REPEAT_WAITS_MS = [1_000, 2_000, 4_000]
/** Nobody watches a spinner for longer: a server that wants more time than that is left to the caller. */
const PATIENCE_SECONDS = 10
/** Before the server is asked again about a payment that the phone calls done: most are known at once, few after seconds. */
const CONFIRM_WAITS_MS = [1_000, 2_000, 3_000, 5_000, 8_000]
const MOST_OPEN_PAYMENTS = 20

/** Passing, and safe to repeat: an order goes under its key, a login with a new code, and all else changes nothing. */
const PASSING = [
  'network',
  'unavailable',
  'wechat_busy',
  'wechat_unknown',
  'too_many_requests',
  'login_code_invalid',
  'login_code_used',
]

export function createPay({ baseUrl, platform, wait = sleep }: PayOptions): Pay {
  const store = createStore(baseUrl, platform)
  const loginOnce = createSharing<Result<string>>()
  const orderOnce = createSharing<Result<Placed>>()
  const payOnce = createSharing<Outcome>()
  const resumeOnce = createSharing<readonly Resumed[]>()
  let session: Session | null = store.session

  async function send<T>(
    { method, path, body, idempotencyKey, reads }: Call<T>,
    token: string | null,
  ): Promise<Result<T>> {
    const header = {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    }
    const request = {
      url: baseUrl + path,
      method,
      header,
      timeout: TIMEOUT_MS,
      ...(body === undefined ? {} : { data: body }),
    }
    const answer = await ask<PlatformAnswer>((callbacks) =>
      platform.request({ ...request, ...callbacks }),
    )
    return answer.ok
      ? readAnswer(answer.value, reads)
      : { ok: false, error: problemOf('network', answer.errMsg) }
  }

  /** A token that is good for a while. A code of `wx.login` works once, so that however many calls wait for it, one login is made. */
  function logIn(): Promise<Result<string>> {
    return loginOnce.run('login', async () => {
      if (session !== null && Date.now() < session.endsAt - LAST_MOMENT_MS)
        return done(session.token)
      const login = await ask<{ readonly code: string }>((callbacks) => platform.login(callbacks))
      if (!login.ok) return { ok: false, error: problemOf('network', login.errMsg) }
      const body = JSON.stringify({ code: login.value.code })
      const answer = await send({ method: 'POST', path: '/login', body, reads: isLogin }, null)
      if (!answer.ok) return answer
      session = { token: answer.value.token, endsAt: Date.now() + answer.value.expiresIn * 1_000 }
      store.keepSession(session)
      return done(session.token)
    })
  }

  /** Once, and once more with a new token if the server says that this one has ended. */
  async function sendAsUser<T>(call: Call<T>): Promise<Result<T>> {
    const token = await logIn()
    if (!token.ok) return token
    const answer = await send(call, token.value)
    if (answer.ok || answer.error.code !== 'not_signed_in') return answer
    // Unless another call has logged in meanwhile.
    if (session !== null && session.token === token.value) session = null
    const renewed = await logIn()
    return renewed.ok ? send(call, renewed.value) : renewed
  }

  /** Asks until the answer is enough, or the waits are over. Only for what is safe to repeat. */
  async function askUntil<T>(
    isEnough: (answer: Result<T>) => boolean,
    waits: readonly number[],
    attempt: () => Promise<Result<T>>,
  ): Promise<Result<T>> {
    for (const ms of waits) {
      const answer = await attempt()
      const wanted = answer.ok ? 0 : (answer.error.retryAfterSeconds ?? 0)
      if (isEnough(answer) || wanted > PATIENCE_SECONDS) return answer
      await wait(Math.max(ms, wanted * 1_000))
    }
    return attempt()
  }

  const askAsUser = <T>(call: Call<T>): Promise<Result<T>> =>
    askUntil(isFinal, REPEAT_WAITS_MS, () => sendAsUser(call))

  /** Under a key that is stored first, so that neither a lost answer nor a killed app leads to a second order. */
  async function place(basket: string): Promise<Result<Placed>> {
    const earlier = store.find((open) => open.purchase?.basket === basket)
    const purchase = earlier?.purchase ?? { basket, key: newKey() }
    const forget = () => store.forget((open) => open.purchase?.key === purchase.key)
    if (earlier === undefined) store.keep({ purchase, outTradeNo: null })
    const placed = await askAsUser({
      method: 'POST',
      path: '/orders',
      body: basket,
      idempotencyKey: purchase.key,
      reads: isOrder,
    })
    if (!placed.ok) {
      if (placed.error.code === 'invalid_request' || placed.error.code === 'order_conflict')
        forget()
      return placed
    }
    const { outTradeNo, tradeState } = placed.value
    // Paid, and told so: from a list of orders, say. Whoever buys the same again wants another one.
    const isPaidElsewhere =
      tradeState === 'SUCCESS' && store.find((open) => open.outTradeNo === outTradeNo) === undefined
    if (
      earlier !== undefined &&
      (isPaidElsewhere || tradeState === 'CLOSED' || tradeState === 'REFUND')
    ) {
      forget()
      return place(basket)
    }
    store.keep({ purchase, outTradeNo })
    return done({ order: placed.value, isNew: earlier === undefined })
  }

  const order = (basket: string): Promise<Result<Placed>> =>
    orderOnce.run(basket, () => place(basket))

  const prepay = (outTradeNo: string): Promise<Result<PaymentArguments>> =>
    askAsUser({
      method: 'POST',
      path: '/prepay',
      body: JSON.stringify({ outTradeNo }),
      reads: isPayment,
    })

  const queryCall = (outTradeNo: string): Call<Order> => ({
    method: 'GET',
    path: `/query?outTradeNo=${encodeURIComponent(outTradeNo)}`,
    reads: isOrder,
  })

  async function openCashier({
    timeStamp,
    nonceStr,
    package: prepaid,
    signType,
    paySign,
  }: PaymentArguments): Promise<Hint> {
    const payment = { timeStamp, nonceStr, package: prepaid, signType, paySign }
    const said = await ask<unknown>((callbacks) =>
      platform.requestPayment({ ...payment, ...callbacks }),
    )
    if (said.ok) return 'ok'
    return /cancel/i.test(said.errMsg) ? 'cancel' : { failed: said.errMsg }
  }

  async function buy(basket: string): Promise<Outcome> {
    const placed = await order(basket)
    if (!placed.ok) return { state: 'failed', outTradeNo: null, problem: placed.error }
    const { outTradeNo } = placed.value.order
    return payOnce.run(outTradeNo, async () => {
      const prepaid = await prepay(outTradeNo)
      const hasExpiredSince =
        !placed.value.isNew && !prepaid.ok && prepaid.error.code === 'order_closed'
      const outcome = await conclude(outTradeNo, prepaid)
      return hasExpiredSince ? buy(basket) : outcome
    })
  }

  async function conclude(outTradeNo: string, prepaid: Result<PaymentArguments>): Promise<Outcome> {
    const outcome = prepaid.ok
      ? await payAtCashier(outTradeNo, prepaid.value)
      : await readRefusal(outTradeNo, prepaid.error)
    forgetIfOver(outTradeNo, outcome)
    return outcome
  }

  async function payAtCashier(outTradeNo: string, payment: PaymentArguments): Promise<Outcome> {
    if (store.find((open) => open.outTradeNo === outTradeNo) === undefined)
      store.keep({ purchase: null, outTradeNo })
    return confirm(outTradeNo, await openCashier(payment))
  }

  async function readRefusal(outTradeNo: string, problem: Problem): Promise<Outcome> {
    if (problem.code === 'order_paid') return confirm(outTradeNo, 'ok')
    return problem.code === 'order_closed'
      ? { state: 'closed', outTradeNo }
      : { state: 'failed', outTradeNo, problem }
  }

  /** The server has the last word. Only after an "ok" is one that knows of no payment asked again: it may be about to hear of it. */
  async function confirm(outTradeNo: string, hint: Hint): Promise<Outcome> {
    const isEnough = (answer: Result<Order>) =>
      answer.ok ? hint !== 'ok' || isPaid(answer.value) : isFinal(answer)
    const answer = await askUntil(isEnough, CONFIRM_WAITS_MS, () =>
      sendAsUser(queryCall(outTradeNo)),
    )
    const known = readState(outTradeNo, answer)
    if (known.state !== 'unpaid') return known
    if (hint === 'ok') return { state: 'unknown', outTradeNo, problem: null }
    if (hint === 'cancel') return { state: 'cancelled', outTradeNo }
    return { state: 'failed', outTradeNo, problem: problemOf('cashier_failed', hint.failed) }
  }

  function forgetIfOver(outTradeNo: string, outcome: Outcome | Resumed): void {
    const isNobodys = 'problem' in outcome && outcome.problem?.code === 'order_not_found'
    if (outcome.state === 'paid' || outcome.state === 'closed' || isNobodys)
      store.forget((open) => open.outTradeNo === outTradeNo)
  }

  return {
    async products() {
      const catalogue: Call<Catalogue> = { method: 'GET', path: '/products', reads: isCatalogue }
      const answer = await askUntil(isFinal, REPEAT_WAITS_MS, () => send(catalogue, null))
      return answer.ok ? done(answer.value.products) : answer
    },
    orders: (cursor) =>
      askAsUser({
        method: 'GET',
        path: cursor === undefined ? '/orders' : `/orders?cursor=${encodeURIComponent(cursor)}`,
        reads: isPage,
      }),
    query: (outTradeNo) => askAsUser(queryCall(outTradeNo)),
    async order(items, attach) {
      const placed = await order(JSON.stringify({ items, attach }))
      return placed.ok ? done(placed.value.order) : placed
    },
    pay: (outTradeNo) =>
      payOnce.run(outTradeNo, async () => conclude(outTradeNo, await prepay(outTradeNo))),
    buy(items, attach) {
      const basket = JSON.stringify({ items, attach })
      return payOnce.run(basket, () => buy(basket))
    },
    resume: () =>
      resumeOnce.run('', async () => {
        const outcomes: Resumed[] = []
        for (const { outTradeNo } of store.all()) {
          // Without a number there was no cashier yet; the next purchase of that basket goes on under its key.
          if (outTradeNo === null) continue
          const answer = await askAsUser(queryCall(outTradeNo))
          // A payment under way ends in an outcome of its own.
          if (payOnce.isRunning(outTradeNo)) continue
          const outcome = readState(outTradeNo, answer)
          forgetIfOver(outTradeNo, outcome)
          outcomes.push(outcome)
        }
        return outcomes
      }),
  }
}

interface Placed {
  readonly order: Order
  /** False where it was found under a key of earlier. */
  readonly isNew: boolean
}

function readState(outTradeNo: string, answer: Result<Order>): Resumed {
  if (!answer.ok) return { state: 'unknown', outTradeNo, problem: answer.error }
  if (isPaid(answer.value)) return { state: 'paid', order: answer.value }
  return answer.value.tradeState === 'CLOSED'
    ? { state: 'closed', outTradeNo }
    : { state: 'unpaid', order: answer.value }
}

/** Only has to differ from the user's other keys, for the server keeps each user's apart; nobody gains by guessing one. */
const newKey = (): string => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Work of one name runs once at a time; whoever asks for it meanwhile gets the same promise. */
function createSharing<T>() {
  const running = new Map<string, Promise<T>>()
  const runToEnd = async (name: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } finally {
      running.delete(name)
    }
  }
  return {
    isRunning: (name: string): boolean => running.has(name),
    run(name: string, work: () => Promise<T>): Promise<T> {
      const shared = running.get(name) ?? runToEnd(name, work)
      running.set(name, shared)
      return shared
    },
  }
}

/** What survives a killed app, as text under keys of its own for each server. A phone whose storage is full loses the survival only. */
function createStore(baseUrl: string, platform: Platform) {
  const read = (name: string): unknown => {
    try {
      const text = platform.getStorageSync(`pay:${name}:${baseUrl}`)
      return typeof text === 'string' ? JSON.parse(text) : null
    } catch {
      return null
    }
  }
  const write = (name: string, value: unknown): void => {
    try {
      platform.setStorageSync(`pay:${name}:${baseUrl}`, JSON.stringify(value))
    } catch {
      // It is in memory all the same.
    }
  }
  const [keptPayments, keptSession] = [read('open'), read('session')]
  let payments: readonly OpenPayment[] = Array.isArray(keptPayments)
    ? keptPayments.filter(isOpenPayment)
    : []
  const replace = (next: readonly OpenPayment[]): void => {
    payments = next.slice(-MOST_OPEN_PAYMENTS)
    write('open', payments)
  }

  return {
    session: isSession(keptSession) ? keptSession : null,
    keepSession: (session: Session): void => write('session', session),
    all: (): readonly OpenPayment[] => payments,
    find: (isMeant: (open: OpenPayment) => boolean): OpenPayment | undefined =>
      payments.find(isMeant),
    forget: (isMeant: (open: OpenPayment) => boolean): void =>
      replace(payments.filter((open) => !isMeant(open))),
    /** In place of what was kept of the same purchase or order. */
    keep({ purchase, outTradeNo }: OpenPayment): void {
      const isSame = (open: OpenPayment) =>
        (purchase !== null && open.purchase?.key === purchase.key) ||
        (outTradeNo !== null && open.outTradeNo === outTradeNo)
      replace([...payments.filter((open) => !isSame(open)), { purchase, outTradeNo }])
    },
  }
}

type Asked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errMsg: string }

/** One call of the platform, which may also throw, or answer by a promise besides: Taro's rejects even where `fail` was heard. */
function ask<T>(call: (callbacks: Callbacks<T>) => unknown): Promise<Asked<T>> {
  return new Promise((resolve) => {
    try {
      const returned = call({
        success: (value) => resolve({ ok: true, value }),
        fail: ({ errMsg }) => resolve({ ok: false, errMsg }),
      })
      if (returned instanceof Promise) returned.catch(() => undefined)
    } catch (error) {
      resolve({ ok: false, errMsg: String(error) })
    }
  })
}

const done = <T>(value: T): Result<T> => ({ ok: true, value })
const problemOf = (code: string, detail: string): Problem => ({
  code,
  detail,
  requestId: null,
  retryAfterSeconds: null,
})

function readAnswer<T>(
  { statusCode, data, header = {} }: PlatformAnswer,
  reads: (body: unknown) => body is T,
): Result<T> {
  if (statusCode < 300 && reads(data)) return done(data)
  const requestId = readHeader(header, 'x-request-id')
  if (statusCode >= 300 && isRecord(data) && typeof data['code'] === 'string') {
    const seconds = Number(readHeader(header, 'retry-after') ?? Number.NaN)
    const detail = typeof data['detail'] === 'string' ? data['detail'] : ''
    return {
      ok: false,
      error: {
        code: data['code'],
        detail,
        requestId,
        retryAfterSeconds: seconds >= 0 ? seconds : null,
      },
    }
  }
  // A gateway that did not reach the functions is as good as no answer.
  const code = statusCode >= 500 ? 'network' : 'unreadable'
  return { ok: false, error: { ...problemOf(code, `HTTP ${statusCode}`), requestId } }
}

/** Each phone writes their names in its own way. */
function readHeader(header: object, name: string): string | null {
  const found = Object.entries(header).find(([key]) => key.toLowerCase() === name)
  return found === undefined ? null : String(found[1])
}

const isPassing = (problem: Problem): boolean => PASSING.includes(problem.code)
const isFinal = (answer: Result<unknown>): boolean => answer.ok || !isPassing(answer.error)
const isPaid = ({ tradeState }: Order): boolean =>
  tradeState === 'SUCCESS' || tradeState === 'REFUND'

type Catalogue = { readonly products: readonly Product[] }
type Login = { readonly token: string; readonly expiresIn: number }

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
const hasTexts = (
  value: unknown,
  names: readonly string[],
): value is Readonly<Record<string, unknown>> =>
  isRecord(value) && names.every((name) => typeof value[name] === 'string')

const isOrder = (value: unknown): value is Order =>
  hasTexts(value, ['outTradeNo', 'tradeState', 'createdAt', 'timeExpire']) &&
  typeof value['totalFee'] === 'number'
const isPage = (value: unknown): value is OrderPage =>
  isRecord(value) && Array.isArray(value['orders']) && value['orders'].every(isOrder)
const isProduct = (value: unknown): value is Product =>
  hasTexts(value, ['sku', 'name']) && typeof value['price'] === 'number'
const isCatalogue = (value: unknown): value is Catalogue =>
  isRecord(value) && Array.isArray(value['products']) && value['products'].every(isProduct)
const isLogin = (value: unknown): value is Login =>
  hasTexts(value, ['token']) && typeof value['expiresIn'] === 'number'
const isSession = (value: unknown): value is Session =>
  hasTexts(value, ['token']) && typeof value['endsAt'] === 'number'
const isPayment = (value: unknown): value is PaymentArguments =>
  hasTexts(value, ['timeStamp', 'nonceStr', 'package', 'signType', 'paySign'])
const isOpenPayment = (value: unknown): value is OpenPayment =>
  isRecord(value) &&
  (value['purchase'] === null || hasTexts(value['purchase'], ['basket', 'key'])) &&
  (value['outTradeNo'] === null || typeof value['outTradeNo'] === 'string')
