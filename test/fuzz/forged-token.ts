import { createHmac } from 'node:crypto'

const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value), 'utf8').toString('base64url')

/** When the tokens of these tests were issued, in seconds. */
export const ISSUED_AT = 1_735_758_245

export const GENUINE_CLAIMS: Readonly<Record<string, unknown>> = {
  iss: 'wechat-pay-functions',
  sub: 'oDemo000000000000000000User1',
  iat: ISSUED_AT,
  exp: ISSUED_AT + 86_400,
}

/** Builds a token with a valid signature and changed claims, without our token code. */
export function signedToken(secret: string, changes: Readonly<Record<string, unknown>>): string {
  const text = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ ...GENUINE_CLAIMS, ...changes })}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
