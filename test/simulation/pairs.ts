/** The pairs that a search can reach: an action with a state of its order, and with a fault. */
import { REACHABLE } from './faults.ts'
import type { Kind } from './operations.ts'
import { ALL_KINDS } from './workloads.ts'

const STATES = ['none', 'NOTPAY', 'CLOSED', 'SUCCESS', 'REFUND']

/** They send no request. */
const SILENT: readonly Kind[] = ['empty redis', 'shipping trouble', 'move', 'change keys']

/** WeChat sends notifications only as part of these. */
const NOTIFYING: readonly Kind[] = [
  'buy',
  'pay',
  'refund',
  'console refund',
  'ship parcels',
  'complain',
  'act on complaint',
]

const meets = (kind: Kind, fault: string): boolean =>
  !SILENT.includes(kind) && (!fault.startsWith('notify') || NOTIFYING.includes(kind))

/** Every pair, by what it combines. */
export const PAIRS: Readonly<Record<string, readonly string[]>> = {
  'action and state of its order': ALL_KINDS.flatMap((kind) =>
    STATES.map((state) => `${kind} of ${state}`),
  ),
  'action and fault': ALL_KINDS.flatMap((kind) =>
    REACHABLE.filter((fault) => meets(kind, fault)).map((fault) => `${kind} with ${fault}`),
  ),
}
