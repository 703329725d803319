/** Generates the operations of histories. */
import fc from 'fast-check'
import type { MerchantAction } from './accepted.ts'
import { FORGERIES } from './complaints.ts'
import { anyDelay, noDelay } from './delays.ts'
import { EXTRAS } from './extra-notification.ts'
import { FALSEHOODS, type Operation } from './history.ts'
import { TROUBLES } from './shipping-trouble.ts'
import { TEXTS } from './texts.ts'

const name = fc.constantFrom('a', 'a', 'b', 'c')
const quantity = fc.constantFrom(1, 1, 1, 2)
const fee = fc.constantFrom(400, 1000, 1500, 2800)
const looks = fc.constantFrom(0, 0, 1, 2)
/** Index into `TEXTS`. Most often 0, the ordinary text. */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(TEXTS.length - 1) },
)

const parcelRequest = fc.record({
  parcels: fc.subarray(['A', 'B', 'C', 'D'], { minLength: 1, maxLength: 2 }),
  afterMs: fc.oneof(noDelay, anyDelay),
  times: fc.constantFrom(1, 1, 2),
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

export type Kind = Operation['kind']

type Operations = { readonly [K in Kind]: fc.Arbitrary<Operation & { readonly kind: K }> }

/**
 * @param user index of a payer
 * @param which index of an order, newest first
 */
export const operationsOf = (
  user: fc.Arbitrary<number>,
  which: fc.Arbitrary<number>,
): Operations => ({
  buy: fc.record({
    kind: fc.constant('buy'),
    user,
    until: fc.constantFrom('order', 'prepay', 'pay', 'pay', 'pay', 'query'),
  }),
  prepay: fc.record({ kind: fc.constant('prepay'), which }),
  pay: fc.record({ kind: fc.constant('pay'), which }),
  query: fc.record({ kind: fc.constant('query'), which }),
  close: fc.record({ kind: fc.constant('close'), which }),
  'close while prepaying': fc.record({ kind: fc.constant('close while prepaying') }),
  'prepay again later': fc.record({
    kind: fc.constant('prepay again later'),
    user,
    afterMs: fc.constantFrom(100 * 60_000, 117 * 60_000, 121 * 60_000, 5 * 3_600_000),
  }),
  'query by payment': fc.record({ kind: fc.constant('query by payment'), which }),
  'foreign request': fc.record({
    kind: fc.constant('foreign request'),
    which,
    step: fc.constantFrom('prepay', 'query', 'close'),
  }),
  'claim another payment': fc.record({ kind: fc.constant('claim another payment'), which }),
  'query with a false answer': fc.record({
    kind: fc.constant('query with a false answer'),
    which,
    by: fc.constantFrom('query', 'close', 'cron'),
    falsehood: fc.constantFrom(...FALSEHOODS),
  }),
  'refund with a false answer': fc.record({
    kind: fc.constant('refund with a false answer'),
    which,
  }),
  'log in': fc.record({
    kind: fc.constant('log in'),
    user,
    times: fc.constantFrom(1, 2, 3),
    againAfterMs: fc.constantFrom(null, 20_000, 240_000, 10 * 60_000, 3 * 3_600_000),
  }),
  'order with a key': fc.record({
    kind: fc.constant('order with a key'),
    user,
    name,
    quantity,
    text,
  }),
  'merchant order': fc.record({ kind: fc.constant('merchant order'), user, name, quantity, text }),
  'reuse a number': fc.record({
    kind: fc.constant('reuse a number'),
    user,
    isSamePayer: fc.constantFrom(true, true, false),
    isSameFee: fc.constantFrom(true, true, false),
    earlier: fc.constantFrom('open', 'paid', 'paid', 'paid later', 'closed'),
    isNotifiedHere: fc.boolean(),
    steps: fc.array(fc.constantFrom('prepay', 'query', 'close', 'cron'), { maxLength: 4 }),
  }),
  list: fc.record({ kind: fc.constant('list'), user }),
  refund: fc.record({ kind: fc.constant('refund'), which, name, fee, text, looks }),
  'console refund': fc.record({
    kind: fc.constant('console refund'),
    which,
    fee,
    endsAs: fc.constantFrom('SUCCESS', 'REFUNDCLOSE'),
    isNotifiedSoon: fc.boolean(),
  }),
  'look at refund': fc.record({ kind: fc.constant('look at refund'), which, name }),
  ship: fc.record({ kind: fc.constant('ship'), which, text }),
  'ship parcels': fc.record({
    kind: fc.constant('ship parcels'),
    which,
    requests: fc.array(parcelRequest, { maxLength: 3 }),
    last: fc.option(parcelRequest, { freq: 4 }),
    isCorrected: fc.boolean(),
    late: fc.constantFrom(null, null, 'last', 'another'),
    text,
  }),
  'shipping trouble': fc.record({
    kind: fc.constant('shipping trouble'),
    troubles: fc.oneof(
      fc.shuffledSubarray([...TROUBLES], { minLength: 1, maxLength: 5 }),
      // One report meets several of these, one after the other.
      fc.shuffledSubarray(
        TROUBLES.filter((trouble) => trouble.startsWith('upload')),
        { minLength: 3 },
      ),
    ),
    times: fc.constantFrom(1, 1, 1, 2, 20),
  }),
  complain: fc.record({
    kind: fc.constant('complain'),
    which,
    problemType: fc.constantFrom('OTHERS', 'REFUND'),
    text,
    isNotifiedSoon: fc.boolean(),
  }),
  'act on complaint': fc.record({
    kind: fc.constant('act on complaint'),
    which: fc.constantFrom(0, 0, 0, 1),
    actions: fc.constantFrom(...COURSES),
    times: fc.constantFrom(1, 2, 3),
    text,
  }),
  'look at complaint': fc.record({ kind: fc.constant('look at complaint'), which }),
  'forge complaint': fc.record({
    kind: fc.constant('forge complaint'),
    which,
    forgery: fc.constantFrom(...FORGERIES),
  }),
  cron: fc.record({ kind: fc.constant('cron') }),
  'empty redis': fc.record({ kind: fc.constant('empty redis') }),
  'confuse redis': fc.record({ kind: fc.constant('confuse redis') }),
  move: fc.record({ kind: fc.constant('move') }),
  'change keys': fc.record({ kind: fc.constant('change keys') }),
  'extra notification': fc.record({
    kind: fc.constant('extra notification'),
    which,
    // Only a shop with both protocols can get the first.
    extra: fc.constantFrom('other protocol', 'other protocol', ...EXTRAS),
  }),
})
