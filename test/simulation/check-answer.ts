/** Which answers each function may give under any fault, and which secrets no answer may show. */
import * as v from 'valibot'
import { PAYOUT_SECRETS } from './payout-accounts.ts'
import type { World } from './world.ts'

export interface Answer {
  /** 0 if the connection broke. */
  readonly status: number
  readonly code: string
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

/**
 * Any function may give these: the function or one of its dependencies is temporarily unavailable.
 */
const ALWAYS_ALLOWED = [
  '0 no answer',
  '429 too_many_requests',
  '503 unavailable',
  '503 wechat_unknown',
  '503 wechat_busy',
  '502 wechat_untrusted',
  '503 too_slow',
]

const allowed: Readonly<Record<string, readonly string[]>> = {
  login: ['200', '401 login_code_used', '401 login_code_invalid'],
  orders: ['200', '201', '409 order_conflict'],
  prepay: [
    '200',
    '409 order_paid',
    '409 order_closed',
    '409 notice_contradicts',
    '404 order_not_found',
  ],
  query: ['200', '409 notice_contradicts', '404 order_not_found'],
  close: ['200', '409 order_paid', '409 notice_contradicts', '404 order_not_found'],
  refund: [
    '200',
    '202',
    '404 order_not_found',
    '404 refund_not_found',
    '409 order_not_paid',
    '409 refund_conflict',
    '409 refund_too_much',
    '409 refund_refused',
    '409 payout_refused',
    '409 payout_not_possible',
    '409 payout_in_console_only',
    '409 notice_contradicts',
  ],
  shipping: [
    '200',
    '404 order_not_found',
    '409 order_not_paid',
    '409 shipping_complete',
    '409 shipping_corrected',
    '409 shipping_refused',
  ],
  complaint: ['200', '404 complaint_not_found', '409 complaint_busy', '409 complaint_refused'],
  cron: ['200'],
  console: ['200'],
  health: ['200', '503'],
}

/** An order without its payment has the problem of prepay. */
const problem = v.object({ status: v.number(), code: v.string() })

/** Returns a problem for an answer that the function may not give, and for each secret in it. */
export function checkAnswer(
  world: World,
  name: string,
  answer: Answer,
  isHostile: boolean,
): readonly string[] {
  const { status, code, text, json } = answer
  const given = `${status} ${code}`.trim()
  const expected = [
    ...ALWAYS_ALLOWED,
    ...(allowed[name] ?? []),
    ...(isHostile ? ['400 invalid_request'] : []),
    // No key is known that could verify the list of certificates, so a damaged one looks like this.
    ...(world.account.v3 === 'v3 certificates' ? ['503 not_configured'] : []),
    ...(mayRefuse(world) ? ['502 wechat_refused'] : []),
    ...(mayLackRefunds(world) ? ['502 wechat_misconfigured'] : []),
  ]
  const problems = expected.includes(given) ? [] : [`${name} answered ${given}`]
  const secrets = secretsIn(world, text).filter(
    (secret) => !(name === 'login' && secret === 'a token'),
  )
  const embedded = v.safeParse(problem, json['problem'])
  const inside = embedded.success ? { ...answer, ...embedded.output, json: {}, text: '' } : null
  return [
    ...problems,
    ...(inside === null ? [] : checkAnswer(world, 'prepay', inside, false)),
    ...secrets.map((secret) => `7: ${name} showed ${secret}`),
  ]
}

/** APIv3 cannot list the refunds that were made in the console, until the bill names them. */
const mayLackRefunds = ({ account, simulator }: World): boolean =>
  account.v2 === null &&
  simulator.refunds().some(({ requestSource }) => requestSource === 'VENDOR_PLATFORM')

/** WeChat answers with a code that no table contains, or has an order with the same number. */
const mayRefuse = ({ record, earlier }: World): boolean =>
  record.counts.has('wechat: unknown code') || earlier.size > 0

const SECRETS = [
  'WECHAT_APP_SECRET',
  'WECHAT_PAY_KEY',
  'WECHAT_PAY_V3_KEY',
  'SESSION_SECRET',
  'MERCHANT_API_KEY',
  'CRON_SECRET',
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'ORDER_WEBHOOK_SECRET',
  'WECHAT_PAY_CERT_KEY',
]

/** Returns the names of the secrets that a text contains. */
export function secretsIn({ env }: World, text: string): readonly string[] {
  const found = SECRETS.filter((name) => text.includes(env[name] ?? name))
  if (PAYOUT_SECRETS.some((secret) => text.includes(secret))) found.push('an account of a payout')
  if (/eyJ[\w-]{10,}\./.test(text)) found.push('a token')
  if (text.includes('session_key')) found.push('a session_key')
  if (/node_modules\/|\n\s+at |file:\/\//.test(text)) found.push('a stack trace')
  return found
}
