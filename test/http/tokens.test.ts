import { createHmac } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { parseOpenid } from '../../lib/core/ids.ts'
import { createTokens } from '../../lib/tokens.ts'
import { must } from '../support/must.ts'

const SECRET = 'demo-session-secret-of-32-bytes!'
const tokens = createTokens(SECRET, () => 'wx00000000demo0001')
const openid = must(parseOpenid('oDemo000000000000000000User1'))
const user = { appid: 'wx00000000demo0001', openid }
const at = new Date('2025-01-01T19:04:05Z')
const issuedAt = 1_735_758_245
const later = (seconds: number) => new Date((issuedAt + seconds) * 1000)

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** Builds a token without our code, as a forger does. */
function forge(header: object, payload: object, secret = SECRET, hash = 'sha256'): string {
  const text = `${part(header)}.${part(payload)}`
  return `${text}.${createHmac(hash, secret).update(text).digest('base64url')}`
}
const HEADER = { alg: 'HS256', typ: 'JWT' }
const EARLIER = { iss: 'wechat-pay-functions', sub: openid, iat: issuedAt, exp: issuedAt + 86_400 }
const PAYLOAD = { appid: 'wx00000000demo0001', ...EARLIER }

describe('a token', () => {
  test('identifies the user it was issued to', async () => {
    const { token } = await tokens.issue(user, at)
    expect(await tokens.read(token, later(7))).toEqual({
      appid: 'wx00000000demo0001',
      openid: 'oDemo000000000000000000User1',
      expiresInSeconds: 86_393,
    })
  })

  test('is valid for a day, and says so', async () => {
    expect((await tokens.issue(user, at)).expiresInSeconds).toBe(86_400)
  })

  test('is the same for the same user and second, so that a repeated login gets the same answer', async () => {
    expect(await tokens.issue(user, new Date(at.getTime() + 999))).toEqual(
      await tokens.issue(user, at),
    )
  })

  test('is a JWT that can be verified with the secret', async () => {
    expect((await tokens.issue(user, at)).token).toBe(forge(HEADER, PAYLOAD))
  })

  test('of an earlier version, which names no app, belongs to the app of the default account', async () => {
    expect(await tokens.read(forge(HEADER, EARLIER), at)).toMatchObject(user)
  })

  test('of another app keeps its app when another account becomes the default', async () => {
    const other = { appid: 'wx00000000demo0002', openid }
    const { token } = await tokens.issue(other, at)
    expect(await tokens.read(token, at)).toMatchObject(other)
  })

  test.each([[null], [7], [['wx00000000demo0001']], [''], ['wx00000000demo0001\0']])(
    'whose app is %j is refused, although its signature is valid',
    async (appid) => {
      expect(await tokens.read(forge(HEADER, { ...EARLIER, appid }), at)).toBeNull()
    },
  )

  test('contains only the user and the times', async () => {
    const { token } = await tokens.issue(user, at)
    expect(
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')),
    ).toEqual(PAYLOAD)
  })

  test('is valid in its last second', async () => {
    const { token } = await tokens.issue(user, at)
    expect(await tokens.read(token, later(86_399))).toEqual({ ...user, expiresInSeconds: 1 })
  })

  test('expires exactly one day after it was issued', async () => {
    const { token } = await tokens.issue(user, at)
    expect(await tokens.read(token, later(86_400))).toBeNull()
  })
})

describe('a token that was read before', () => {
  /** Counts the verifications of signatures while `work` runs. */
  async function countVerified(work: () => Promise<unknown>): Promise<number> {
    using verify = vi.spyOn(crypto.subtle, 'verify')
    await work()
    return verify.mock.calls.length
  }

  test('is verified once, and read again with the time that is left', async () => {
    const { read } = createTokens(SECRET, () => 'wx00000000demo0001')
    const token = forge(HEADER, PAYLOAD)
    const verified = await countVerified(async () => {
      expect(await read(token, at)).toEqual({ ...user, expiresInSeconds: 86_400 })
      expect(await read(token, later(86_399))).toEqual({ ...user, expiresInSeconds: 1 })
    })
    expect(verified).toBe(1)
  })

  test('still expires exactly one day after it was issued', async () => {
    const token = forge(HEADER, PAYLOAD)
    expect(await tokens.read(token, later(86_399))).not.toBeNull()
    expect(await tokens.read(token, later(86_400))).toBeNull()
  })

  test('opens nothing for a token that differs from it only in its signature', async () => {
    const token = forge(HEADER, PAYLOAD)
    expect(await tokens.read(token, at)).not.toBeNull()
    const [header, payload] = token.split('.')
    expect(await tokens.read(`${header}.${payload}.${'A'.repeat(43)}`, at)).toBeNull()
  })

  test('of an earlier version belongs to the app that is the default when it is read', async () => {
    let appid = 'wx00000000demo0001'
    const { read } = createTokens(SECRET, () => appid)
    await read(forge(HEADER, EARLIER), at)
    appid = 'wx00000000demo0002'
    expect(await read(forge(HEADER, EARLIER), at)).toMatchObject({ appid })
  })

  test('is verified again once a thousand newer ones were read', async () => {
    const { read } = createTokens(SECRET, () => 'wx00000000demo0001')
    const numbered = (number: number) => forge(HEADER, { ...PAYLOAD, iat: issuedAt - number })
    for (let number = 0; number <= 1_000; number += 1) await read(numbered(number), at)
    expect(await countVerified(() => read(numbered(0), at))).toBe(1)
    expect(await countVerified(() => read(numbered(1_000), at))).toBe(0)
  })
})

describe('a forged token', () => {
  const other = { ...PAYLOAD, sub: 'oDemo000000000000000000User2' }
  const [header, payload, signature] = forge(HEADER, PAYLOAD).split('.')

  test.each([
    ['signed with another secret', forge(HEADER, PAYLOAD, 'another-session-secret-of-32-byt')],
    ['signed with an empty secret', forge(HEADER, PAYLOAD, '')],
    ['without a signature, alg none', `${part({ alg: 'none' })}.${payload}.`],
    ['without a signature, alg None', `${part({ alg: 'None' })}.${payload}.`],
    [
      'with alg none and the original signature',
      `${part({ alg: 'none' })}.${payload}.${signature}`,
    ],
    ['with an empty signature', `${header}.${payload}.`],
    ['without a signature', `${header}.${payload}`],
    ['for another user with the original signature', `${header}.${part(other)}.${signature}`],
    [
      'with a later expiry and the original signature',
      `${header}.${part({ ...PAYLOAD, exp: issuedAt + 999_999 })}.${signature}`,
    ],
    [
      'signed with HS512 and our secret',
      forge({ ...HEADER, alg: 'HS512' }, PAYLOAD, SECRET, 'sha512'),
    ],
    ['with its own key', forge({ ...HEADER, jwk: { kty: 'oct', k: 'AAAA' } }, PAYLOAD, '\0\0\0')],
    ['that requires an extension', forge({ ...HEADER, crit: ['exp'] }, PAYLOAD)],
    ['of another issuer', forge(HEADER, { ...PAYLOAD, iss: 'another-issuer' })],
    ['without an issuer', forge(HEADER, { ...PAYLOAD, iss: undefined })],
    ['without an expiry', forge(HEADER, { ...PAYLOAD, exp: undefined })],
    ['with a text as its expiry', forge(HEADER, { ...PAYLOAD, exp: 'never' })],
    ['without a user', forge(HEADER, { ...PAYLOAD, sub: undefined })],
    ['for an empty user', forge(HEADER, { ...PAYLOAD, sub: '' })],
    ['for an invalid user', forge(HEADER, { ...PAYLOAD, sub: "o' OR 1=1" })],
    ['that is empty', ''],
    ['of two dots', '..'],
    ['that is not a JWT', 'merchant'],
  ])('%s is refused', async (_, token) => {
    expect(await tokens.read(token, at)).toBeNull()
  })
})
