/** The check of a request's `Authorization`. */
import { verify, type KeyObject } from 'node:crypto'
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
  const [mchid, nonce, , timestamp, serial] = names.map((name) => fields.get(name) ?? '')
  if (mchid !== mchId) return 'mchid is another merchant'
  if (serial !== merchant.serial) return 'serial_no is not the certificate of the merchant'
  if (!/^[0-9A-Za-z]{1,32}$/.test(nonce ?? '')) return 'nonce_str is not 1 to 32 letters or digits'
  if (!isTimely(timestamp ?? '', now)) return 'timestamp is not within five minutes'
  return findSignedLines(merchant.publicKey, fields, { method, target, body }) === null
    ? 'sign not match'
    : null
}

/** The lines that the request's signature covers. Null if it covers neither form of the target. */
export function findSignedLines(
  publicKey: KeyObject,
  fields: ReadonlyMap<string, string>,
  request: Pick<Incoming, 'method' | 'target' | 'body'>,
): string | null {
  const signature = Buffer.from(fields.get('signature') ?? '', 'base64')
  const lines = [request.target, withoutMount(request.target)].map((target) =>
    linesToSign(fields, { ...request, target }),
  )
  return lines.find((text) => verify('sha256', text, publicKey, signature))?.toString() ?? null
}

export const linesToSign = (
  fields: ReadonlyMap<string, string>,
  { method, target, body }: Pick<Incoming, 'method' | 'target' | 'body'>,
): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${method}\n${target}\n${fields.get('timestamp') ?? ''}\n${fields.get('nonce_str') ?? ''}\n`,
    ),
    body,
    Buffer.from('\n'),
  ])

/**
 * A base URL may have a path, as that of the local world. A proxy at such a path removes it, and
 * WeChat receives the rest.
 */
const withoutMount = (target: string): string => target.slice(Math.max(target.indexOf('/v3/'), 0))

/** Each field once, in any order. */
export function readAuthorization(header: string): ReadonlyMap<string, string> | null {
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
