/** The secrets that are made up here. Nobody outside can be asked about them. */
import { cronSecret, merchantKey, sessionSecret } from '../../lib/config.ts'
import type { Check } from './check.ts'
import { reporter, type Verdicts } from './finding.ts'

const MAKE_ONE = 'openssl rand -hex 32 makes one'

/** What can be tried out by whoever may call as often as they like. */
const SHORT = 16

const verdicts = {
  short_cron_secret: {
    status: 'warning',
    what: 'CRON_SECRET is shorter than 16 characters',
    why: 'whoever guesses it can start cron, as often as they like',
    where: MAKE_ONE,
  },
} as const satisfies Verdicts

const say = reporter('secrets', verdicts)

export const secrets: Check = {
  name: 'secrets',
  title: 'Secrets of your own',
  verdicts,
  settings: [
    {
      names: ['SESSION_SECRET'],
      read: sessionSecret,
      need: 'required',
      what: 'signs the tokens of users: at least 32 characters',
      why: 'nobody can log in',
      where: MAKE_ONE,
    },
    {
      names: ['MERCHANT_API_KEY'],
      read: merchantKey,
      need: 'advised',
      what: 'lets your own systems in: at least 32 characters',
      why: 'nobody can set the catalogue, refund or ship: those calls answer 401',
      where: MAKE_ONE,
    },
    {
      names: ['CRON_SECRET'],
      read: cronSecret,
      need: 'advised',
      what: 'what Vercel’s cron shows',
      why: 'cron answers 401: no bill is compared, and what nobody asks about is not repaired',
      where: MAKE_ONE,
    },
  ],
  inspect: ({ env }) => ((cronSecret(env) ?? ''.padEnd(SHORT)).length < SHORT ? [say('short_cron_secret')] : []),
}
