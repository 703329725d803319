/** Every way out of these functions, and what a caller sees of it when it fails. */
import { parseDay } from '../../lib/core/day.ts'
import type { Failure } from '../../lib/core/failure.ts'
import { parseOutRefundNo } from '../../lib/core/ids.ts'
import type { Refund } from '../../lib/core/refund.ts'
import type { Result } from '../../lib/core/result.ts'
import type { Shipment } from '../../lib/core/shipment.ts'
import type { Deps, StoredEvent } from '../../lib/ports.ts'
import { fen, openOrder, paidOrder, theConfirmation } from './latte.ts'
import { must } from './must.ts'

/** A key to the Mini Program API, as WeChat gave it. */
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
}
const shipment: Shipment = {
  outTradeNo,
  logisticsType: 'virtual',
  parcels: [{ itemDesc: '拿铁' }],
  shippingState: 'PENDING',
  errCode: null,
  errText: null,
  contentHash: 'a',
  wasChanged: false,
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

/** Of what can be refunded with, a step learns only whether it is there. */
const failureOf = (result: Result<unknown, Failure>): Failure | null =>
  result.ok ? null : result.error

const gatewayOf = (deps: Deps) => deps.gateway(deps.account)

async function readWhole(deps: Deps): Promise<unknown[]> {
  const batches: unknown[] = []
  for await (const batch of gatewayOf(deps).readBill(must(parseDay('2025-01-01')), 5_000))
    batches.push(batch)
  return batches
}

const doors: readonly (readonly [name: string, call: (deps: Deps) => unknown])[] = [
  ['a login kept', (deps) => deps.users.remember(login)],
  ['the catalogue', (deps) => deps.catalogue.list()],
  ['an order found', (deps) => deps.ledger.find({ outTradeNo })],
  [
    'a payment settled',
    (deps) => deps.ledger.settle(openOrder, theConfirmation, 'query', AT, null),
  ],
  ['a refund claimed', (deps) => deps.refunds.claim(refund, AT)],
  ['shipments taken', (deps) => deps.shipments.takeDue(1, AT, AT)],
  ['a bill claimed', (deps) => deps.bills.claim(must(parseDay('2025-01-01')), 'once', AT, AT)],
  ['events taken', (deps) => deps.outbox.takeDue(1, AT, AT)],
  ['the database asked how it is', (deps) => deps.ledger.isReachable()],
  ['a prepay looked up', (deps) => deps.cache.prepays.find(outTradeNo)],
  [
    'an access token kept',
    (deps) => deps.cache.accessTokens.keep(openOrder.account.appid, ACCESS_TOKEN, 1_000, null),
  ],
  ['a notification locked', (deps) => deps.cache.lockNotification(outTradeNo)],
  ['Redis asked how all is', (deps) => deps.cache.findHealth()],
  [
    'a caller counted',
    (deps) => deps.limits.count('login', [{ kind: 'user', id: openOrder.openid }]),
  ],
  ['a login', (deps) => deps.miniProgram().logIn({ code: 'a-login-code' })],
  ['an order placed at WeChat', (deps) => gatewayOf(deps).placeOrder(openOrder, AT)],
  ['an order asked about', (deps) => gatewayOf(deps).queryOrder(openOrder)],
  ['an order closed at WeChat', (deps) => gatewayOf(deps).closeOrder(openOrder)],
  ['a refund sent', (deps) => gatewayOf(deps).sendRefund(refund)],
  ['a refund asked about', (deps) => gatewayOf(deps).queryRefund(refund)],
  ['an access token fetched', (deps) => deps.miniProgram().fetchAccessToken()],
  [
    'a shipment told',
    (deps) => deps.miniProgram().uploadShipping(ACCESS_TOKEN, shipment, paidOrder, AT),
  ],
  ['a bill read', readWhole],
  ['the refund settings', (deps) => failureOf(gatewayOf(deps).checkRefundSettings())],
  ['an event sent', (deps) => deps.webhook?.deliver(event)],
  ['a token issued', (deps) => deps.tokens.issue(login, AT)],
  ['a merchant let in', (deps) => typeof deps.merchantKey],
  ['cron let in', (deps) => typeof deps.cronSecret],
  ['shipping by itself', (deps) => deps.autoShipping],
  ['how many orders may be open', (deps) => deps.maxOpenOrders],
  ['where WeChat calls', (deps) => deps.notifyUrl],
]

export interface Outcome {
  readonly door: string
  /** What was thrown, if anything was. */
  readonly error: Error | undefined
  /** All that whoever called can read of it, but for the cause. */
  readonly text: string
}

/** Message, stack and whatever else it carries, hidden properties included. */
export function readError(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? String(error)
  const own = Object.getOwnPropertyNames(error).filter((name) => name !== 'cause')
  return [
    String(error),
    ...own.map((name) => `${name}: ${JSON.stringify(Reflect.get(error, name))}`),
  ].join('\n')
}

/**
 * Every door at once. A user's token is meant for the caller, and no outcome of anything else has
 * one.
 */
export const tryDoors = (deps: Deps): Promise<Outcome[]> =>
  Promise.all(
    doors.map(async ([door, call]) => {
      try {
        const value: unknown = await call(deps)
        return {
          door,
          error: undefined,
          text: door === 'a token issued' ? '' : (JSON.stringify(value) ?? ''),
        }
      } catch (cause) {
        return {
          door,
          error: cause instanceof Error ? cause : new Error(`${door} threw no Error`),
          text: readError(cause),
        }
      }
    }),
  )
