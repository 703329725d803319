/**
 * Any text may arrive as a token. It identifies a user only if we issued it and it has not expired.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import fc from 'fast-check'
import * as v from 'valibot'
import { createTokens } from '../../lib/tokens.ts'
import { GENUINE_CLAIMS as GENUINE, ISSUED_AT as NOW, signedToken } from './forged-token.ts'
import { headerValue, hostileJson, hostileText } from './hostile-values.ts'
import { Violation, type Outcome, type Target } from './target.ts'

const SECRET = 'demo-session-secret-of-32-bytes!'
const OTHER_SECRET = 'another-session-secret-of-32-byt'
const OPENID = 'oDemo000000000000000000User1'
const APPID = 'wx00000000demo0001'
const tokens = createTokens(SECRET, () => APPID)

type Claims = Readonly<Record<string, unknown>>

const base64url = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')

const sometimes = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: other })

const header: fc.Arbitrary<Claims> = sometimes<Claims>(
  { alg: 'HS256', typ: 'JWT' },
  fc.oneof(
    fc
      .constantFrom(
        'none',
        'None',
        'NONE',
        '',
        'HS384',
        'HS512',
        'hs256',
        'RS256',
        'ES256',
        'EdDSA',
        'dir',
        'HS256\u0000',
        '__proto__',
      )
      .map((alg) => ({ alg })),
    hostileJson.map((alg) => ({ alg })),
    fc
      .tuple(
        fc.constantFrom('crit', 'b64', 'kid', 'jwk', 'jku', 'x5u', 'zip', 'cty', 'enc', 'typ'),
        hostileJson,
      )
      .map(([name, value]) => ({
        alg: 'HS256',
        [name]: value,
      })),
    fc.constant({}),
  ),
)

const EDGES = [
  NOW,
  NOW - 1,
  NOW + 1,
  NOW + 86_400,
  0,
  -1,
  NOW + 0.5,
  1e21,
  Number.MAX_SAFE_INTEGER,
  NOW * 1_000,
  `${NOW + 86_400}`,
  null,
  [NOW + 1],
]
const claimChange = fc.oneof(
  fc.constantFrom('iss', 'sub', 'iat', 'exp').map((name) => ({ [name]: undefined })),
  fc
    .tuple(fc.constantFrom('exp', 'nbf', 'iat'), fc.constantFrom<unknown[]>(...EDGES))
    .map(([name, value]) => ({ [name]: value })),
  fc
    .tuple(
      fc.constantFrom('sub', 'iss', 'exp', 'aud', 'nbf', 'iat', 'jti', '__proto__'),
      hostileJson,
    )
    .map(([name, value]) => ({ [name]: value })),
  fc.constantFrom<Claims[]>(
    { sub: [OPENID] },
    { sub: { toString: OPENID } },
    { sub: `${OPENID}\u0000` },
    { sub: `${OPENID} ` },
    { sub: '' },
  ),
)
const claims: fc.Arbitrary<string> = sometimes(
  JSON.stringify(GENUINE),
  fc.oneof(
    fc
      .array(claimChange, { minLength: 1, maxLength: 2 })
      .map((changes) => JSON.stringify(Object.assign({}, GENUINE, ...changes))),
    hostileJson.map((value) => JSON.stringify(value)),
    hostileText,
    fc.constant(JSON.stringify(GENUINE).replace('"sub":', '"sub":"somebodyElse","sub":')),
  ),
)

type Signing = (text: string) => string
const hmac =
  (hash: string, secret: string): Signing =>
  (text) =>
    createHmac(hash, secret).update(text).digest('base64url')
const signing = sometimes<Signing>(
  hmac('sha256', SECRET),
  fc.constantFrom<Signing[]>(
    hmac('sha256', OTHER_SECRET),
    hmac('sha256', ''),
    hmac('sha384', SECRET),
    hmac('sha512', SECRET),
    hmac('sha256', base64url(SECRET)),
    () => '',
    () => 'AA',
    (text) => hmac('sha256', SECRET)(text).slice(0, 22),
    (text) => `${hmac('sha256', SECRET)(text)}AA`,
  ),
)

const GENUINE_TOKEN = signedToken(SECRET, {})

/** Mutations of the finished token. A strict base64url reader refuses most of them. */
const textMutation = sometimes<(token: string) => string>(
  (token) => token,
  fc.oneof(
    fc.constantFrom<((token: string) => string)[]>(
      (token) => `${token}=`,
      (token) => `${token}==`,
      (token) => token.replaceAll('-', '+').replaceAll('_', '/'),
      (token) => token.replace('.', '..'),
      (token) => `${token}.`,
      (token) => `.${token}`,
      (token) => `${token}.${token}`,
      (token) => token.split('.').toReversed().join('.'),
      (token) =>
        token
          .split('.')
          .with(1, GENUINE_TOKEN.split('.')[1] ?? '')
          .join('.'),
      (token) =>
        token
          .split('.')
          .with(2, GENUINE_TOKEN.split('.')[2] ?? '')
          .join('.'),
      (token) => token.split('.').slice(0, 2).join('.'),
      (token) => `${token.split('.').slice(0, 2).join('.')}.`,
      (token) => ` ${token}`,
      (token) => `${token}\n`,
      (token) => token.replace('.', '\n.'),
      (token) => token.toLowerCase(),
      (token) => `Bearer ${token}`,
      (token) => encodeURIComponent(token),
    ),
    fc
      .tuple(fc.nat(), fc.constantFrom(...'AZaz09-_=+/. \u0000é'.split('')))
      .map(([where, character]) => (token: string) => {
        const index = token.length === 0 ? 0 : where % token.length
        return token.slice(0, index) + character + token.slice(index + 1)
      }),
    fc
      .nat()
      .map(
        (where) => (token: string) => token.slice(0, token.length === 0 ? 0 : where % token.length),
      ),
  ),
)

const token = fc.oneof(
  {
    weight: 12,
    arbitrary: fc
      .tuple(header, claims, signing, textMutation)
      .map(([head, body, signer, mutate]) => {
        const text = `${base64url(JSON.stringify(head))}.${base64url(body)}`
        return mutate(`${text}.${signer(text)}`)
      }),
  },
  { weight: 1, arbitrary: hostileText },
  { weight: 1, arbitrary: headerValue },
)

const at = new Date(NOW * 1_000)

export const tokenTarget: Target<string> = {
  name: 'tokens',
  inputs: token,
  async check(text): Promise<Outcome> {
    const user = await tokens.read(text, at)
    const expected = readByHand(text)
    if (user === null) return expected === null ? 'refused' : 'refused, signature valid'
    if (expected === null) throw new Violation('a token that we did not issue was accepted')
    if (expected.openid !== user.openid || expected.appid !== user.appid)
      throw new Violation('a token was read as another user’s')
    return 'accepted'
  },
  print: (text) => JSON.stringify(text),
}

const headerSchema = v.object({ alg: v.literal('HS256') })
const claimsSchema = v.object({
  iss: v.literal('wechat-pay-functions'),
  sub: v.pipe(v.string(), v.regex(/^[\w-]{1,128}$/)),
  appid: v.optional(v.string(), APPID),
  exp: v.pipe(v.number(), v.gtValue(NOW)),
  nbf: v.optional(v.pipe(v.number(), v.maxValue(NOW))),
})

/**
 * Reads the user by RFC 7515 and 7519 without a library; null if the signature or a claim is
 * invalid.
 */
function readByHand(text: string): { readonly appid: string; readonly openid: string } | null {
  const [head = '', body = '', signature = '', ...more] = text.split('.')
  if (more.length > 0) return null
  const expected = createHmac('sha256', SECRET).update(`${head}.${body}`).digest()
  const given = Buffer.from(signature, 'base64url')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  try {
    v.parse(headerSchema, JSON.parse(Buffer.from(head, 'base64url').toString('utf8')))
    const { appid, sub } = v.parse(
      claimsSchema,
      JSON.parse(Buffer.from(body, 'base64url').toString('utf8')),
    )
    return { appid, openid: sub }
  } catch {
    return null
  }
}
