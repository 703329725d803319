/** Calls every dependency of the functions, and collects what a caller can read when it fails. */
import { parseDay } from '../../lib/core/day.ts'
import type { Failure } from '../../lib/core/failure.ts'
import { parseOutRefundNo } from '../../lib/core/ids.ts'
import type { Refund } from '../../lib/core/refund.ts'
import type { Result } from '../../lib/core/result.ts'
import type { Shipment } from '../../lib/core/shipment.ts'
import type { Instance } from '../../lib/composition.ts'
import type { Edge } from '../../lib/http/edge.ts'
import type { Deps, StoredEvent } from '../../lib/ports.ts'
import { fen, openOrder, paidOrder, theConfirmation } from './latte.ts'
import { must } from './must.ts'

/** An access token to the Mini Program API. */
export const ACCESS_TOKEN = '99_an-access-token-that-opens-everything'

const AT = new Date('2025-01-02T03:04:05+08:00')
const { outTradeNo } = openOrder
const refund: Refund = {
  payment: paidOrder,
  outRefundNo: must(parseOutRefundNo('REFUND-1')),
  outTradeNo,
  refundFee: fen(700),
  refundDesc: null,
  refundStatus: 'PROCESSING',
  refundId: null,
  errCode: null,
  errText: null,
  waitingSince: new Date('2025-01-01T19:10:00Z'),
  isParked: false,
  payoutRequestedAt: null,
}
const shipment: Shipment = {
  outTradeNo,
  logisticsType: 'virtual',
  parcels: [{ itemDesc: '拿铁' }],
  shippingState: 'PENDING',
  errCode: null,
  errText: null,
  contentHash: 'a',
  isAllDelivered: true,
  isSplit: false,
  reportedParcels: 0,
  requestHash: null,
  earlierRequests: [],
  claim: null,
  uploadedAt: null,
  attempts: 0,
  requestedAt: AT,
}
const event: StoredEvent = {
  id: 'evt_1',
  type: 'payment.incident',
  createdAt: AT,
  data: { kind: 'order', outTradeNo, expected: {}, received: {}, source: 'cron' },
}
const login = {
  appid: openOrder.account.appid,
  openid: openOrder.openid,
  unionid: null,
  nickname: null,
  avatarUrl: null,
  requestHash: 'a',
  at: AT,
}

/** Returns only the failure, because a step never shows the refund settings. */
const failureOf = (result: Result<unknown, Failure>): Failure | null =>
  result.ok ? null : result.error

const gatewayOf = (deps: Deps) => deps.gateway(deps.account)

async function readWhole(deps: Deps): Promise<unknown[]> {
  const batches: unknown[] = []
  for await (const batch of gatewayOf(deps).readBill(must(parseDay('2025-01-01')), 5_000))
    batches.push(batch)
  return batches
}

const dependencies: readonly (readonly [
  name: string,
  call: (deps: Deps, edge: Edge) => unknown,
])[] = [
  ['a stored login', (deps) => deps.users.remember(login)],
  ['the catalogue', (deps) => deps.catalogue.list()],
  ['a found order', (deps) => deps.ledger.find({ outTradeNo })],
  [
    'a settled payment',
    (deps) => deps.ledger.settle(openOrder, theConfirmation, 'query', AT, null),
  ],
  ['a claimed refund', (deps) => deps.refunds.claim(refund, AT)],
  ['due shipments', (deps) => deps.shipments.takeDue(1, { by: 'cron', ms: 1_000 })],
  ['due settlements', (deps) => deps.settlements.takeDue(1, AT)],
  ['a claimed bill', (deps) => deps.bills.claim(must(parseDay('2025-01-01')), 'once', AT, AT)],
  ['due events', (deps) => deps.outbox.takeDue(1, AT, AT)],
  ['the reachability of the database', (deps) => deps.ledger.isReachable()],
  ['a cached prepay_id', (deps) => deps.cache.prepays.find(outTradeNo)],
  [
    'a cached access token',
    (deps) => deps.cache.accessTokens.keep(openOrder.account.appid, ACCESS_TOKEN, 1_000),
  ],
  ['a notification lock', (deps) => deps.cache.lockNotification(outTradeNo)],
  ['a claimed push', (deps) => deps.cache.claimPush('a')],
  [
    'a pushed message',
    (deps) =>
      deps.notifications.read({
        headers: new Headers(),
        query: new URLSearchParams({ signature: 'a', timestamp: '1', nonce: 'a' }),
        bytes: Buffer.from('{}'),
      }),
  ],
  ['a stored health answer', (deps) => deps.cache.findHealth()],
  [
    'a rate limit',
    (_, edge) => edge.limits.count('login', [{ kind: 'user', id: openOrder.openid }]),
  ],
  ['a login at WeChat', (deps) => deps.miniProgram().logIn({ code: 'a-login-code' })],
  ['a placed order at WeChat', (deps) => gatewayOf(deps).placeOrder(openOrder, AT)],
  ['a queried order', (deps) => gatewayOf(deps).queryOrder(openOrder)],
  ['a closed order at WeChat', (deps) => gatewayOf(deps).closeOrder(openOrder)],
  ['a sent refund', (deps) => gatewayOf(deps).sendRefund(refund)],
  ['a queried refund', (deps) => gatewayOf(deps).queryRefund(refund)],
  ['a new access token', (deps) => deps.miniProgram().fetchAccessToken()],
  [
    'an uploaded shipment',
    (deps) =>
      deps
        .miniProgram()
        .uploadShipping(ACCESS_TOKEN, { ...shipment, missing: shipment.parcels }, paidOrder, AT),
  ],
  [
    'an order in shipping management',
    (deps) => deps.miniProgram().getOrder(ACCESS_TOKEN, paidOrder),
  ],
  [
    'a phone number at WeChat',
    (deps) => deps.miniProgram().findPhoneNumber(ACCESS_TOKEN, 'a-phone-code', openOrder.openid),
  ],
  ['a downloaded bill', readWhole],
  ['the refund settings', async (deps) => failureOf(await gatewayOf(deps).checkRefundSettings())],
  ['a delivered event', (deps) => deps.webhook?.deliver(event)],
  ['a user token', (deps) => deps.tokens.issue(login, AT)],
  ['the merchant key', (_, edge) => typeof edge.merchantKey],
  ['the cron secret', (_, edge) => typeof edge.cronSecret],
  ['automatic shipping', (deps) => deps.autoShipping],
  ['virtual goods', (deps) => deps.virtualGoodsAllowed],
  ['the limit of open orders', (deps) => deps.maxOpenOrders],
  ['the notify address', (deps) => deps.notifyUrl],
]

export interface Outcome {
  readonly name: string
  /** The thrown error, if there was one. */
  readonly error: Error | undefined
  /** All the text that the caller can read, except the cause of the error. */
  readonly text: string
}

/** The message, the stack and every other property of an error, hidden ones included. */
export function readError(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? String(error)
  const own = Object.getOwnPropertyNames(error).filter((name) => name !== 'cause')
  return [
    String(error),
    ...own.map((name) => `${name}: ${JSON.stringify(Reflect.get(error, name))}`),
  ].join('\n')
}

/**
 * Calls every dependency concurrently. The text of a user token is not collected, because the
 * caller may read it.
 */
export const tryDependencies = ({ deps, edge }: Instance): Promise<Outcome[]> =>
  Promise.all(
    dependencies.map(async ([name, call]) => {
      try {
        const value: unknown = await call(deps, edge)
        return {
          name,
          error: undefined,
          text: name === 'a user token' ? '' : (JSON.stringify(value) ?? ''),
        }
      } catch (cause) {
        return {
          name,
          error: cause instanceof Error ? cause : new Error(`${name} threw no Error`),
          text: readError(cause),
        }
      }
    }),
  )
