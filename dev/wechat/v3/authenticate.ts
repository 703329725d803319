/** The check of a request's `Authorization`. */
import { verify } from 'node:crypto'
import type { Incoming } from '../exchange.ts'
import type { V3 } from './account.ts'

const SCHEME = 'WECHATPAY2-SHA256-RSA2048 '
const CLOCK_SKEW_SECONDS = 300
const names = ['mchid', 'nonce_str', 'signature', 'timestamp', 'serial_no'] as const

/** @returns the reason of a refusal, or null */
export function findBadAuthorization(
  { merchant }: V3,
  mchId: string,
  { method, target, headers, body }: Incoming,
  now: number,
): string | null {
  const fields = readAuthorization(headers.get('authorization') ?? '')
  if (fields === null) return 'Authorization is not of the form that APIv3 demands'
  const [mchid, nonce, signature, timestamp, serial] = names.map((name) => fields.get(name) ?? '')
  if (mchid !== mchId) return 'mchid is another merchant'
  if (serial !== merchant.serial) return 'serial_no is not the certificate of the merchant'
  if (!/^[0-9A-Za-z]{1,32}$/.test(nonce ?? '')) return 'nonce_str is not 1 to 32 letters or digits'
  if (!isTimely(timestamp ?? '', now)) return 'timestamp is not within five minutes'
  const isSigned = (signedTarget: string): boolean => {
    const message = Buffer.concat([
      Buffer.from(`${method}\n${signedTarget}\n${timestamp}\n${nonce}\n`),
      body,
      Buffer.from('\n'),
    ])
    return verify('sha256', message, merchant.publicKey, Buffer.from(signature ?? '', 'base64'))
  }
  return isSigned(target) || isSigned(withoutMount(target)) ? null : 'sign not match'
}

/**
 * A base URL may have a path, as that of the local world. A proxy at such a path removes it, and
 * WeChat receives the rest.
 */
const withoutMount = (target: string): string => target.slice(Math.max(target.indexOf('/v3/'), 0))

/** Each field once, in any order. */
function readAuthorization(header: string): ReadonlyMap<string, string> | null {
  if (!header.startsWith(SCHEME)) return null
  const parts = header.slice(SCHEME.length).split(',')
  const fields = new Map(
    parts.flatMap((part) => {
      const [, name, value] = /^([a-z_]+)="([^"]+)"$/.exec(part) ?? []
      return name === undefined || value === undefined ? [] : [[name, value] as const]
    }),
  )
  const isComplete = parts.length === names.length && names.every((name) => fields.has(name))
  return isComplete ? fields : null
}

const isTimely = (timestamp: string, now: number): boolean =>
  /^\d{10}$/.test(timestamp) && Math.abs(now / 1000 - Number(timestamp)) <= CLOCK_SKEW_SECONDS
