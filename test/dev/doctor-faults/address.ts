/** Faults of the public address that WeChat calls, and of the merchant's webhook. */
import { openFakeServer } from '../doctor-setup.ts'
import type { Row } from './row.ts'

/** Another server, over https with a valid certificate. */
const atTheAddress =
  (status: number, headers: Record<string, string> = {}, body = ''): Row[5] =>
  (setup) => {
    setup.site.answerWith(() => ({ status, headers, body }))
    return setup.changed({ PUBLIC_URL: setup.site.url })
  }

const behind =
  (certificate: string): Row[5] =>
  async (setup) => {
    const site = await openFakeServer(certificate)
    setup.undoLater(() => site.close())
    return setup.changed({ PUBLIC_URL: site.url })
  }

const UNREACHED = 'PUBLIC_URL cannot be reached: '

export const address: readonly Row[] = [
  [
    'nothing',
    'address',
    'healthy',
    'ok',
    'the deployment reaches the database, Redis and WeChat',
    () => ({}),
  ],
  [
    'nothing',
    'address',
    'notify_works',
    'ok',
    'notify answers, and refuses an unsigned message',
    () => ({}),
  ],
  [
    'nothing, without the settings of APIv2',
    'address',
    'notify_works',
    'ok',
    'notify answers, and refuses an unsigned message',
    (setup) => {
      setup.fakeServer.answerWith(() => ({
        status: 400,
        body: JSON.stringify({ code: 'FAIL', message: 'NOT TAKEN' }),
      }))
      return setup.changed({ PUBLIC_URL: setup.fakeServer.url })
    },
  ],
  [
    'a domain without DNS',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}DNS does not know the name, or does not answer`,
    // Longer than a domain name may be, so that no DNS query is sent.
    (setup) => setup.changed({ PUBLIC_URL: `https://${'a'.repeat(64)}.example` }),
  ],
  [
    'a host without a server',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}the connection is refused: nothing listens there`,
    (setup) => setup.changed({ PUBLIC_URL: setup.nowhere }),
  ],
  [
    'a firewall that drops packets',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}no answer came in time`,
    (setup) => {
      setup.site.answerWith(() => 'nothing')
      return { ...setup.changed({ PUBLIC_URL: setup.site.url }), limitMs: 150 }
    },
  ],
  [
    'a connection that breaks',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}the connection broke off`,
    (setup) => {
      setup.site.answerWith(() => 'half')
      return setup.changed({ PUBLIC_URL: setup.site.url })
    },
  ],
  [
    'an expired TLS certificate',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}its TLS certificate has expired`,
    behind('expired'),
  ],
  [
    'the TLS certificate of another name',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}its TLS certificate is for another name`,
    behind('elsewhere'),
  ],
  [
    'a TLS certificate of an unknown authority',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}its TLS certificate is from an unknown authority, or the intermediate certificate is missing`,
    behind('server'),
  ],
  [
    'a domain that redirects to www',
    'address',
    'redirects',
    'wrong',
    'PUBLIC_URL redirects to https://www.shop.example/api/notify',
    atTheAddress(308, { location: 'https://www.shop.example/api/notify?nonce=a' }),
  ],
  [
    'a site that redirects to a trailing slash',
    'address',
    'redirects',
    'wrong',
    'PUBLIC_URL redirects to /api/notify/',
    atTheAddress(307, { location: '/api/notify/' }),
  ],
  [
    'Deployment Protection',
    'address',
    'protected',
    'wrong',
    'Vercel’s Deployment Protection blocks PUBLIC_URL',
    atTheAddress(
      401,
      { 'set-cookie': '_vercel_sso_nonce=abc; Path=/' },
      '<html>Authentication Required</html>',
    ),
  ],
  [
    'Deployment Protection that redirects to its login',
    'address',
    'protected',
    'wrong',
    'Vercel’s Deployment Protection blocks PUBLIC_URL',
    atTheAddress(302, {
      location: 'https://vercel.com/sso-api?url=https%3A%2F%2Fshop.example&nonce=abc',
    }),
  ],
  [
    'a site with a password',
    'address',
    'asks_who',
    'wrong',
    'a server in front of /api/notify asks for a password (401)',
    atTheAddress(401, { 'www-authenticate': 'Basic' }),
  ],
  [
    'a firewall',
    'address',
    'filtered',
    'wrong',
    'a firewall or bot filter refuses /api/notify (403)',
    atTheAddress(403),
  ],
  [
    'a bot filter',
    'address',
    'filtered',
    'wrong',
    'a firewall or bot filter refuses /api/notify (429)',
    atTheAddress(429, { 'x-vercel-mitigated': 'challenge' }),
  ],
  [
    'a domain of another project',
    'address',
    'nothing_there',
    'wrong',
    'there is no /api/notify at PUBLIC_URL (404)',
    atTheAddress(404, { 'x-vercel-error': 'DEPLOYMENT_NOT_FOUND' }),
  ],
  [
    'functions that do not load',
    'address',
    'crashes',
    'wrong',
    '/api/notify fails (500)',
    atTheAddress(500, { 'x-vercel-error': 'FUNCTION_INVOCATION_FAILED' }),
  ],
  [
    'another program',
    'address',
    'strange_status',
    'wrong',
    '/api/notify answers with status 418, which the functions never use',
    atTheAddress(418),
  ],
  [
    'a site that answers every path with its page',
    'address',
    'not_ours',
    'wrong',
    '/api/notify does not answer as the functions do; perhaps it is a page',
    atTheAddress(200, { 'content-type': 'text/html' }, '<!DOCTYPE html><html></html>'),
  ],
  [
    'a program that acknowledges everything',
    'address',
    'believes_anything',
    'wrong',
    'notify answers SUCCESS to an unsigned message',
    atTheAddress(200, {}, '<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>'),
  ],
  [
    'functions that were deployed before their variables were set',
    'address',
    'part_down',
    'wrong',
    'the deployed functions do not reach: database',
    (setup) => {
      // The health answer is cached for five seconds.
      const forget = () => setup.shop.advance(5_000)
      forget()
      setup.undoLater(async () => forget())
      setup.shop.world.faults.database.down()
      return {}
    },
  ],
]

export const events: readonly Row[] = [
  [
    'nothing',
    'events',
    'reachable',
    'ok',
    'a server answers at ORDER_WEBHOOK_URL (no test event was sent)',
    () => ({}),
  ],
  [
    'a webhook URL without a server',
    'events',
    'unreachable',
    'warning',
    'ORDER_WEBHOOK_URL cannot be reached from here: the connection is refused: nothing listens there',
    (setup) => setup.changed({ ORDER_WEBHOOK_URL: setup.nowhere }),
  ],
  [
    'a webhook URL that redirects',
    'events',
    'redirects',
    'warning',
    'ORDER_WEBHOOK_URL redirects to another address',
    (setup) => {
      setup.fakeServer.answerWith(() => ({
        status: 301,
        headers: { location: 'https://shop.example/' },
      }))
      return setup.changed({ ORDER_WEBHOOK_URL: setup.fakeServer.url })
    },
  ],
]
