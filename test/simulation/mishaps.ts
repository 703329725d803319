/** Everything that can go wrong between two parties, and between whom. */
import type { Fault } from '../../dev/wechat/simulator.ts'

/** Who is asked. `notify` is our own function, asked by WeChat; `function` is any of ours, asked by a phone or a merchant. */
export type Target = 'database' | 'redis' | 'wechat' | 'merchant' | 'notify' | 'function'

/** What the line does. Each holds for one request. */
const onTheLine = {
  /** The connection breaks and nothing arrives. */
  'request lost': ['database', 'redis', 'wechat', 'merchant', 'notify', 'function'],
  /** It was done, and whoever asked sees a broken connection. */
  'answer lost': ['database', 'redis', 'wechat', 'merchant', 'notify', 'function'],
  /** It arrives, and is done, when whoever asked has long given up. */
  'request late': ['database', 'redis', 'wechat', 'merchant', 'notify'],
  'answer late': ['database', 'redis', 'wechat', 'merchant', 'notify'],
  /** Something on the way sends it again. */
  'sent twice': ['database', 'redis', 'wechat', 'merchant', 'notify', 'function'],
  /** Out of connections, shutting down, deadlocked, too many requests: nothing is done. */
  refused: ['database', 'redis', 'wechat', 'merchant'],
  /** A database that reads and does not write: read-only after a failover, out of storage, or without the permission. */
  'write refused': ['database'],
  /** Of what is signed only: what the connection's own checksum lets through nobody else could notification. */
  'answer garbled': ['wechat'],
  'answer cut off': ['database', 'redis', 'wechat'],
  /** Half of the answer, then silence. */
  'answer stalled': ['database', 'redis', 'wechat'],
  'request garbled': ['notify'],
  'request stalled': ['notify'],
  /** The instance that asks is gone, before or after what it asked for is done. */
  'asker dies before': ['database', 'redis', 'wechat', 'merchant'],
  'asker dies after': ['database', 'redis', 'wechat', 'merchant'],
  /** It stops for so long that its locks expire and its deadlines pass, and goes on as if nothing had been. */
  'asker freezes': ['database', 'redis', 'wechat', 'merchant'],
} as const satisfies Record<string, readonly Target[]>

/** What WeChat's messages hold. */
const inTheMessage = {
  'wrong key': ['wechat', 'notify'],
  tampered: ['wechat', 'notify'],
  unsigned: ['wechat', 'notify'],
  'other appid': ['wechat', 'notify'],
  'other merchant': ['wechat', 'notify'],
  /** Rightly signed, and not what the order costs. */
  'other amount': ['wechat', 'notify'],
  'system error': ['wechat'],
  /** A signed refusal whose code stands in no table. */
  'unknown code': ['wechat'],
  'gateway page': ['wechat', 'notify'],
  'fifteen copies': ['notify'],
  'held back': ['notify'],
  'refund ends closed': ['wechat'],
} as const satisfies Record<string, readonly Target[]>

export type LineMishap = keyof typeof onTheLine
export type MessageMishap = keyof typeof inTheMessage
export type Mishap = LineMishap | MessageMishap

const all: ReadonlyMap<Mishap, readonly Target[]> = new Map<Mishap, readonly Target[]>([
  ...keysOf(onTheLine).map((name) => [name, onTheLine[name]] as const),
  ...keysOf(inTheMessage).map((name) => [name, inTheMessage[name]] as const),
])

function keysOf<T extends object>(table: T): (keyof T)[] {
  const names: (keyof T)[] = []
  for (const name in table) names.push(name)
  return names
}

export const MISHAPS: readonly Mishap[] = [...all.keys()]
const isOnTheLine = (mishap: Mishap): mishap is LineMishap => Object.hasOwn(onTheLine, mishap)
const canHappenTo = (mishap: Mishap, target: Target): boolean =>
  all.get(mishap)?.includes(target) ?? false
export const lineMishapsOf = (target: Target, mishaps: readonly Mishap[]): readonly LineMishap[] =>
  mishaps.filter((mishap) => isOnTheLine(mishap)).filter((mishap) => canHappenTo(mishap, target))
export const messageMishapsOf = (
  target: Target,
  mishaps: readonly Mishap[],
): readonly MessageMishap[] =>
  mishaps.filter((mishap) => !isOnTheLine(mishap)).filter((mishap) => canHappenTo(mishap, target))

/** Every mishap with everybody it can happen to: what a search has to reach to be one. */
export const REACHABLE: readonly string[] = [...all].flatMap(([mishap, targets]) =>
  targets.map((target) => `${target}: ${mishap}`),
)

const signed = ['unifiedorder', 'orderquery', 'closeorder', 'refund', 'refundquery'] as const

/** The same in the words of the WeChat simulator; null where a mishap means nothing on that path. */
export function toFault(mishap: MessageMishap, path: string): Fault | null {
  if (path === 'upload_shipping_info' && mishap === 'unknown code')
    return { on: path, times: 1, do: 'errcode', errcode: 99_999 }
  const on = path === 'notify' ? path : signed.find((one) => one === path)
  if (on === undefined) return null
  const times = 1
  switch (mishap) {
    case 'wrong key':
      return { on, times, do: 'wrong-key' }
    case 'tampered':
      return { on, times, do: 'tamper' }
    case 'unsigned':
      return { on, times, do: 'unsigned' }
    case 'other appid':
      return { on, times, do: 'wrong-appid' }
    case 'other merchant':
      return { on, times, do: 'wrong-mch-id' }
    case 'other amount':
      return on === 'unifiedorder' || on === 'closeorder' ? null : { on, times, do: 'wrong-amount' }
    case 'system error':
      return { on, times, do: 'err-code', errCode: 'SYSTEMERROR' }
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
  }
}
