/** Every fault, and the servers whose requests can meet it. */
import type { Fault as SimulatorFault } from '../../dev/wechat/faults.ts'
import type { WechatCall } from './wechat-calls.ts'

/**
 * The server that receives a request. `notify` is our function that WeChat calls; `function` is any
 * of ours that a Mini Program or a merchant calls.
 */
export type Target = 'database' | 'redis' | 'wechat' | 'merchant' | 'notify' | 'function'

/** Faults of the network and of the calling instance. Each affects one request. */
const networkFaults = {
  /** The connection breaks before the request arrives. */
  'request lost': ['database', 'redis', 'wechat', 'merchant', 'notify', 'function'],
  /** The server handled the request, and the caller sees a broken connection. */
  'answer lost': ['database', 'redis', 'wechat', 'merchant', 'notify', 'function'],
  /** The request arrives, and is handled, after the caller's deadline. */
  'request late': ['database', 'redis', 'wechat', 'merchant', 'notify'],
  'answer late': ['database', 'redis', 'wechat', 'merchant', 'notify'],
  /** The network delivers the request twice. */
  'sent twice': ['database', 'redis', 'wechat', 'merchant', 'notify', 'function'],
  /**
   * The server is out of connections, shutting down, deadlocked or over its rate limit, and does
   * nothing.
   */
  refused: ['database', 'redis', 'wechat', 'merchant'],
  /**
   * The database reads but cannot write: read-only after a failover, out of storage, or without
   * permission.
   */
  'write refused': ['database'],
  /**
   * Applied to signed answers only: nothing could detect a changed byte in another answer that TLS
   * let through.
   */
  'answer garbled': ['wechat'],
  'answer cut off': ['database', 'redis', 'wechat'],
  /** Half of the answer arrives, and then no more bytes. */
  'answer stalled': ['database', 'redis', 'wechat'],
  /** A message arrives in pieces, which may end within a line or a character. */
  'answer in pieces': ['database', 'redis', 'wechat'],
  'request in pieces': ['notify', 'function'],
  'request garbled': ['notify'],
  'request stalled': ['notify'],
  /** The calling instance dies before or after the server handles its request. */
  'instance dies before': ['database', 'redis', 'wechat', 'merchant'],
  'instance dies after': ['database', 'redis', 'wechat', 'merchant'],
  /**
   * The calling instance stops until its locks have expired and its deadlines have passed, and then
   * continues.
   */
  'instance freezes': ['database', 'redis', 'wechat', 'merchant'],
} as const satisfies Record<string, readonly Target[]>

/** Faults in the content of WeChat's messages. */
const messageFaults = {
  'wrong key': ['wechat', 'notify'],
  tampered: ['wechat', 'notify'],
  unsigned: ['wechat', 'notify'],
  'other appid': ['wechat', 'notify'],
  'other merchant': ['wechat', 'notify'],
  /** The signature is valid, and the amount is not the order's. */
  'other amount': ['wechat', 'notify'],
  'system error': ['wechat'],
  /** A signed refusal with an error code that our tables do not list. */
  'unknown code': ['wechat'],
  'gateway page': ['wechat', 'notify'],
  'fifteen copies': ['notify'],
  'held back': ['notify'],
  'refund ends closed': ['wechat'],
  /** The serial of a key that WeChat does not have. This fault and those below are of v3 only. */
  'unknown serial': ['wechat', 'notify'],
  /** Older than any message may be. */
  'old timestamp': ['wechat', 'notify'],
  'other signature type': ['wechat', 'notify'],
  /** The signature is valid, and the content is encrypted with another key. */
  'other encryption key': ['notify'],
  /** WeChat tests that the signature is checked, and then sends the notification. */
  'probe first': ['notify'],
  'unknown event first': ['notify'],
} as const satisfies Record<string, readonly Target[]>

export type NetworkFault = keyof typeof networkFaults
export type MessageFault = keyof typeof messageFaults
export type Fault = NetworkFault | MessageFault

const all: ReadonlyMap<Fault, readonly Target[]> = new Map<Fault, readonly Target[]>([
  ...keysOf(networkFaults).map((name) => [name, networkFaults[name]] as const),
  ...keysOf(messageFaults).map((name) => [name, messageFaults[name]] as const),
])

function keysOf<T extends object>(table: T): (keyof T)[] {
  const names: (keyof T)[] = []
  for (const name in table) names.push(name)
  return names
}

export const FAULTS: readonly Fault[] = [...all.keys()]
const isNetworkFault = (fault: Fault): fault is NetworkFault => Object.hasOwn(networkFaults, fault)
const affects = (fault: Fault, target: Target): boolean => all.get(fault)?.includes(target) ?? false
export const networkFaultsOf = (
  target: Target,
  faults: readonly Fault[],
): readonly NetworkFault[] =>
  faults.filter((fault) => isNetworkFault(fault)).filter((fault) => affects(fault, target))
export const messageFaultsOf = (
  target: Target,
  faults: readonly Fault[],
): readonly MessageFault[] =>
  faults.filter((fault) => !isNetworkFault(fault)).filter((fault) => affects(fault, target))

/**
 * Every pair of a server and a fault that can affect it. A search lists the pairs that it never
 * reached.
 */
export const REACHABLE: readonly string[] = [...all].flatMap(([fault, targets]) =>
  targets.map((target) => `${target}: ${fault}`),
)

const signed = [
  'unifiedorder',
  'orderquery',
  'closeorder',
  'refund',
  'refundquery',
  'complaint-query',
  'complaint-action',
] as const
/** They name neither the app nor the merchant, and their amounts decide nothing. */
const isComplaint = (on: string): boolean => on.startsWith('complaint-')

/**
 * Translates a fault for the WeChat simulator; null if the fault has no meaning for that call.
 * `notify` is the name of a notification, whose protocol is v3 if WeChat may send one of v3.
 */
export function toSimulatorFault(
  fault: MessageFault,
  { protocol, name }: WechatCall,
): SimulatorFault | null {
  const times = 1
  if (name === 'upload_shipping_info' && fault === 'unknown code')
    return { on: name, times, do: 'errcode', errcode: 99_999 }
  const on =
    name === 'notify' || (name === 'certificates' && protocol === 'v3')
      ? name
      : signed.find((one) => one === name)
  if (on === undefined) return null
  switch (fault) {
    case 'wrong key':
      return { on, times, do: 'wrong-key' }
    case 'tampered':
      return { on, times, do: 'tamper' }
    case 'unsigned':
      return { on, times, do: 'unsigned' }
    case 'other appid':
      return on === 'certificates' || isComplaint(on) ? null : { on, times, do: 'wrong-appid' }
    case 'other merchant':
      return on === 'certificates' || isComplaint(on) ? null : { on, times, do: 'wrong-mch-id' }
    case 'other amount':
      return on === 'orderquery' || on === 'refund' || on === 'refundquery' || on === 'notify'
        ? { on, times, do: 'wrong-amount' }
        : null
    case 'system error':
      return on === 'notify' ? null : { on, times, do: 'err-code', errCode: 'SYSTEMERROR' }
    case 'unknown code':
      return { on, times, do: 'err-code', errCode: 'CODE_OF_NEXT_YEAR', errCodeDes: '未知错误' }
    case 'gateway page':
      return { on, times, do: 'html' }
    case 'fifteen copies':
      return on === 'notify' ? { on, times, do: 'repeat', copies: 15 } : null
    case 'held back':
      return on === 'notify' ? { on, times, do: 'reorder' } : null
    case 'refund ends closed':
      return on === 'refund' ? { on, times, do: 'end-as', status: 'REFUNDCLOSE' } : null
    case 'unknown serial':
      return protocol === 'v3' ? { on, times, do: 'wrong-serial' } : null
    case 'old timestamp':
      return protocol === 'v3' ? { on, times, do: 'old-timestamp' } : null
    case 'other signature type':
      return protocol === 'v3' ? { on, times, do: 'other-signature-type' } : null
    case 'other encryption key':
      return protocol === 'v3' && on === 'notify' ? { on, times, do: 'wrong-api-key' } : null
    case 'probe first':
      return protocol === 'v3' && on === 'notify' ? { on, times, do: 'probe' } : null
    case 'unknown event first':
      return protocol === 'v3' && on === 'notify' ? { on, times, do: 'unknown-event' } : null
  }
}

/**
 * Whether WeChat signed answers or notifications with other amounts. The amounts of refunds made in
 * the console cannot be checked, so the ledger may have such an amount, or lack room for another
 * refund. The bill shows the difference to a person.
 *
 * @param counts how often each fault occurred in the history
 */
export const hasFalseAmounts = (counts: ReadonlyMap<string, number>): boolean =>
  ['wechat', 'notify'].some((on) => counts.has(`${on}: other amount`))
