/** The secrets that the merchant invents. No service can check them. */
import { cronSecret, merchantKey, sessionSecret } from '../../lib/config/edge.ts'
import type { Check, Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

const MAKE_ONE = 'openssl rand -hex 32 makes one'

/** A secret that can be guessed by trying. */
const SHORT = 16

const verdicts = {
  short_cron_secret: {
    status: 'warning',
    what: 'CRON_SECRET is shorter than 16 characters',
    why: 'an attacker who guesses it can run cron without limit',
    where: MAKE_ONE,
  },
  shared: {
    status: 'warning',
    what: '{name} has the same value as {other}',
    why: 'an attacker who learns one of them has both',
    where: `each needs its own: ${MAKE_ONE}`,
  },
} as const satisfies Verdicts

const say = reporter('secrets', verdicts)

function findSame({ env }: Patient, name: string, others: readonly string[]): Finding | null {
  const other = others.find((one) => env[one] === env[name])
  return other === undefined ? null : say('shared', { name, other })
}

export const secrets: Check = {
  name: 'secrets',
  title: 'Secrets of your own',
  verdicts,
  settings: [
    {
      names: ['SESSION_SECRET'],
      read: sessionSecret,
      need: 'required',
      what: 'the secret that signs the tokens of users: at least 32 characters',
      why: 'no user can log in',
      where: MAKE_ONE,
    },
    {
      names: ['MERCHANT_API_KEY'],
      read: merchantKey,
      doubt: (patient) => findSame(patient, 'MERCHANT_API_KEY', ['SESSION_SECRET']),
      need: 'advised',
      what: 'the key of your own systems: at least 32 characters',
      why: 'the merchant cannot set the catalogue, refund or ship: those calls answer 401',
      where: MAKE_ONE,
    },
    {
      names: ['CRON_SECRET'],
      read: cronSecret,
      doubt: (patient) =>
        findSame(patient, 'CRON_SECRET', ['SESSION_SECRET', 'MERCHANT_API_KEY']) ??
        ((cronSecret(patient.env) ?? '').length < SHORT ? say('short_cron_secret') : null),
      need: 'advised',
      what: 'the secret that Vercel’s cron sends',
      why: 'cron answers 401: no bill is compared, and lost notifications are recovered only by queries',
      where: MAKE_ONE,
    },
  ],
}
