/** What a history is made of, and how one is drawn. */
import fc from 'fast-check'
import { MISHAPS, type Mishap } from './mishaps.ts'
import { TEXTS } from './texts.ts'

export type Deed =
  /** A whole purchase as a phone does it, tapping again where an answer stays out, until it is put away. */
  | {
      readonly do: 'buy'
      readonly user: number
      readonly until: 'order' | 'prepay' | 'pay' | 'query'
    }
  | {
      readonly do: 'prepay' | 'pay' | 'query' | 'query by payment' | 'close' | 'foreign query'
      readonly which: number
    }
  | { readonly do: 'log in'; readonly user: number; readonly times: number }
  /** The same key or number again, not always with the same content. */
  | {
      readonly do: 'order with a key' | 'merchant order'
      readonly user: number
      readonly name: string
      readonly quantity: number
      readonly text: number
    }
  | { readonly do: 'list'; readonly user: number }
  | {
      readonly do: 'refund'
      readonly which: number
      readonly name: string
      readonly fee: number
      readonly text: number
    }
  /** A refund that a person makes in WeChat's merchant console. Our system learns of it later, or from WeChat's refusal of its own. */
  | {
      readonly do: 'console refund'
      readonly which: number
      readonly fee: number
      readonly isNotifiedSoon: boolean
    }
  | { readonly do: 'ship'; readonly which: number; readonly text: number }
  | { readonly do: 'look at refund'; readonly which: number; readonly name: string }
  | { readonly do: 'cron' | 'empty redis' | 'confuse redis' }
  /** A notification, rightly signed, that says of one order what is true of another. */
  | { readonly do: 'claim another payment'; readonly which: number }

export interface Action {
  readonly deed: Deed
  /** Since the action before, in milliseconds. Nobody waits for anybody: actions overlap. */
  readonly afterMs: number
  /** Names all that happens by chance on behalf of this action. */
  readonly luck: number
}

export interface History {
  readonly actions: readonly Action[]
  /** Mishaps that are about in this history, and how likely each request is to meet with one. */
  readonly mishaps: readonly Mishap[]
  readonly likelihood: number
  /** Names what happens by chance on nobody's behalf. */
  readonly luck: number
  readonly minuteOfDay: number
  readonly shipsByItself: boolean
  /** Who calls when the mishaps are over. */
  readonly ending: 'everybody' | 'only cron' | 'first WeChat'
}

const user = fc.constantFrom(0, 1)
/** Other luck would be another history, not a smaller one. */
const luck = fc.noShrink(fc.nat())
/** Which order, newest first. */
const which = fc.constantFrom(0, 0, 0, 1, 2)
const name = fc.constantFrom('a', 'a', 'b', 'c')
const quantity = fc.constantFrom(1, 1, 1, 2)
const fee = fc.constantFrom(400, 1000, 1500, 2800)
/** Index into `TEXTS`: mostly ordinary text. */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(TEXTS.length - 1) },
)

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('buy'),
      user,
      until: fc.constantFrom('order', 'prepay', 'pay', 'pay', 'pay', 'query'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
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
    arbitrary: fc.record({ do: fc.constant('log in'), user, times: fc.constantFrom(1, 2, 3) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('order with a key', 'merchant order'),
      user,
      name,
      quantity,
      text,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('list'), user }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('refund'), which, name, fee, text }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('console refund'),
      which,
      fee,
      isNotifiedSoon: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('ship'), which, text }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look at refund'), which, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cron') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('empty redis', 'confuse redis') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('claim another payment'), which }) },
)

const SECOND_MS = 1_000
const MINUTE_MS = 60_000

/** From the same moment to hours later: at once, within one request, within a lock's life, past a close, past a `prepay_id`. */
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

/** Few kinds of mishap at a time reach further than all at once, which only ever breaks the first request. */
const weather = fc.oneof(
  { weight: 1, arbitrary: fc.constant<readonly Mishap[]>([]) },
  { weight: 8, arbitrary: fc.subarray([...MISHAPS], { minLength: 1, maxLength: 5 }) },
  { weight: 2, arbitrary: fc.constant(MISHAPS) },
)

export const anyHistory: fc.Arbitrary<History> = fc.record({
  actions: fc.array(fc.record({ deed, afterMs, luck }), {
    minLength: 2,
    maxLength: 10,
    size: 'max',
  }),
  mishaps: weather,
  likelihood: fc.constantFrom(0.03, 0.1, 0.1, 0.2, 0.4),
  luck,
  minuteOfDay: fc.integer({ min: 0, max: 1_439 }),
  shipsByItself: fc.boolean(),
  ending: fc.constantFrom('everybody', 'only cron', 'first WeChat'),
})

/** The history a seed names. */
export function historyOf(seed: number): History {
  const [history] = fc.sample(anyHistory, { seed, numRuns: 1 })
  if (history === undefined) throw new Error('no history was drawn')
  return history
}

/** A sale and a refund, and nothing goes wrong. Played first in every world: what is loaded when first needed takes real time. */
export const CALM: History = {
  actions: [
    { deed: { do: 'buy', user: 0, until: 'pay' }, afterMs: 0, luck: 1 },
    { deed: { do: 'refund', which: 0, name: 'a', fee: 1_000, text: 0 }, afterMs: 60_000, luck: 2 },
    { deed: { do: 'buy', user: 1, until: 'prepay' }, afterMs: 60_000, luck: 3 },
  ],
  mishaps: [],
  likelihood: 0,
  luck: 1,
  minuteOfDay: 600,
  shipsByItself: false,
  ending: 'everybody',
}
