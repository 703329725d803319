/**
 * Directed histories. Each round takes one purchase to a given step. A minute later, actions that
 * could break the same promise follow, zero to ten seconds apart.
 */
import fc from 'fast-check'
import type { Action, Operation } from './history.ts'
import { operationsOf, type Kind } from './operations.ts'

interface Round {
  readonly until: Extract<Operation, { kind: 'buy' }>['until']
  readonly kinds: readonly Kind[]
}

const repeated = (kind: Kind, times: number): readonly Kind[] =>
  Array.from({ length: times }, () => kind)

const ROUNDS: readonly Round[] = [
  { until: 'order', kinds: ['close', 'prepay', 'pay'] },
  { until: 'order', kinds: repeated('close while prepaying', 6) },
  { until: 'order', kinds: ['prepay again later'] },
  { until: 'order', kinds: ['prepay', 'foreign request', 'prepay', 'foreign request'] },
  { until: 'order', kinds: ['order with a key', 'order with a key', 'merchant order', 'list'] },
  { until: 'order', kinds: ['reuse a number', 'reuse a number'] },
  { until: 'prepay', kinds: ['close', 'prepay', 'pay', 'query'] },
  { until: 'prepay', kinds: ['pay', 'query', 'cron', 'query'] },
  { until: 'prepay', kinds: ['confuse redis', 'pay', 'empty redis', 'prepay'] },
  { until: 'prepay', kinds: repeated('query with a false answer', 4) },
  { until: 'prepay', kinds: repeated('extra notification', 5) },
  { until: 'prepay', kinds: ['move', 'extra notification', 'pay', 'query'] },
  { until: 'prepay', kinds: ['shipping trouble', 'pay', 'ship parcels', 'cron'] },
  { until: 'query', kinds: ['claim another payment', 'query by payment', 'claim another payment'] },
  { until: 'query', kinds: ['log in', 'foreign request', 'foreign request'] },
  { until: 'query', kinds: ['refund', 'refund', 'refund', 'cron'] },
  { until: 'query', kinds: ['refund', 'refund', 'look at refund', 'refund'] },
  { until: 'query', kinds: ['refund with a false answer'] },
  { until: 'query', kinds: ['refund', 'console refund', 'cron', 'query'] },
  { until: 'query', kinds: ['console refund', 'refund', 'refund', 'cron'] },
  { until: 'query', kinds: ['console refund', 'refund', 'cron'] },
  { until: 'query', kinds: ['ship parcels', 'cron', 'ship parcels', 'ship parcels'] },
  { until: 'query', kinds: ['ship', 'cron', 'cron'] },
  { until: 'query', kinds: ['shipping trouble', 'ship parcels', 'cron'] },
  { until: 'query', kinds: ['complain', 'act on complaint', 'act on complaint'] },
  { until: 'query', kinds: ['complain', ...repeated('act on complaint', 3)] },
  { until: 'query', kinds: ['complain', 'forge complaint', 'look at complaint'] },
]

const operations = operationsOf(fc.constant(0), fc.constant(0))
/** The seed is not shrunk, because another seed makes another history, not a smaller one. */
const seed = fc.noShrink(fc.nat())

/** WeChat has made a refund after 3,100 ms, and a waiting request times out within 10,000 ms. */
const delay = fc.constantFrom(0, 0, 0, 5, 100, 300, 2_000, 3_100, 10_000)
/** A purchase takes less than this, even if one of its requests times out. */
const AFTER_PURCHASE_MS = 60_000

const roundOf = ({ until, kinds }: Round): fc.Arbitrary<readonly Action[]> =>
  fc
    .record({
      buy: seed,
      rest: fc.tuple(
        ...kinds.map((kind) => fc.record({ operation: operations[kind], afterMs: delay, seed })),
      ),
    })
    .map(({ buy, rest }) => [
      {
        operation: { kind: 'buy' as const, user: 0, until },
        afterMs: AFTER_PURCHASE_MS,
        seed: buy,
      },
      ...rest.map((action, index) =>
        index === 0 ? { ...action, afterMs: AFTER_PURCHASE_MS } : action,
      ),
    ])

export const rounds: fc.Arbitrary<readonly Action[]> = fc
  .array(fc.oneof(...ROUNDS.map(roundOf)), { minLength: 2, maxLength: 5, size: 'max' })
  .map((all) => all.flat())
