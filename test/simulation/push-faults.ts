/** The faults of message push. Null: the push arrives as WeChat sends it. */
import type { Fault } from '../../dev/wechat/faults.ts'

export const PUSH_FAULTS = [
  null,
  null,
  'drop',
  'lose-answer',
  'repeat',
  'reorder',
  'no-settlement',
  'tamper',
  'wrong-key',
  'unsigned',
  'wrong-appid',
  'old-timestamp',
  'bad-padding',
] as const

export const toPushFault = (kind: NonNullable<(typeof PUSH_FAULTS)[number]>): Fault =>
  kind === 'repeat'
    ? { on: 'push', do: kind, copies: 3, times: 1 }
    : { on: 'push', do: kind, times: 1 }
