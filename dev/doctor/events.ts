/** The webhook of the merchant's own system. No event is sent: only the connection is tested. */
import { configuredProtocols } from '../../lib/config/protocol.ts'
import { qstashSettings, webhookSettings } from '../../lib/config/webhook.ts'
import { ask } from './ask.ts'
import { isForReal, type Check } from './check.ts'
import { reporter, type Verdicts } from './finding.ts'

const NO_EVENTS = 'your system receives no events; they are repeated for three days'

const verdicts = {
  reachable: {
    status: 'ok',
    what: 'a server answers at ORDER_WEBHOOK_URL (no test event was sent)',
  },
  unreachable: {
    status: 'warning',
    what: 'ORDER_WEBHOOK_URL cannot be reached from here: {cause}',
    why: NO_EVENTS,
    where: 'your own system; only the functions need to reach it',
  },
  redirects: {
    status: 'warning',
    what: 'ORDER_WEBHOOK_URL redirects to another address',
    why: `redirects are not followed: ${NO_EVENTS}`,
    where: 'set ORDER_WEBHOOK_URL to the address that answers without a redirect',
  },
  late_warnings: {
    status: 'warning',
    what: 'cron runs once a day, and QSTASH_TOKEN is not set',
    why: 'the warning of a complaint’s deadline may come too late, and then WeChat may pay the payer back from your account',
    where:
      'set QSTASH_TOKEN, or have /api/cron called every 30 minutes: by vercel.json on the plan Pro, or by any scheduler',
  },
  in_the_clear: {
    status: 'warning',
    what: 'ORDER_WEBHOOK_URL is plain http',
    why: 'every network in between can read who paid what',
    where: 'use https',
  },
} as const satisfies Verdicts

const say = reporter('events', verdicts)

/** Minute and hour are single numbers, as in `0 3 * * *`. */
const DAILY = /^\d+ \d+ /

export const events: Check = {
  name: 'events',
  title: 'Events to your own system',
  verdicts,
  settings: [
    {
      names: ['ORDER_WEBHOOK_URL', 'ORDER_WEBHOOK_SECRET'],
      read: webhookSettings,
      need: 'feature',
      what: 'the address of your own system for events, and the secret that signs them',
      why: 'without it events are stored and not sent',
      where:
        'an address of your own system; for the secret: echo "whsec_$(openssl rand -base64 32)"',
    },
    {
      names: ['QSTASH_TOKEN', 'QSTASH_URL'],
      read: qstashSettings,
      need: 'exception',
      what: 'lets QStash deliver the events',
      why: NO_EVENTS,
      where: 'console.upstash.com → QStash',
    },
  ],
  inspect(patient) {
    const { env, crons } = patient
    const webhook = webhookSettings(env)
    if (!isForReal(patient) || webhook === null) return []
    const isLate =
      configuredProtocols(env).includes('v3') &&
      qstashSettings(env) === null &&
      crons.every((schedule) => DAILY.test(schedule))
    return [
      ...(webhook.url.startsWith('http:') ? [say('in_the_clear')] : []),
      ...(isLate ? [say('late_warnings')] : []),
    ]
  },
  examine: async ({ env, limitMs }) => {
    const webhook = webhookSettings(env)
    if (webhook === null) return []
    const found = await ask(webhook.url, { method: 'HEAD', limitMs })
    if ('cause' in found) return [say('unreachable', found)]
    return [found.status >= 300 && found.status < 400 ? say('redirects') : say('reachable')]
  },
}
