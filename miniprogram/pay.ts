/**
 * The client of a payment, in one file to copy. It logs in, places orders, opens the cashier and
 * asks the server for the outcome.
 *
 * The report of `wx.requestPayment` ("ok", "cancel", "fail") is only a hint. No call rejects: an
 * error is a value with a stable `code`. Create one client for the whole app, and call `resume`
 * when it starts.
 */

/** The part of `wx`, `uni` and `Taro` that this client uses. */
export interface Platform {
  request(options: PlatformRequest & Callbacks<PlatformAnswer>): unknown
  login(options: Callbacks<{ readonly code: string }>): unknown
  requestPayment(options: PaymentArguments & Callbacks<unknown>): unknown
  /**
   * Opens a component of WeChat, here the one that confirms a receipt. Needs base library 2.6.0.
   */
  openBusinessView?(options: BusinessView & Callbacks<unknown>): unknown
  /** Tells when the user comes back from a component. */
  onAppShow?(listener: (shown: AppShown) => void): unknown
  offAppShow?(listener: (shown: AppShown) => void): unknown
  getStorageSync(key: string): unknown
  setStorageSync(key: string, data: string): void
}

export interface PayOptions {
  /** The URL of the functions without a trailing slash, such as `https://pay.example.com/api`. */
  readonly baseUrl: string
  /** `wx`, `uni` or `Taro`. */
  readonly platform: Platform
  /** Waits before a retry. Uses `setTimeout` by default. */
  readonly wait?: (ms: number) => Promise<void>
}

export interface Pay {
  /** The catalogue. Also logs in, beside it, so that a purchase need not. */
  products(): Promise<Result<readonly Product[]>>
  /** The user's own orders, newest first; `cursor` is the `nextCursor` of the previous page. */
  orders(cursor?: string): Promise<Result<OrderPage>>
  query(outTradeNo: string): Promise<Result<Order>>
  /** Like `query`, by WeChat’s number of the payment, which WeChat may append to a page address. */
  queryPayment(transactionId: string): Promise<Result<Order>>
  /** The refunds of an order of the user, oldest first. */
  refunds(outTradeNo: string): Promise<Result<readonly Refund[]>>
  /** A paid order with its parcels and its state in WeChat's shipping management. */
  shipping(outTradeNo: string): Promise<Result<Shipping>>
  /**
   * Opens WeChat's component in which the user confirms the receipt of a shipped order. Call it in
   * a tap handler. The outcome comes from the server, which asks WeChat.
   */
  confirmReceipt(outTradeNo: string): Promise<ReceiptOutcome>
  /**
   * The user's phone number, from the event of `<button open-type="getPhoneNumber">`. The server
   * stores it. Problems of the button itself: `phone_quota_used_up` (the shop must buy more) and
   * `phone_refused` (the user did not agree, or the app may not ask). `phone_code_invalid` is the
   * server's: the code was used or is too old, and the user can tap again.
   */
  phoneNumber(event: PhoneEvent): Promise<Result<string>>
  /** Places an order, or returns the unpaid order that was already placed for the same basket. */
  order(items: readonly BasketItem[], attach?: string): Promise<Result<Order>>
  /**
   * Opens the cashier for an order. Call it in a tap handler. Concurrent calls share one payment.
   */
  pay(outTradeNo: string): Promise<Outcome>
  /**
   * `order` and `pay`, with one request before the cashier opens. If an earlier order of the same
   * basket was paid, returns that one as paid.
   */
  buy(items: readonly BasketItem[], attach?: string): Promise<Outcome>
  /**
   * Queries every payment that was left open when the app was killed or the user left. Pays
   * nothing. Also logs in, beside it, so that a purchase need not.
   */
  resume(): Promise<readonly Resumed[]>
}

export type Outcome =
  | { readonly state: 'paid'; readonly order: Order }
  /**
   * The user left the cashier, and the server knows of no payment. `pay` and `buy` reuse the order.
   */
  | { readonly state: 'cancelled'; readonly outTradeNo: string }
  /** The order expired or was closed; the next `buy` places a new one. */
  | { readonly state: 'closed'; readonly outTradeNo: string }
  /** Not paid, for the reason in `problem`. Without a number the order may not exist either. */
  | { readonly state: 'failed'; readonly outTradeNo: string | null; readonly problem: Problem }
  /**
   * Possibly paid. `resume` and `query` give the outcome later. `problem` says why the server did
   * not answer, or is null if it does not know the payment yet.
   */
  | { readonly state: 'unknown'; readonly outTradeNo: string; readonly problem: Problem | null }

export type ReceiptOutcome =
  | { readonly state: 'confirmed'; readonly shipping: Shipping }
  /** The user has not confirmed, or WeChat does not report it yet. Ask again with `shipping`. */
  | { readonly state: 'not_confirmed'; readonly shipping: Shipping }
  /** There is nothing to confirm, or the component did not open: see `problem`. */
  | { readonly state: 'failed'; readonly problem: Problem }
  /** The server did not answer after the component was closed. Ask again with `shipping`. */
  | { readonly state: 'unknown'; readonly problem: Problem }

export type Resumed =
  | Extract<Outcome, { state: 'paid' | 'closed' | 'unknown' }>
  /** The order can still be paid: offer `pay`. */
  | { readonly state: 'unpaid'; readonly order: Order }

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: Problem }

export interface Problem {
  /**
   * The server's code, or `network` (no answer), `unreadable` (an answer that is not from the
   * server), `cashier_failed` (the cashier's own error), `not_shipped` and `component_failed` (the
   * receipt cannot be confirmed) or one of the phone number button.
   */
  readonly code: string
  readonly detail: string
  /** Identifies the request in the server's log. */
  readonly requestId: string | null
  /** How long the server asks the client to wait before a retry. */
  readonly retryAfterSeconds: number | null
}

/** The part of the button's event that is needed. */
export interface PhoneEvent {
  readonly detail: { readonly code?: string; readonly errno?: number; readonly errMsg?: string }
}

export interface BasketItem {
  readonly sku: string
  readonly quantity: number
}

export interface Product {
  readonly sku: string
  readonly name: string
  /** In fen. */
  readonly price: number
}

export interface Order {
  readonly outTradeNo: string
  readonly tradeState: 'NOTPAY' | 'SUCCESS' | 'REFUND' | 'CLOSED'
  /** In fen. */
  readonly totalFee: number
  readonly body: string
  readonly items?: readonly (Product & BasketItem)[]
  readonly attach?: string
  /** RFC 3339, like all times here. */
  readonly createdAt: string
  readonly timeExpire: string
  readonly transactionId?: string
  readonly paidAt?: string
  readonly refundedFee?: number
  readonly shippingState?: 'PENDING' | 'UPLOADED' | 'FAILED'
  readonly confirmedAt?: string
  readonly settledAt?: string
}

/** An order with its parcels. */
export type Shipping = Order & {
  /**
   * The user has the goods in `RECEIVED`, `AWAITING_SETTLEMENT` and `FINISHED`. Absent while WeChat
   * does not know the payment there.
   */
  readonly orderState?:
    | 'TO_SHIP'
    | 'SHIPPED'
    | 'RECEIVED'
    | 'FINISHED'
    | 'REFUNDED'
    | 'AWAITING_SETTLEMENT'
  readonly shipment?: {
    readonly logisticsType: 'express' | 'local_delivery' | 'virtual' | 'self_pickup'
    /** False: further parcels follow. */
    readonly isAllDelivered: boolean
    readonly items: readonly {
      readonly itemDesc: string
      readonly trackingNo?: string
      readonly expressCompany?: string
    }[]
  }
}

export interface Refund {
  readonly outRefundNo: string
  readonly outTradeNo: string
  /** In fen. */
  readonly refundFee: number
  /** `CHANGE`: the account of the payer accepts no money. The merchant decides where it goes. */
  readonly refundStatus: 'PROCESSING' | 'SUCCESS' | 'REFUNDCLOSE' | 'CHANGE'
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

interface BusinessView {
  readonly businessType: string
  readonly extraData: object
}

interface AppShown {
  /** Not used. `wx.offAppShow` names it in its type. */
  readonly errMsg?: string
  readonly referrerInfo?: {
    readonly appId?: string
    readonly extraData?: Readonly<Record<string, unknown>>
  }
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
  /** When the token expires, in milliseconds of the device's clock. */
  readonly endsAt: number
}

/**
 * A payment that may have to be finished after the app was killed. Stored before anything is sent.
 */
interface OpenPayment {
  /** The order's request body and Idempotency-Key; null if `order` or `buy` did not place it. */
  readonly purchase: { readonly basket: string; readonly key: string } | null
  /** Null until the server has answered. */
  readonly outTradeNo: string | null
}

type Hint = 'ok' | 'cancel' | { readonly failed: string }

/** A function answers within eight seconds; the rest allows for a cold start and a slow network. */
const TIMEOUT_MS = 12_000
/** A token is renewed one minute early, because clocks differ and a request takes time. */
const EXPIRY_MARGIN_MS = 60_000
/** The first screen renews a token that the user could outlast: a purchase must not wait for it. */
const EARLY_RENEWAL_MS = 2 * 3_600_000
/** Pauses before a retry. */
const RETRY_WAITS_MS = [1_000, 2_000, 4_000]
/**
 * The longest Retry-After that the client waits for itself; a longer one is returned to the caller.
 */
const MAX_RETRY_AFTER_SECONDS = 10
/**
 * Pauses between queries after the cashier's "ok". Most payments are known after the first query.
 */
const CONFIRM_WAITS_MS = [1_000, 2_000, 3_000, 5_000, 8_000]
const MAX_OPEN_PAYMENTS = 20
/** WeChat's component for the receipt, and the app that it belongs to. */
const RECEIPT_COMPONENT = 'weappOrderConfirm'
const RECEIPT_APPID = 'wx1183b055aeec94d1'
/** WeChat's `errno` of the phone number button: the shop has used up the numbers it bought. */
const PHONE_QUOTA_USED_UP = 1_400_001

/**
 * Codes of transient failures. A retry is safe: an order is sent under its key, a login with a new
 * code, and all other calls are idempotent.
 */
const TRANSIENT_CODES = [
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
  const loginOnce = createSingleFlight<Result<string>>()
  const orderOnce = createSingleFlight<Result<Placed>>()
  const payOnce = createSingleFlight<Outcome>()
  const receiptOnce = createSingleFlight<ReceiptOutcome>()
  const resumeOnce = createSingleFlight<readonly Resumed[]>()
  let session: Session | null = store.session
  /** False once the server has refused `prepay` in an order, as servers before it do. */
  let isPrepayKnown = true
  /** The number of payments that have ended in this app. */
  let ended = 0

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
    const answer = await callPlatform<PlatformAnswer>((callbacks) =>
      platform.request({ ...request, ...callbacks }),
    )
    return answer.ok
      ? readAnswer(answer.value, reads)
      : { ok: false, error: problemOf('network', answer.errMsg) }
  }

  /**
   * Returns a token that is valid for some time. A code of `wx.login` works only once, so
   * concurrent calls share one login.
   */
  function logIn(leastLifeMs = EXPIRY_MARGIN_MS): Promise<Result<string>> {
    const { token, endsAt } = session ?? { token: '', endsAt: 0 }
    if (Date.now() < endsAt - leastLifeMs) return Promise.resolve(done(token))
    return loginOnce.run('login', async () => {
      const login = await callPlatform<{ readonly code: string }>((callbacks) =>
        platform.login(callbacks),
      )
      if (!login.ok) return { ok: false, error: problemOf('network', login.errMsg) }
      const body = JSON.stringify({ code: login.value.code })
      const answer = await send({ method: 'POST', path: '/login', body, reads: isLogin }, null)
      if (!answer.ok) return answer
      session = { token: answer.value.token, endsAt: Date.now() + answer.value.expiresIn * 1_000 }
      store.keepSession(session)
      return done(session.token)
    })
  }

  /** Logs in beside the first screen. If that fails, the next call with a token logs in. */
  const logInEarly = (): void => void logIn(EARLY_RENEWAL_MS)

  /** Sends a call, and once more with a new token if the server refuses this one as expired. */
  async function sendAsUser<T>(call: Call<T>): Promise<Result<T>> {
    const token = await logIn()
    if (!token.ok) return token
    const answer = await send(call, token.value)
    if (answer.ok || answer.error.code !== 'not_signed_in') return answer
    // Another call may already have logged in again.
    if (session !== null && session.token === token.value) session = null
    const renewed = await logIn()
    return renewed.ok ? send(call, renewed.value) : renewed
  }

  /**
   * Repeats a call until the answer is sufficient or no wait is left. Only for calls that are safe
   * to repeat.
   */
  async function retryUntil<T>(
    isSufficient: (answer: Result<T>) => boolean,
    waits: readonly number[],
    attempt: () => Promise<Result<T>>,
  ): Promise<Result<T>> {
    for (const ms of waits) {
      const answer = await attempt()
      const retryAfter = answer.ok ? 0 : (answer.error.retryAfterSeconds ?? 0)
      if (isSufficient(answer) || retryAfter > MAX_RETRY_AFTER_SECONDS) return answer
      await wait(Math.max(ms, retryAfter * 1_000))
    }
    return attempt()
  }

  const sendWithRetries = <T>(call: Call<T>): Promise<Result<T>> =>
    retryUntil(isFinal, RETRY_WAITS_MS, () => sendAsUser(call))

  /**
   * Stores the key before it sends, so that a lost answer or a killed app causes no second order.
   */
  async function place(basket: string, isBuying: boolean): Promise<Result<Placed>> {
    const earlier = store.find((open) => open.purchase?.basket === basket)
    const purchase = earlier?.purchase ?? { basket, key: newKey() }
    const forget = () => store.forget((open) => open.purchase?.key === purchase.key)
    if (earlier === undefined) store.keep({ purchase, outTradeNo: null })
    const withPayment = isBuying && isPrepayKnown
    const placed = await sendWithRetries({
      method: 'POST',
      path: '/orders',
      body: withPayment ? JSON.stringify({ ...JSON.parse(basket), prepay: true }) : basket,
      idempotencyKey: purchase.key,
      reads: isPlaced,
    })
    if (!placed.ok) {
      if (withPayment && isPrepayRefused(placed.error)) {
        isPrepayKnown = false
        return place(basket, isBuying)
      }
      if (placed.error.code === 'invalid_request' || placed.error.code === 'order_conflict')
        forget()
      return placed
    }
    const { order: stored, prepaid } = readPlaced(placed.value)
    const { outTradeNo, tradeState } = stored
    // The order was paid, for example from the list of orders, and the app knows it. The same
    // basket is then a new purchase.
    const isPaidElsewhere =
      tradeState === 'SUCCESS' && store.find((open) => open.outTradeNo === outTradeNo) === undefined
    if (
      earlier !== undefined &&
      (isPaidElsewhere || tradeState === 'CLOSED' || tradeState === 'REFUND')
    ) {
      forget()
      return place(basket, isBuying)
    }
    store.keep({ purchase, outTradeNo })
    return done({ order: stored, isNew: earlier === undefined, prepaid })
  }

  const order = (basket: string, isBuying: boolean): Promise<Result<Placed>> =>
    orderOnce.run(basket, () => place(basket, isBuying))

  /** `answered` is the answer that came with the order; it counts as the first attempt. */
  function prepay(
    outTradeNo: string,
    answered: Result<PaymentArguments> | null = null,
  ): Promise<Result<PaymentArguments>> {
    let first = answered
    return retryUntil(isFinal, RETRY_WAITS_MS, () => {
      const answer =
        first ??
        sendAsUser({
          method: 'POST',
          path: '/prepay',
          body: JSON.stringify({ outTradeNo }),
          reads: isPayment,
        })
      first = null
      return Promise.resolve(answer)
    })
  }

  const queryCall = (
    number: string,
    name: 'outTradeNo' | 'transactionId' = 'outTradeNo',
  ): Call<Order> => ({
    method: 'GET',
    path: `/query?${name}=${encodeURIComponent(number)}`,
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
    const result = await callPlatform<unknown>((callbacks) =>
      platform.requestPayment({ ...payment, ...callbacks }),
    )
    if (result.ok) return 'ok'
    return /cancel/i.test(result.errMsg) ? 'cancel' : { failed: result.errMsg }
  }

  const shippingCall = (outTradeNo: string): Call<Shipping> => ({
    method: 'GET',
    path: `/shipping?outTradeNo=${encodeURIComponent(outTradeNo)}`,
    reads: isShipping,
  })

  /** True: the component reports that the user has confirmed. The server is asked in any case. */
  async function openReceipt(transactionId: string): Promise<PlatformResult<boolean>> {
    const { stop, returned } = watchReturn(platform)
    const view = { businessType: RECEIPT_COMPONENT, extraData: { transaction_id: transactionId } }
    const opened = await callPlatform<unknown>((callbacks) => {
      if (platform.openBusinessView === undefined) throw new Error('there is no openBusinessView')
      return platform.openBusinessView({ ...view, ...callbacks })
    })
    if (opened.ok) return { ok: true, value: await returned }
    stop()
    return opened
  }

  async function confirmReceipt(outTradeNo: string): Promise<ReceiptOutcome> {
    const before = await sendWithRetries(shippingCall(outTradeNo))
    if (!before.ok) return { state: 'failed', problem: before.error }
    if (hasGoods(before.value)) return { state: 'confirmed', shipping: before.value }
    const { orderState, transactionId } = before.value
    if (orderState !== 'SHIPPED' || transactionId === undefined)
      return { state: 'failed', problem: problemOf('not_shipped', orderState ?? '') }
    const opened = await openReceipt(transactionId)
    const isReported = opened.ok && opened.value
    const after = await retryUntil(
      (answer) => (answer.ok ? !isReported || hasGoods(answer.value) : isFinal(answer)),
      CONFIRM_WAITS_MS,
      () => sendAsUser(shippingCall(outTradeNo)),
    )
    if (!after.ok) return { state: 'unknown', problem: after.error }
    if (hasGoods(after.value)) return { state: 'confirmed', shipping: after.value }
    return opened.ok
      ? { state: 'not_confirmed', shipping: after.value }
      : { state: 'failed', problem: problemOf('component_failed', opened.errMsg) }
  }

  async function buy(basket: string): Promise<Outcome> {
    const endedBefore = ended
    const placed = await order(basket, true)
    if (!placed.ok) return { state: 'failed', outTradeNo: null, problem: placed.error }
    const { outTradeNo } = placed.value.order
    return payOnce.run(outTradeNo, async () => {
      // A payment that ended meanwhile may be this order's. Then only the server knows its state.
      const answered = ended === endedBefore ? placed.value.prepaid : null
      const prepaid = await prepay(outTradeNo, answered)
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
    ended += 1
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

  /**
   * The server decides the outcome. After an "ok" an unpaid order is queried again, because the
   * server may learn of the payment a little later.
   */
  async function confirm(outTradeNo: string, hint: Hint): Promise<Outcome> {
    const isSufficient = (answer: Result<Order>) =>
      answer.ok ? hint !== 'ok' || isPaid(answer.value) : isFinal(answer)
    const answer = await retryUntil(isSufficient, CONFIRM_WAITS_MS, () =>
      sendAsUser(queryCall(outTradeNo)),
    )
    const known = readState(outTradeNo, answer)
    if (known.state !== 'unpaid') return known
    if (hint === 'ok') return { state: 'unknown', outTradeNo, problem: null }
    if (hint === 'cancel') return { state: 'cancelled', outTradeNo }
    return { state: 'failed', outTradeNo, problem: problemOf('cashier_failed', hint.failed) }
  }

  function forgetIfOver(outTradeNo: string, outcome: Outcome | Resumed): void {
    const isUnknownOrder = 'problem' in outcome && outcome.problem?.code === 'order_not_found'
    if (outcome.state === 'paid' || outcome.state === 'closed' || isUnknownOrder)
      store.forget((open) => open.outTradeNo === outTradeNo)
  }

  return {
    async products() {
      logInEarly()
      const catalogue: Call<Catalogue> = { method: 'GET', path: '/products', reads: isCatalogue }
      const answer = await retryUntil(isFinal, RETRY_WAITS_MS, () => send(catalogue, null))
      return answer.ok ? done(answer.value.products) : answer
    },
    orders: (cursor) =>
      sendWithRetries({
        method: 'GET',
        path: cursor === undefined ? '/orders' : `/orders?cursor=${encodeURIComponent(cursor)}`,
        reads: isPage,
      }),
    query: (outTradeNo) => sendWithRetries(queryCall(outTradeNo)),
    queryPayment: (transactionId) => sendWithRetries(queryCall(transactionId, 'transactionId')),
    async refunds(outTradeNo) {
      const answer = await sendWithRetries({
        method: 'GET',
        path: `/refund?outTradeNo=${encodeURIComponent(outTradeNo)}`,
        reads: hasRefunds,
      })
      return answer.ok ? done(answer.value.refunds) : answer
    },
    shipping: (outTradeNo) => sendWithRetries(shippingCall(outTradeNo)),
    confirmReceipt: (outTradeNo) => receiptOnce.run(outTradeNo, () => confirmReceipt(outTradeNo)),
    async phoneNumber({ detail: { code, errno, errMsg = '' } }) {
      if (errno === PHONE_QUOTA_USED_UP)
        return { ok: false, error: problemOf('phone_quota_used_up', errMsg) }
      if (code === undefined || code === '')
        return { ok: false, error: problemOf('phone_refused', errMsg) }
      const answer = await sendWithRetries({
        method: 'POST',
        path: '/login',
        body: JSON.stringify({ phoneCode: code }),
        reads: hasPhoneNumber,
      })
      return answer.ok ? done(answer.value.phoneNumber) : answer
    },
    async order(items, attach) {
      const placed = await order(JSON.stringify({ items, attach }), false)
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
        logInEarly()
        const outcomes: Resumed[] = []
        for (const { outTradeNo } of store.all()) {
          // Without a number no cashier was opened. The next purchase of that basket reuses its
          // key.
          if (outTradeNo === null) continue
          const answer = await sendWithRetries(queryCall(outTradeNo))
          // A payment in progress returns its own outcome.
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
  /** False if the order was found under an earlier key. */
  readonly isNew: boolean
  /** The answer of prepay that came with the order. Null without one. */
  readonly prepaid: Result<PaymentArguments> | null
}

/** The answer to an order with `prepay`. */
interface OrderWithPayment {
  readonly order: Order
  readonly payment: unknown
  readonly problem?: unknown
}

/** A server that does not know `prepay` answers with the order alone. */
function readPlaced(answer: Order | OrderWithPayment): Pick<Placed, 'order' | 'prepaid'> {
  if (!('order' in answer)) return { order: answer, prepaid: null }
  const { order, payment, problem } = answer
  if (isPayment(payment)) return { order, prepaid: done(payment) }
  if (!hasTexts(problem, ['code'])) return { order, prepaid: null }
  const { retryAfterSeconds: seconds } = problem
  return { order, prepaid: { ok: false, error: readProblem(problem, null, Number(seconds)) } }
}

function readState(outTradeNo: string, answer: Result<Order>): Resumed {
  if (!answer.ok) return { state: 'unknown', outTradeNo, problem: answer.error }
  if (isPaid(answer.value)) return { state: 'paid', order: answer.value }
  return answer.value.tradeState === 'CLOSED'
    ? { state: 'closed', outTradeNo }
    : { state: 'unpaid', order: answer.value }
}

/**
 * Waits until the user comes back to the app. Resolves with true if the component reports success,
 * and immediately with false if the platform does not tell.
 */
function watchReturn(platform: Platform): {
  readonly returned: Promise<boolean>
  stop(): void
} {
  let stop = () => {}
  const returned = new Promise<boolean>((resolve) => {
    if (platform.onAppShow === undefined) {
      resolve(false)
      return
    }
    const listener = ({ referrerInfo }: AppShown) => {
      stop()
      const isFromComponent = referrerInfo?.appId === RECEIPT_APPID
      resolve(isFromComponent && referrerInfo.extraData?.['status'] === 'success')
    }
    stop = () => void platform.offAppShow?.(listener)
    platform.onAppShow(listener)
  })
  return { returned, stop: () => stop() }
}

/** A key only has to differ from the same user's other keys, so it need not be hard to guess. */
const newKey = (): string => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Concurrent calls with the same name share one run of the work. */
function createSingleFlight<T>() {
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

/**
 * Data that survives a killed app, stored as text under separate keys for each server. If the
 * storage is full, the data lasts until the app ends.
 */
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
      // The value stays in memory.
    }
  }
  const [storedPayments, storedSession] = [read('open'), read('session')]
  let payments: readonly OpenPayment[] = Array.isArray(storedPayments)
    ? storedPayments.filter(isOpenPayment)
    : []
  const replace = (next: readonly OpenPayment[]): void => {
    payments = next.slice(-MAX_OPEN_PAYMENTS)
    write('open', payments)
  }

  return {
    session: isSession(storedSession) ? storedSession : null,
    keepSession: (session: Session): void => write('session', session),
    all: (): readonly OpenPayment[] => payments,
    find: (matches: (open: OpenPayment) => boolean): OpenPayment | undefined =>
      payments.find(matches),
    forget: (matches: (open: OpenPayment) => boolean): void =>
      replace(payments.filter((open) => !matches(open))),
    /** Replaces the entry of the same purchase or order. */
    keep({ purchase, outTradeNo }: OpenPayment): void {
      const isSame = (open: OpenPayment) =>
        (purchase !== null && open.purchase?.key === purchase.key) ||
        (outTradeNo !== null && open.outTradeNo === outTradeNo)
      replace([...payments.filter((open) => !isSame(open)), { purchase, outTradeNo }])
    },
  }
}

type PlatformResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errMsg: string }

/**
 * One platform call as a promise. The platform may also throw, and Taro rejects in addition to
 * `fail`.
 */
function callPlatform<T>(call: (callbacks: Callbacks<T>) => unknown): Promise<PlatformResult<T>> {
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
  if (statusCode >= 300 && hasTexts(data, ['code'])) {
    const seconds = Number(readHeader(header, 'retry-after') ?? Number.NaN)
    return { ok: false, error: readProblem(data, requestId, seconds) }
  }
  // A gateway's error counts as no answer, because the request did not reach the functions.
  const code = statusCode >= 500 ? 'network' : 'unreadable'
  return { ok: false, error: { ...problemOf(code, `HTTP ${statusCode}`), requestId } }
}

function readProblem(
  { code, detail, requestId }: Readonly<Record<string, unknown>>,
  sentId: string | null,
  seconds: number,
): Problem {
  return {
    code: String(code),
    detail: typeof detail === 'string' ? detail : '',
    requestId: sentId ?? (typeof requestId === 'string' ? requestId : null),
    retryAfterSeconds: seconds >= 0 ? seconds : null,
  }
}

/** Devices differ in the case of header names. */
function readHeader(header: object, name: string): string | null {
  const found = Object.entries(header).find(([key]) => key.toLowerCase() === name)
  return found === undefined ? null : String(found[1])
}

const isTransient = (problem: Problem): boolean => TRANSIENT_CODES.includes(problem.code)
const isFinal = (answer: Result<unknown>): boolean => answer.ok || !isTransient(answer.error)
const isPaid = ({ tradeState }: Order): boolean =>
  tradeState === 'SUCCESS' || tradeState === 'REFUND'

type Catalogue = { readonly products: readonly Product[] }
type RefundList = { readonly refunds: readonly Refund[] }
type Login = { readonly token: string; readonly expiresIn: number }
type PhoneAnswer = { readonly phoneNumber: string }

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
const isPlaced = (value: unknown): value is Order | OrderWithPayment =>
  isOrder(value) || (isRecord(value) && isOrder(value['order']))
/** The detail begins with the field that is refused. */
const isPrepayRefused = ({ code, detail }: Problem): boolean =>
  code === 'invalid_request' && /^prepay\b/.test(detail)
const isShipping = (value: unknown): value is Shipping => isOrder(value)
const hasGoods = ({ orderState }: Shipping): boolean =>
  orderState === 'RECEIVED' || orderState === 'AWAITING_SETTLEMENT' || orderState === 'FINISHED'
const isPage = (value: unknown): value is OrderPage =>
  isRecord(value) && Array.isArray(value['orders']) && value['orders'].every(isOrder)
const isRefund = (value: unknown): value is Refund =>
  hasTexts(value, ['outRefundNo', 'outTradeNo', 'refundStatus']) &&
  typeof value['refundFee'] === 'number'
const hasRefunds = (value: unknown): value is RefundList =>
  isRecord(value) && Array.isArray(value['refunds']) && value['refunds'].every(isRefund)
const isProduct = (value: unknown): value is Product =>
  hasTexts(value, ['sku', 'name']) && typeof value['price'] === 'number'
const isCatalogue = (value: unknown): value is Catalogue =>
  isRecord(value) && Array.isArray(value['products']) && value['products'].every(isProduct)
const isLogin = (value: unknown): value is Login =>
  hasTexts(value, ['token']) && typeof value['expiresIn'] === 'number'
const hasPhoneNumber = (value: unknown): value is PhoneAnswer => hasTexts(value, ['phoneNumber'])
const isSession = (value: unknown): value is Session =>
  hasTexts(value, ['token']) && typeof value['endsAt'] === 'number'
const isPayment = (value: unknown): value is PaymentArguments =>
  hasTexts(value, ['timeStamp', 'nonceStr', 'package', 'signType', 'paySign'])
const isOpenPayment = (value: unknown): value is OpenPayment =>
  isRecord(value) &&
  (value['purchase'] === null || hasTexts(value['purchase'], ['basket', 'key'])) &&
  (value['outTradeNo'] === null || typeof value['outTradeNo'] === 'string')
