/**
 * The rules for fields that several pay operations share, and the check of a request against them.
 */
import { BlockList, isIP } from 'node:net'
import type { Fields } from './signature.ts'
import { lacks, malformed, type Refusal } from './refusal.ts'

export type Rule = (value: string) => boolean
export type Rules = Readonly<Record<string, Rule>>

/** An order number of the merchant. */
export const isOrderNumber: Rule = (value) => /^[\w|*-]{6,32}$/.test(value)

/** A refund number of the merchant. */
export const isRefundNumber: Rule = (value) => /^[\w|*@-]{1,64}$/.test(value)

/** WeChat's type is `Int`. */
const MOST_FEN = 2_147_483_647

/** Whole fen in plain digits. */
export const isAmount: Rule = (value) =>
  /^\d+$/.test(value) && !value.startsWith('0') && Number(value) <= MOST_FEN

/** In bytes. WeChat does not publish whether it counts characters, and bytes are stricter. */
export const atMost =
  (bytes: number): Rule =>
  (value) =>
    Buffer.byteLength(value) <= bytes

export const oneOf =
  (...allowed: readonly string[]): Rule =>
  (value) =>
    allowed.includes(value)

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

export const isLoopback = (address: string): boolean =>
  isIP(address) !== 0 && loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

/**
 * Plain http is accepted for loopback addresses only, so that the local world receives
 * notifications without a certificate.
 */
export function isNotifyUrl(value: string): boolean {
  if (value.length > 256 || /[?#\s]/.test(value) || !URL.canParse(value)) return false
  const url = new URL(value)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' && (host === 'localhost' || isLoopback(host)))
  )
}

/** Returns the first field that breaks its rule, or null. An empty field counts as absent. */
export function findBadField(request: Fields, required: Rules, optional: Rules): Refusal | null {
  const missing = Object.keys(required).find((name) => !request.has(name))
  if (missing !== undefined) return lacks(missing)
  const bad = Object.entries({ ...required, ...optional }).find(
    ([name, accepts]) => !accepts(request.get(name) ?? '') && request.has(name),
  )
  return bad === undefined ? null : malformed(bad[0])
}
