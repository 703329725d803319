/** What can be wrong at the address that WeChat calls, and at the one of the merchant's own system. */
import { openPretender } from '../doctor-clinic.ts'
import type { Row } from './row.ts'

/** Somebody else, over https with a good certificate. */
const atTheAddress =
  (status: number, headers: Record<string, string> = {}, body = ''): Row[5] =>
  (clinic) => {
    clinic.site.say(() => ({ status, headers, body }))
    return clinic.changed({ PUBLIC_URL: clinic.site.url })
  }

const behind =
  (certificate: string): Row[5] =>
  async (clinic) => {
    const site = await openPretender(certificate)
    clinic.afterwards(() => site.close())
    return clinic.changed({ PUBLIC_URL: site.url })
  }

const UNREACHED = 'PUBLIC_URL cannot be reached: '

export const address: readonly Row[] = [
  [
    'nothing',
    'address',
    'healthy',
    'ok',
    'what is deployed there reaches the database, Redis and WeChat',
    () => ({}),
  ],
  [
    'nothing',
    'address',
    'notify_works',
    'ok',
    'notify answers, and refuses a message that nobody signed',
    () => ({}),
  ],
  [
    'a domain without DNS',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}DNS does not know the name, or does not answer`,
    // Longer than a name may be, so that nobody has to be asked.
    (clinic) => clinic.changed({ PUBLIC_URL: `https://${'a'.repeat(64)}.example` }),
  ],
  [
    'a host on which nothing listens',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}the connection is refused: nothing listens there`,
    (clinic) => clinic.changed({ PUBLIC_URL: clinic.nowhere }),
  ],
  [
    'a firewall that is silent',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}no answer came in time`,
    (clinic) => {
      clinic.site.say(() => 'nothing')
      return { ...clinic.changed({ PUBLIC_URL: clinic.site.url }), limitMs: 150 }
    },
  ],
  [
    'a connection that breaks',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}the connection broke off`,
    (clinic) => {
      clinic.site.say(() => 'half')
      return clinic.changed({ PUBLIC_URL: clinic.site.url })
    },
  ],
  [
    'an old TLS certificate',
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
    'a TLS certificate nobody vouches for',
    'address',
    'unreachable',
    'wrong',
    `${UNREACHED}its TLS certificate is from an authority nobody knows, or lacks the one in between`,
    behind('server'),
  ],
  [
    'a domain that redirects to www',
    'address',
    'redirects',
    'wrong',
    'PUBLIC_URL leads on to https://www.shop.example/api/notify',
    atTheAddress(308, { location: 'https://www.shop.example/api/notify?nonce=a' }),
  ],
  [
    'an address with one slash too few',
    'address',
    'redirects',
    'wrong',
    'PUBLIC_URL leads on to /api/notify/',
    atTheAddress(307, { location: '/api/notify/' }),
  ],
  [
    'Deployment Protection',
    'address',
    'protected',
    'wrong',
    'Vercel’s Deployment Protection stands before PUBLIC_URL',
    atTheAddress(
      401,
      { 'set-cookie': '_vercel_sso_nonce=abc; Path=/' },
      '<html>Authentication Required</html>',
    ),
  ],
  [
    'Deployment Protection that sends to its login',
    'address',
    'protected',
    'wrong',
    'Vercel’s Deployment Protection stands before PUBLIC_URL',
    atTheAddress(302, {
      location: 'https://vercel.com/sso-api?url=https%3A%2F%2Fshop.example&nonce=abc',
    }),
  ],
  [
    'a password before the site',
    'address',
    'asks_who',
    'wrong',
    'something before /api/notify asks for a password (401)',
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
    '/api/notify answers with status 418, which is none of ours',
    atTheAddress(418),
  ],
  [
    'a site that shows its page for everything',
    'address',
    'not_ours',
    'wrong',
    '/api/notify answers with something that is not ours, a page perhaps',
    atTheAddress(200, { 'content-type': 'text/html' }, '<!DOCTYPE html><html></html>'),
  ],
  [
    'a program that acknowledges everything',
    'address',
    'believes_anything',
    'wrong',
    'notify answers SUCCESS to a message that nobody signed',
    atTheAddress(200, {}, '<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>'),
  ],
  [
    'functions that were deployed before their variables were set',
    'address',
    'part_down',
    'wrong',
    'the functions deployed there do not reach: database',
    (clinic) => {
      // Health repeats its answer for five seconds.
      const forget = () => clinic.shop.advance(5_000)
      forget()
      clinic.afterwards(async () => forget())
      clinic.shop.world.faults.database.down()
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
    'somebody answers at ORDER_WEBHOOK_URL (whether it takes an event is not tried)',
    () => ({}),
  ],
  [
    'a receiver that is not there',
    'events',
    'unreachable',
    'warning',
    'ORDER_WEBHOOK_URL cannot be reached from here: the connection is refused: nothing listens there',
    (clinic) => clinic.changed({ ORDER_WEBHOOK_URL: clinic.nowhere }),
  ],
  [
    'a receiver that has moved',
    'events',
    'redirects',
    'warning',
    'ORDER_WEBHOOK_URL leads on to somewhere else',
    (clinic) => {
      clinic.anybody.say(() => ({ status: 301, headers: { location: 'https://shop.example/' } }))
      return clinic.changed({ ORDER_WEBHOOK_URL: clinic.anybody.url })
    },
  ],
]
