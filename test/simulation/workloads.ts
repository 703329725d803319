/**
 * Generates histories. A mixed workload draws from all actions and faults, so each of them is rare.
 * Swarm and aimed workloads repeat a few, because a mixture rarely has two rare events together.
 * Directed ones bring several requests about one order together. Small ones act on the newest
 * order, and long ones last for days.
 */
import fc from 'fast-check'
import { V2_MODES, V3_MODES, type Account } from './account.ts'
import { BILL_ERRORS } from './bill-errors.ts'
import { anyDelay, longDelay, noDelay } from './delays.ts'
import { FAULTS, type Fault } from './faults.ts'
import type { History } from './history.ts'
import { RECEIVERS } from './merchant.ts'
import { operationsOf, type Kind } from './operations.ts'
import { rounds } from './rounds.ts'

/** How often each kind occurs in a mixed history, in proportion. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  buy: 40,
  prepay: 6,
  pay: 6,
  query: 6,
  close: 6,
  'close while prepaying': 3,
  'prepay again later': 3,
  'query by payment': 3,
  'foreign request': 3,
  'claim another payment': 5,
  'query with a false answer': 5,
  'refund with a false answer': 5,
  'log in': 5,
  'order with a key': 3,
  'merchant order': 3,
  'reuse a number': 3,
  list: 5,
  refund: 20,
  'console refund': 10,
  'look at refund': 5,
  ship: 5,
  'ship parcels': 15,
  'shipping trouble': 10,
  complain: 15,
  'act on complaint': 20,
  'look at complaint': 5,
  'forge complaint': 5,
  cron: 10,
  'empty redis': 5,
  'confuse redis': 5,
  move: 5,
  'change keys': 5,
  'extra notification': 10,
}

/** Kinds of action that could break the same promise. `buy` is added to each list. */
const AIMS: readonly (readonly Kind[])[] = [
  ['prepay', 'pay', 'query', 'close', 'cron'],
  [
    'pay',
    'close',
    'close while prepaying',
    'query by payment',
    'claim another payment',
    'foreign request',
  ],
  ['extra notification', 'claim another payment', 'query with a false answer', 'close'],
  ['refund', 'console refund', 'look at refund', 'cron'],
  ['order with a key', 'merchant order', 'reuse a number', 'list', 'close'],
  ['log in', 'list', 'order with a key'],
  ['empty redis', 'confuse redis', 'prepay', 'prepay again later', 'pay'],
  ['move', 'change keys', 'extra notification', 'pay', 'refund', 'cron'],
  ['ship parcels', 'ship', 'shipping trouble', 'cron'],
  ['complain', 'act on complaint', 'look at complaint', 'forge complaint'],
  ['refund', 'ship parcels', 'complain', 'act on complaint'],
]

/** Without complaints and parcels, whose deadlines need a cron every 30 minutes. */
const LONG_KINDS: readonly Kind[] = [
  'prepay',
  'pay',
  'query',
  'close',
  'close while prepaying',
  'order with a key',
  'refund',
  'console refund',
  'move',
  'change keys',
  'extra notification',
  'cron',
]

export const ALL_KINDS = Object.keys(WEIGHTS).filter((kind): kind is Kind => kind in WEIGHTS)

const oneOrder = operationsOf(fc.constant(0), fc.constant(0))
const severalOrders = operationsOf(fc.constantFrom(0, 1), fc.constantFrom(0, 0, 0, 1, 2))

/** The seed is not shrunk, because another seed makes another history, not a smaller one. */
const seed = fc.noShrink(fc.nat())

/** @param isEven whether each kind is as frequent as the others */
function actionsOf(
  operations: typeof oneOrder,
  kinds: readonly Kind[],
  afterMs: fc.Arbitrary<number>,
  isEven = true,
) {
  const operation = fc.oneof(
    ...kinds.map((kind) => ({ weight: isEven ? 1 : WEIGHTS[kind], arbitrary: operations[kind] })),
  )
  return fc.array(fc.record({ operation, afterMs, seed }), {
    minLength: 2,
    maxLength: 10,
    size: 'max',
  })
}

const noFaults = fc.constant<readonly Fault[]>([])
/**
 * Mostly a few kinds of fault: with all of them together, few histories get past their first
 * requests.
 */
const someFaults = fc.oneof(
  { weight: 1, arbitrary: noFaults },
  { weight: 8, arbitrary: fc.subarray([...FAULTS], { minLength: 1, maxLength: 5 }) },
  { weight: 2, arbitrary: fc.constant(FAULTS) },
)
/** One or two kinds, which occur often. */
const fewFaults = fc.oneof(
  { weight: 1, arbitrary: noFaults },
  { weight: 3, arbitrary: fc.subarray([...FAULTS], { minLength: 1, maxLength: 2 }) },
)

const mixed = {
  actions: actionsOf(severalOrders, ALL_KINDS, anyDelay, false),
  faults: someFaults,
  probability: fc.constantFrom(0.03, 0.1, 0.1, 0.2, 0.4),
}
const often = { faults: fewFaults, probability: fc.constantFrom(0.1, 0.2, 0.4) }
/** A random choice of kinds. */
const swarm = {
  ...often,
  actions: fc
    .subarray([...ALL_KINDS], { minLength: 1, maxLength: 4 })
    .chain((kinds) => actionsOf(severalOrders, ['buy', ...kinds], anyDelay)),
}
const aimed = {
  ...often,
  actions: fc
    .tuple(fc.constantFrom(...AIMS), fc.constantFrom(noDelay, noDelay, anyDelay))
    .chain(([kinds, delay]) => actionsOf(severalOrders, ['buy', ...kinds], delay)),
}
const directed = { ...often, actions: rounds }
/** One payer, whose actions concern the newest order, and every fault. */
const small = {
  actions: actionsOf(oneOrder, ALL_KINDS, noDelay, false),
  faults: fc.constant(FAULTS),
  probability: fc.constantFrom(0.1, 0.2),
}
/** Several days. */
const long = { ...mixed, actions: actionsOf(severalOrders, ['buy', ...LONG_KINDS], longDelay) }

const v2 = fc.constantFrom(...V2_MODES)
const v3 = fc.constantFrom(...V3_MODES)
const none = fc.constant(null)
const account: fc.Arbitrary<Account> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ v2, v3: none, startsWith: fc.constant('v2') }) },
  { weight: 2, arbitrary: fc.record({ v2: none, v3, startsWith: fc.constant('v3') }) },
  { weight: 4, arbitrary: fc.record({ v2, v3, startsWith: fc.constantFrom('v2', 'v3') }) },
)

const historyIn = (workload: {
  readonly actions: fc.Arbitrary<History['actions']>
  readonly faults: fc.Arbitrary<History['faults']>
  readonly probability: fc.Arbitrary<number>
}): fc.Arbitrary<History> =>
  fc.record({
    ...workload,
    account,
    seed,
    minuteOfDay: fc.integer({ min: 0, max: 1_439 }),
    // Such a shop ships nothing in parcels.
    autoShips: fc.constantFrom(false, false, true),
    receiver: fc.oneof(
      { weight: 8, arbitrary: fc.constant('accepts') },
      { weight: 2, arbitrary: fc.constantFrom(...RECEIVERS) },
    ),
    bill: fc.oneof(
      { weight: 8, arbitrary: fc.constant('not compared') },
      { weight: 1, arbitrary: fc.constant('right') },
      { weight: 1, arbitrary: fc.constantFrom(...BILL_ERRORS) },
    ),
    recovery: fc.constantFrom('WeChat and cron', 'only cron', 'WeChat first'),
  })

export const anyHistory: fc.Arbitrary<History> = fc.oneof(
  { weight: 4, arbitrary: historyIn(mixed) },
  { weight: 3, arbitrary: historyIn(swarm) },
  { weight: 4, arbitrary: historyIn(aimed) },
  { weight: 24, arbitrary: historyIn(directed) },
  { weight: 2, arbitrary: historyIn(small) },
  { weight: 1, arbitrary: historyIn(long) },
)

/** Returns the history of a seed: the same one for every call. */
export function historyOf(historySeed: number): History {
  const [history] = fc.sample(anyHistory, { seed: historySeed, numRuns: 1 })
  if (history === undefined) throw new Error('no history was generated')
  return history
}
