/** A history is a random workload with its faults. */
import type { Account } from './account.ts'
import type { BillError } from './bill-errors.ts'
import type { ActOnComplaint, Complain, ForgeComplaint } from './complaints.ts'
import type { ReuseNumber } from './earlier-order.ts'
import type { Extra } from './extra-notification.ts'
import type { Fault } from './faults.ts'
import type { Receiver } from './merchant.ts'
import type { ShipParcels } from './parcels.ts'
import type { ShippingTrouble } from './shipping-trouble.ts'

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
      readonly kind: 'prepay' | 'pay' | 'query' | 'query by payment' | 'close'
      readonly which: number
    }
  /** A request of another user about the order. */
  | {
      readonly kind: 'foreign request'
      readonly which: number
      readonly step: 'prepay' | 'query' | 'close'
    }
  /** Unless `againAfterMs` is null, the same code arrives once more after that time. */
  | {
      readonly kind: 'log in'
      readonly user: number
      readonly times: number
      readonly againAfterMs: number | null
    }
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
      /** How many requests ask about the refund when WeChat notifies of it. */
      readonly looks: number
    }
  /**
   * A refund that a person makes in WeChat's merchant console. Our system learns of it later, or
   * when WeChat refuses a refund of ours.
   */
  | {
      readonly kind: 'console refund'
      readonly which: number
      readonly fee: number
      readonly endsAs: 'SUCCESS' | 'REFUNDCLOSE'
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
  | QueryFalsely
  /** A refund whose amount is another one in WeChat's next answer. */
  | { readonly kind: 'refund with a false answer'; readonly which: number }
  | { readonly kind: 'cron' | 'empty redis' | 'confuse redis' }
  /** Closes an order during its first prepay, then pays it if the prepay succeeded. */
  | { readonly kind: 'close while prepaying' }
  | ReuseNumber
  /** Prepays an order that expires in two days. After `afterMs`, prepays it again and pays it. */
  | { readonly kind: 'prepay again later'; readonly user: number; readonly afterMs: number }
  /** The shop is deployed again, and places its new orders with its other protocol. */
  | { readonly kind: 'move' }
  /** WeChat changes the keys that it signs with. */
  | { readonly kind: 'change keys' }
  | { readonly kind: 'extra notification'; readonly which: number; readonly extra: Extra }
  /**
   * A false notification with a valid signature: it reports one order's payment for another order.
   */
  | { readonly kind: 'claim another payment'; readonly which: number }

export const FALSEHOODS = [
  'wrong-amount',
  'wrong-key',
  'tamper',
  'wrong-mch-id',
  /** Without a signature, it says that WeChat does not have the order. */
  'unsigned refusal',
] as const

/** WeChat's next answer about a paid order is false. */
export interface QueryFalsely {
  readonly kind: 'query with a false answer'
  readonly which: number
  readonly by: 'query' | 'close' | 'cron'
  readonly falsehood: (typeof FALSEHOODS)[number]
}

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
  readonly receiver: Receiver
  /** The state of the bills. With a refund in the console they are always compared. */
  readonly bill: 'not compared' | 'right' | BillError
  /** The callers of our functions once the faults have ended. */
  readonly recovery: 'WeChat and cron' | 'only cron' | 'WeChat first'
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
      operation: { kind: 'refund', which: 0, name: 'a', fee: 1_000, text: 0, looks: 0 },
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
  receiver: 'accepts',
  bill: 'not compared',
  recovery: 'WeChat and cron',
}

/** The seed of `CALM` adds one more sale. This one adds nothing. */
export const WITHOUT_ENDING: History = { ...CALM, seed: 2 }

/**
 * The most that the clock of an instance may be wrong: far more than NTP leaves, and less than the
 * age limit of a message.
 */
export const CLOCK_SKEW_MS = 90_000
