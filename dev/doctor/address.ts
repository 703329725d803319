/**
 * The public address: the health of the deployment, and the answer of notify to an unsigned
 * message. Notify refuses the message, and runs due work afterwards, as after any request.
 */
import * as v from 'valibot'
import { notifyUrl } from '../../lib/config/orders.ts'
import { readXml } from '../../lib/wechat/xml.ts'
import { ask, type Answer } from './ask.ts'
import type { Check, Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'

const DOMAINS = 'vercel.com → your project → Settings → Domains'
const NO_NOTIFICATIONS =
  'WeChat’s notifications do not arrive: a payment is found only by a query or by cron'

const verdicts = {
  healthy: { status: 'ok', what: 'the deployment reaches the database, Redis and WeChat' },
  notify_works: { status: 'ok', what: 'notify answers, and refuses an unsigned message' },
  unreachable: {
    status: 'wrong',
    what: 'PUBLIC_URL cannot be reached: {cause}',
    why: NO_NOTIFICATIONS,
    where: `${DOMAINS}, and the DNS of the domain`,
  },
  redirects: {
    status: 'wrong',
    what: 'PUBLIC_URL redirects to {to}',
    why: `WeChat follows no redirect: ${NO_NOTIFICATIONS}`,
    where: `set PUBLIC_URL to the domain that answers without a redirect, or change which domain redirects: ${DOMAINS}`,
  },
  protected: {
    status: 'wrong',
    what: 'Vercel’s Deployment Protection blocks PUBLIC_URL',
    why: `WeChat is answered 401: ${NO_NOTIFICATIONS}`,
    where:
      'vercel.com → your project → Settings → Deployment Protection: switch Vercel Authentication off for production, or use the production domain',
  },
  asks_who: {
    status: 'wrong',
    what: 'a server in front of {path} asks for a password (401)',
    why: NO_NOTIFICATIONS,
    where: 'the server in front of Vercel for this domain: let /api pass',
  },
  filtered: {
    status: 'wrong',
    what: 'a firewall or bot filter refuses {path} ({status})',
    why: NO_NOTIFICATIONS,
    where:
      'vercel.com → your project → Firewall: let /api/notify pass, and do the same on any other server in front of the domain',
  },
  nothing_there: {
    status: 'wrong',
    what: 'there is no {path} at PUBLIC_URL (404)',
    why: NO_NOTIFICATIONS,
    where: `${DOMAINS}: check that the domain leads to this project, and that the project is deployed`,
  },
  crashes: {
    status: 'wrong',
    what: '{path} fails ({status})',
    why: NO_NOTIFICATIONS,
    where: 'vercel.com → your project → Logs',
  },
  strange_status: {
    status: 'wrong',
    what: '{path} answers with status {status}, which the functions never use',
    why: 'another program may be there',
    where: `${DOMAINS}: check that the domain leads to this project`,
  },
  not_ours: {
    status: 'wrong',
    what: '{path} does not answer as the functions do; perhaps it is a page',
    why: NO_NOTIFICATIONS,
    where: `${DOMAINS}: check that the domain leads to this project`,
  },
  part_down: {
    status: 'wrong',
    what: 'the deployed functions do not reach: {parts}',
    why: 'their variables are not those of this environment, or were set after the last deployment',
    where:
      'vercel.com → your project → Settings → Environment Variables; then redeploy, because a change applies from the next deployment on',
  },
  believes_anything: {
    status: 'wrong',
    what: 'notify answers SUCCESS to an unsigned message',
    why: 'it is another program: payments would be acknowledged and lost',
    where: `${DOMAINS}: check that the domain leads to this project`,
  },
} as const satisfies Verdicts

const say = reporter('address', verdicts)

export const address: Check = {
  name: 'address',
  title: 'Address',
  verdicts,
  settings: [
    {
      names: ['PUBLIC_URL'],
      instead: ['VERCEL_PROJECT_PRODUCTION_URL'],
      read: notifyUrl,
      need: 'required',
      what: 'your own domain, with https:// (a domain under vercel.app cannot be reached from China)',
      why: NO_NOTIFICATIONS,
      where: `${DOMAINS}: add a domain of yours, then set PUBLIC_URL to it (https://pay.example.com)`,
    },
  ],
  examine,
}

const HEALTH = '/api/health'
const NOTIFY = '/api/notify'

async function examine({ env, limitMs }: Patient): Promise<readonly Finding[]> {
  const notify = notifyUrl(env)
  const [health, notification] = await Promise.all([
    ask(notify.replace(/\/api\/notify$/, HEALTH), { method: 'GET', limitMs }),
    ask(notify, {
      method: 'POST',
      headers: { 'content-type': 'text/xml', 'user-agent': 'Mozilla/4.0' },
      body: '<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>',
      limitMs,
    }),
  ])
  const findings = [
    'cause' in health ? say('unreachable', health) : judgeHealth(health),
    'cause' in notification
      ? say('unreachable', notification)
      : await judgeNotification(notification),
  ]
  // A problem that both requests have is reported once.
  return findings.filter(
    ({ what }, index) => findings.findIndex((one) => one.what === what) === index,
  )
}

const healthAnswer = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ database: v.string(), redis: v.string(), wechat: v.string() }),
)

function judgeHealth(answer: Answer): Finding {
  const read = v.safeParse(healthAnswer, answer.body)
  if (!read.success) return findObstacle(answer, HEALTH) ?? say('not_ours', { path: HEALTH })
  const parts = Object.entries(read.output).flatMap(([name, state]) =>
    state === 'up' ? [] : [name],
  )
  return parts.length === 0 ? say('healthy') : say('part_down', { parts: parts.join(', ') })
}

async function judgeNotification(answer: Answer): Promise<Finding> {
  if (isRefusalOfV3(answer)) return say('notify_works')
  const obstacle = findObstacle(answer, NOTIFY)
  if (obstacle !== null) return obstacle
  const read = await readXml(Buffer.from(answer.body))
  switch (read.ok ? read.value.get('return_code') : undefined) {
    case 'FAIL':
      return say('notify_works')
    case 'SUCCESS':
      return say('believes_anything')
    default:
      return say('not_ours', { path: NOTIFY })
  }
}

const refusalOfV3 = v.pipe(v.string(), v.parseJson(), v.object({ code: v.literal('FAIL') }))

/** Without the settings of APIv2, the functions answer every message in the form of APIv3. */
const isRefusalOfV3 = ({ status, body }: Answer): boolean =>
  status === 400 && v.is(refusalOfV3, body)

/** Returns what answered instead of the function, or null if it may have been the function. */
function findObstacle({ status, headers }: Answer, path: string): Finding | null {
  const to = URL.parse(headers.get('location') ?? '', 'https://here.invalid')
  if (
    headers.getSetCookie().some((cookie) => cookie.startsWith('_vercel_sso_nonce=')) ||
    to?.pathname === '/sso-api'
  )
    return say('protected')
  if (headers.has('x-vercel-mitigated') || status === 403)
    return say('filtered', { path, status: String(status) })
  // Without its query, which may hold anything.
  if (status >= 300 && status < 400)
    return say('redirects', {
      to:
        to === null
          ? 'somewhere else'
          : `${to.host === 'here.invalid' ? '' : to.origin}${to.pathname}`,
    })
  if (status === 401) return say('asks_who', { path })
  if (status === 404) return say('nothing_there', { path })
  if (status >= 500) return say('crashes', { path, status: String(status) })
  return status === 200 ? null : say('strange_status', { path, status: String(status) })
}
