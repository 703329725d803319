/** A history is a random workload with its faults. This file defines it and generates it. */
import fc from 'fast-check'
import type { MerchantAction } from './accepted.ts'
import { V2_MODES, V3_MODES, type Account } from './account.ts'
import { FORGERIES, type ActOnComplaint, type Complain, type ForgeComplaint } from './complaints.ts'
import { EXTRAS, type Extra } from './extra-notification.ts'
import { FAULTS, type Fault } from './faults.ts'
import type { ShipParcels } from './parcels.ts'
import { TROUBLES, type ShippingTrouble } from './shipping-trouble.ts'
import { TEXTS } from './texts.ts'

export type Operation =
  /**
   * A purchase as a Mini Program makes it. It retries when no answer arrives, and stops after the
   * step `until`.
   */
  | {
      readonly kind: 'buy'
      readonly user: number
      readonly until: 'order' | 'prepay' | 'pay' | 'query'
    }
  | {
      readonly kind: 'prepay' | 'pay' | 'query' | 'query by payment' | 'close' | 'foreign query'
      readonly which: number
    }
  | { readonly kind: 'log in'; readonly user: number; readonly times: number }
  /** Uses one idempotency key or order number several times, not always with the same content. */
  | {
      readonly kind: 'order with a key' | 'merchant order'
      readonly user: number
      readonly name: string
      readonly quantity: number
      readonly text: number
    }
  | { readonly kind: 'list'; readonly user: number }
  | {
      readonly kind: 'refund'
      readonly which: number
      readonly name: string
      readonly fee: number
      readonly text: number
    }
  /**
   * A refund that a person makes in WeChat's merchant console. Our system learns of it later, or
   * when WeChat refuses a refund of ours.
   */
  | {
      readonly kind: 'console refund'
      readonly which: number
      readonly fee: number
      readonly isNotifiedSoon: boolean
    }
  | { readonly kind: 'ship'; readonly which: number; readonly text: number }
  | ShipParcels
  | ShippingTrouble
  | Complain
  | ActOnComplaint
  | ForgeComplaint
  | { readonly kind: 'look at complaint'; readonly which: number }
  | { readonly kind: 'look at refund'; readonly which: number; readonly name: string }
  | { readonly kind: 'cron' | 'empty redis' | 'confuse redis' }
  /** The shop is deployed again, and places its new orders with its other protocol. */
  | { readonly kind: 'move' }
  /** WeChat changes the keys that it signs with. */
  | { readonly kind: 'change keys' }
  | { readonly kind: 'extra notification'; readonly which: number; readonly extra: Extra }
  /**
   * A false notification with a valid signature: it reports one order's payment for another order.
   */
  | { readonly kind: 'claim another payment'; readonly which: number }

export interface Action {
  readonly operation: Operation
  /** Delay after the start of the previous action, in milliseconds. Actions may overlap. */
  readonly afterMs: number
  /** Seed of every random choice made for this action. */
  readonly seed: number
}

export interface History {
  readonly account: Account
  readonly actions: readonly Action[]
  /** The faults that may occur in this history, and the probability that a request meets one. */
  readonly faults: readonly Fault[]
  readonly probability: number
  /** Seed of the random choices that belong to no action. */
  readonly seed: number
  readonly minuteOfDay: number
  readonly autoShips: boolean
  /** The callers of our functions once the faults have ended. */
  readonly recovery: 'WeChat and cron' | 'only cron' | 'WeChat first'
}

const user = fc.constantFrom(0, 1)
/** Not shrunk: another seed would make another history, not a smaller one. */
const seed = fc.noShrink(fc.nat())
/** Index of an order, newest first. */
const which = fc.constantFrom(0, 0, 0, 1, 2)
const name = fc.constantFrom('a', 'a', 'b', 'c')
const quantity = fc.constantFrom(1, 1, 1, 2)
const fee = fc.constantFrom(400, 1000, 1500, 2800)
/** Index into `TEXTS`. Most often 0, the ordinary text. */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(TEXTS.length - 1) },
)

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/**
 * From 0 to hours: within one request, within the life of a lock, after an order is closed, after a
 * `prepay_id` expires.
 */
const AFTER_MS = [
  0,
  0,
  0,
  1,
  5,
  20,
  20,
  100,
  300,
  300,
  SECOND_MS,
  SECOND_MS,
  3 * SECOND_MS,
  12 * SECOND_MS,
  25 * SECOND_MS,
  MINUTE_MS,
  4 * MINUTE_MS,
  6 * MINUTE_MS,
  6 * MINUTE_MS,
  30 * MINUTE_MS,
  114 * MINUTE_MS,
  119 * MINUTE_MS,
  126 * MINUTE_MS,
]
const afterMs = fc.constantFrom(...AFTER_MS)

const parcelRequest = fc.record({
  parcels: fc.subarray(['A', 'B', 'C', 'D'], { minLength: 1, maxLength: 2 }),
  afterMs,
  times: fc.constantFrom(1, 1, 2),
})
const shipParcels: fc.Arbitrary<ShipParcels> = fc.record({
  kind: fc.constant('ship parcels'),
  which,
  requests: fc.array(parcelRequest, { maxLength: 3 }),
  last: fc.option(parcelRequest, { freq: 4 }),
  isCorrected: fc.boolean(),
  late: fc.constantFrom(null, null, 'last', 'another'),
  text,
})

/** The merchant's actions on a complaint, one after the other. */
const COURSES: readonly (readonly MerchantAction[])[] = [
  ['reply'],
  ['reply', 'reply'],
  ['reply', 'finish'],
  ['approve', 'finish'],
  ['finish'],
  ['approve', 'reject'],
  ['reject', 'approve'],
]

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('buy'),
      user,
      until: fc.constantFrom('order', 'prepay', 'pay', 'pay', 'pay', 'query'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'prepay',
        'prepay',
        'pay',
        'pay',
        'query',
        'query',
        'close',
        'close',
        'query by payment',
        'foreign query',
      ),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('log in'), user, times: fc.constantFrom(1, 2, 3) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('order with a key', 'merchant order'),
      user,
      name,
      quantity,
      text,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('list'), user }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('refund'), which, name, fee, text }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('console refund'),
      which,
      fee,
      isNotifiedSoon: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ship'), which, text }) },
  { weight: 3, arbitrary: shipParcels },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('shipping trouble'),
      trouble: fc.constantFrom(...TROUBLES),
      times: fc.constantFrom(1, 2, 5, 20),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('complain'),
      which,
      problemType: fc.constantFrom('OTHERS', 'REFUND'),
      text,
      isNotifiedSoon: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('act on complaint'),
      which: fc.constantFrom(0, 0, 0, 1),
      actions: fc.constantFrom(...COURSES),
      times: fc.constantFrom(1, 1, 2, 3),
      text,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('look at complaint'), which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('forge complaint'),
      which,
      forgery: fc.constantFrom(...FORGERIES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('look at refund'), which, name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cron') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('empty redis', 'confuse redis') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('claim another payment'), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('move', 'change keys') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('extra notification'),
      which,
      extra: fc.constantFrom(...EXTRAS),
    }),
  },
)

/**
 * Mostly a few kinds of fault: with all of them together, few histories get past their first
 * requests.
 */
const faults = fc.oneof(
  { weight: 1, arbitrary: fc.constant<readonly Fault[]>([]) },
  { weight: 8, arbitrary: fc.subarray([...FAULTS], { minLength: 1, maxLength: 5 }) },
  { weight: 2, arbitrary: fc.constant(FAULTS) },
)

const v2 = fc.constantFrom(...V2_MODES)
const v3 = fc.constantFrom(...V3_MODES)
const none = fc.constant(null)
const account: fc.Arbitrary<Account> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ v2, v3: none, startsWith: fc.constant('v2') }) },
  { weight: 2, arbitrary: fc.record({ v2: none, v3, startsWith: fc.constant('v3') }) },
  { weight: 2, arbitrary: fc.record({ v2, v3, startsWith: fc.constantFrom('v2', 'v3') }) },
)

export const anyHistory: fc.Arbitrary<History> = fc.record({
  account,
  actions: fc.array(fc.record({ operation, afterMs, seed }), {
    minLength: 2,
    maxLength: 10,
    size: 'max',
  }),
  faults,
  probability: fc.constantFrom(0.03, 0.1, 0.1, 0.2, 0.4),
  seed,
  minuteOfDay: fc.integer({ min: 0, max: 1_439 }),
  autoShips: fc.boolean(),
  recovery: fc.constantFrom('WeChat and cron', 'only cron', 'WeChat first'),
})

/** Returns the history of a seed: the same one for every call. */
export function historyOf(historySeed: number): History {
  const [history] = fc.sample(anyHistory, { seed: historySeed, numRuns: 1 })
  if (history === undefined) throw new Error('no history was generated')
  return history
}

/**
 * A sale and a refund without faults. Every world runs it first, because modules that load on first
 * use take real time.
 */
export const CALM: History = {
  account: { v2: 'v2 HMAC-SHA256', v3: null, startsWith: 'v2' },
  actions: [
    { operation: { kind: 'buy', user: 0, until: 'pay' }, afterMs: 0, seed: 1 },
    {
      operation: { kind: 'refund', which: 0, name: 'a', fee: 1_000, text: 0 },
      afterMs: 60_000,
      seed: 2,
    },
    { operation: { kind: 'buy', user: 1, until: 'prepay' }, afterMs: 60_000, seed: 3 },
  ],
  faults: [],
  probability: 0,
  seed: 1,
  minuteOfDay: 600,
  autoShips: false,
  recovery: 'WeChat and cron',
}

/**
 * The most that the clock of an instance may be wrong: far more than NTP leaves, and less than the
 * age limit of a message.
 */
export const CLOCK_SKEW_MS = 90_000
