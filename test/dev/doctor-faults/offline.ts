/** Faults that are visible without requests. */
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { demoCertificate } from '../../../dev/world/demo-values.ts'
import { pem } from '../doctor-setup.ts'
import { apiSettings } from './api.ts'
import { forReal, OTHER_KEY, type Row } from './row.ts'

export const offline: readonly Row[] = [
  [
    'an O in place of a 0',
    'mini-program',
    'appid_unusual',
    'warning',
    'WECHAT_APPID has other characters than 0-9 and a-f after wx',
    forReal({ WECHAT_APPID: 'wxO123456789abcdef' }),
  ],
  [
    'another key in place of the AppSecret',
    'mini-program',
    'secret_unusual',
    'warning',
    'WECHAT_APP_SECRET is not 32 characters of 0-9 and a-f',
    forReal({ WECHAT_APP_SECRET: OTHER_KEY }),
  ],
  [
    'appid and AppSecret swapped',
    'mini-program',
    'secret_is_appid',
    'warning',
    'WECHAT_APP_SECRET looks like an appid: perhaps it and WECHAT_APPID are swapped',
    forReal({
      WECHAT_APPID: '00112233445566778899aabbccddeeff',
      WECHAT_APP_SECRET: 'wx0123456789abcdef',
    }),
  ],
  [
    'AppSecret and APIv2 key swapped, recognised by their form',
    'mini-program',
    'secret_swapped',
    'warning',
    'WECHAT_APP_SECRET and WECHAT_PAY_KEY look swapped: only WECHAT_PAY_KEY has the form of an AppSecret',
    forReal({ WECHAT_APP_SECRET: OTHER_KEY, WECHAT_PAY_KEY: '00112233445566778899aabbccddeeff' }),
  ],
  [
    'virtual goods without the setting for them',
    'mini-program',
    'virtual_not_allowed',
    'wrong',
    'WECHAT_AUTO_SHIPPING is virtual, and WECHAT_VIRTUAL_GOODS_ALLOWED is not set',
    forReal({ WECHAT_AUTO_SHIPPING: 'virtual', WECHAT_VIRTUAL_GOODS_ALLOWED: undefined }),
  ],
  [
    'a certificate for something else',
    'refunds',
    'no_number',
    'warning',
    'the certificate names no merchant',
    forReal({ WECHAT_PAY_CERT: pem('client'), WECHAT_PAY_CERT_KEY: pem('client.key') }),
  ],
  [
    'a secret that can be guessed',
    'secrets',
    'short_cron_secret',
    'warning',
    'CRON_SECRET is shorter than 16 characters',
    forReal({ CRON_SECRET: 'fifteen-letters' }),
  ],
  ...(
    [
      ['MERCHANT_API_KEY', 'SESSION_SECRET'],
      ['CRON_SECRET', 'SESSION_SECRET'],
      ['CRON_SECRET', 'MERCHANT_API_KEY'],
    ] as const
  ).map(([name, other]): Row => [
    'one secret for two purposes',
    'secrets',
    'shared',
    'warning',
    `${name} has the same value as ${other}`,
    forReal({
      [name]: 'the-same-secret-for-two-0123456789',
      [other]: 'the-same-secret-for-two-0123456789',
    }),
  ]),
  [
    'events over plain http',
    'events',
    'in_the_clear',
    'warning',
    'ORDER_WEBHOOK_URL is plain http',
    forReal({ ORDER_WEBHOOK_URL: 'http://erp.example/hook' }),
  ],
  [
    'complaints, with one cron a day and without QStash',
    'events',
    'late_warnings',
    'warning',
    'cron runs once a day, and QSTASH_TOKEN is not set',
    forReal({ WECHAT_PAY_API: 'v2', WECHAT_PAY_V3_KEY: 'a'.repeat(32) }),
  ],
]

/**
 * Each variable and each of its faults. The functions answer `not_configured` with the same texts.
 */
const DEMO = 'is a value of the local world, which is public'
const STAND_IN = 'must not be set in production: it is for stand-ins'
const PASTED = 'has a space or a line end before or behind it'
const INVISIBLE = 'has an invisible character in it: copy it again as plain text'
const SPACE_INSIDE = 'has a space or a line end in it'
const NOT_ASCII = 'has a character in it that is not visible ASCII: copy it again as plain text'
const FULL_WIDTH = 'has a full-width character in it: type it again in half width (半角)'

const inBase64 = (text: string): string => Buffer.from(text).toString('base64')

type Problem = readonly [
  check: string,
  what: string,
  change: Readonly<Record<string, string | undefined>>,
]

const missing: readonly Problem[] = [
  ['mini-program', 'WECHAT_APPID is not set', { WECHAT_APPID: '' }],
  ['mini-program', 'WECHAT_APP_SECRET is not set', { WECHAT_APP_SECRET: undefined }],
  ['pay', 'WECHAT_MCH_ID is not set', { WECHAT_MCH_ID: undefined }],
  ['pay', 'WECHAT_PAY_KEY is not set', { WECHAT_PAY_KEY: undefined }],
  ['database', 'DATABASE_URL is not set', { DATABASE_URL: undefined }],
  [
    'redis',
    'UPSTASH_REDIS_REST_URL is not set',
    {
      UPSTASH_REDIS_REST_URL: undefined,
      UPSTASH_REDIS_REST_TOKEN: undefined,
      KV_REST_API_TOKEN: undefined,
    },
  ],
  ['secrets', 'SESSION_SECRET is not set', { SESSION_SECRET: undefined }],
  ['address', 'PUBLIC_URL is not set', { PUBLIC_URL: undefined }],
]

const malformed: readonly Problem[] = [
  ['mini-program', `WECHAT_APPID ${PASTED}`, { WECHAT_APPID: 'wx0123456789abcdef\n' }],
  [
    'mini-program',
    'WECHAT_APPID has quotation marks around it',
    { WECHAT_APPID: '"wx0123456789abcdef"' },
  ],
  [
    'mini-program',
    'WECHAT_APPID is not an appid: wx and 16 characters of 0-9 and a-f',
    { WECHAT_APPID: 'wx0123456789abcde' },
  ],
  [
    'mini-program',
    'WECHAT_APPID is not an appid: wx and 16 characters of 0-9 and a-f; it looks like an AppSecret: perhaps the two are swapped',
    { WECHAT_APPID: '00112233445566778899aabbccddeeff' },
  ],
  ...(['\ufeff', '\u200b', '\u2060', '\u00ad', '\u202d'] as const).map((character): Problem => [
    'mini-program',
    `WECHAT_APPID ${INVISIBLE}`,
    { WECHAT_APPID: `${character}wx0123456789abcdef` },
  ]),
  [
    'pay',
    `WECHAT_PAY_KEY ${INVISIBLE}`,
    { WECHAT_PAY_KEY: 'ApiV2KeyOfThe\u200bClinic0000000000001' },
  ],
  ['address', `PUBLIC_URL ${INVISIBLE}`, { PUBLIC_URL: 'https://pay.shop\u200b.example' }],
  [
    'database',
    `DATABASE_URL ${INVISIBLE}`,
    { DATABASE_URL: 'postgresql://shop:pw\u200b@ep-cool-name-123456.neon.tech/shop' },
  ],
  ['mini-program', `WECHAT_APPID ${PASTED}`, { WECHAT_APPID: 'wx0123456789abcdef\r' }],
  ['mini-program', `WECHAT_APPID ${PASTED}`, { WECHAT_APPID: '\u00a0wx0123456789abcdef' }],
  [
    'mini-program',
    'WECHAT_APPID has quotation marks around it',
    { WECHAT_APPID: '“wx0123456789abcdef”' },
  ],
  [
    'mini-program',
    'WECHAT_APPID has quotation marks around it',
    { WECHAT_APPID: '「wx0123456789abcdef」' },
  ],
  ['mini-program', `WECHAT_APPID ${FULL_WIDTH}`, { WECHAT_APPID: 'ｗｘ0123456789abcdef' }],
  ['pay', `WECHAT_MCH_ID ${FULL_WIDTH}`, { WECHAT_MCH_ID: '１６００００００１１' }],
  ['address', `PUBLIC_URL ${FULL_WIDTH}`, { PUBLIC_URL: 'https：//pay.shop.example' }],
  [
    'database',
    `DATABASE_URL ${FULL_WIDTH}`,
    { DATABASE_URL: 'postgresql://shop：pw@ep-cool-name-123456.neon.tech/shop' },
  ],
  ['mini-program', `WECHAT_APP_SECRET ${SPACE_INSIDE}`, { WECHAT_APP_SECRET: '0011 2233' }],
  ['mini-program', `WECHAT_APP_SECRET ${NOT_ASCII}`, { WECHAT_APP_SECRET: '0011é2233' }],
  [
    'mini-program',
    'WECHAT_APP_SECRET is not an AppSecret: it has more than 128 characters',
    { WECHAT_APP_SECRET: '0'.repeat(129) },
  ],
  ['mini-program', `WECHAT_APPID ${SPACE_INSIDE}`, { WECHAT_APPID: 'wx01234567 89abcdef' }],
  ['mini-program', `WECHAT_API_URL ${STAND_IN}`, { WECHAT_API_URL: 'http://127.0.0.1:3000' }],
  [
    'mini-program',
    'WECHAT_AUTO_SHIPPING is neither virtual nor self_pickup',
    { WECHAT_AUTO_SHIPPING: 'express' },
  ],
  [
    'mini-program',
    'WECHAT_VIRTUAL_GOODS_ALLOWED is neither 1 nor left out',
    { WECHAT_VIRTUAL_GOODS_ALLOWED: 'yes' },
  ],
  [
    'pay',
    'WECHAT_MCH_ID is not a merchant number of 8 to 10 digits',
    { WECHAT_MCH_ID: '16000000011' },
  ],
  ['pay', `WECHAT_MCH_ID ${DEMO}`, { WECHAT_MCH_ID: '1900000109' }],
  [
    'pay',
    'WECHAT_PAY_KEY is not an APIv2 key of 32 characters: it has 31',
    { WECHAT_PAY_KEY: 'ApiV2KeyOfTheClinic000000000001' },
  ],
  [
    'pay',
    'WECHAT_PAY_KEY_OTHER is not an APIv2 key of 32 characters: it has 31',
    { WECHAT_PAY_KEY_OTHER: 'ApiV2KeyOfTheClinic000000000001' },
  ],
  ['pay', `WECHAT_PAY_KEY ${SPACE_INSIDE}`, { WECHAT_PAY_KEY: 'ApiV2KeyOfTheClinic 000000000001' }],
  [
    'pay',
    `WECHAT_PAY_KEY_OTHER ${NOT_ASCII}`,
    { WECHAT_PAY_KEY_OTHER: 'ApiV2KeyOfTheClinic密000000000001' },
  ],
  ['pay', 'MAX_OPEN_ORDERS is not a whole number from 1 to 9999', { MAX_OPEN_ORDERS: '0' }],
  ['pay', 'WECHAT_SIGN_TYPE is neither HMAC-SHA256 nor MD5', { WECHAT_SIGN_TYPE: 'RSA' }],
  ['pay', `WECHAT_PAY_URL ${STAND_IN}`, { WECHAT_PAY_URL: 'http://127.0.0.1:3000' }],
  ['refunds', 'WECHAT_PAY_CERT_KEY is not set', { WECHAT_PAY_CERT_KEY: undefined }],
  ['refunds', 'WECHAT_PAY_CERT is not set', { WECHAT_PAY_CERT: undefined }],
  [
    'refunds',
    'WECHAT_PAY_CERT is not PEM, nor PEM in Base64',
    { WECHAT_PAY_CERT: 'the certificate' },
  ],
  ...[
    './apiclient_cert.pem',
    'apiclient_cert.pem',
    '/etc/wechat/cert.pem',
    '~/cert',
    String.raw`C:\keys\cert.pem`,
    '@cert.pem',
  ].map((path): Problem => [
    'refunds',
    'WECHAT_PAY_CERT holds the path of a file: put the content of the file there',
    { WECHAT_PAY_CERT: path },
  ]),
  [
    'refunds',
    'WECHAT_PAY_CERT_KEY holds the path of a file: put the content of the file there',
    { WECHAT_PAY_CERT_KEY: 'certs/apiclient_key.pem' },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT holds a private key and WECHAT_PAY_CERT_KEY a certificate: the two are swapped',
    { WECHAT_PAY_CERT: pem('merchant.key'), WECHAT_PAY_CERT_KEY: pem('merchant') },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT holds a private key and WECHAT_PAY_CERT_KEY a certificate: the two are swapped',
    {
      WECHAT_PAY_CERT: inBase64(pem('merchant.key')),
      WECHAT_PAY_CERT_KEY: inBase64(pem('merchant')),
    },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT holds a private key: put apiclient_cert.pem there',
    { WECHAT_PAY_CERT: pem('merchant.key') },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT_KEY holds a certificate: put apiclient_key.pem there',
    { WECHAT_PAY_CERT_KEY: pem('merchant') },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT_KEY holds a public key: put apiclient_key.pem there',
    {
      WECHAT_PAY_CERT_KEY: createPublicKey(pem('merchant.key'))
        .export({ type: 'spki', format: 'pem' })
        .toString(),
    },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT_KEY is protected by a password: put apiclient_key.pem there as WeChat’s tool made it',
    {
      WECHAT_PAY_CERT_KEY: createPrivateKey(pem('merchant.key'))
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'pw' })
        .toString(),
    },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT lacks its first and last line: put apiclient_cert.pem there as it is',
    { WECHAT_PAY_CERT: pem('merchant').replaceAll(/-----.*-----|\n/g, '') },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT_KEY lacks its first and last line: put apiclient_key.pem there as it is',
    { WECHAT_PAY_CERT_KEY: pem('merchant.key').replaceAll(/-----.*-----|\n/g, '') },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT holds apiclient_cert.p12: put apiclient_cert.pem there',
    { WECHAT_PAY_CERT: Buffer.from('308209c102010330820987', 'hex').toString('base64') },
  ],
  [
    'refunds',
    "WECHAT_PAY_CERT is PEM that was cut off or damaged: use one line of Base64 (base64 < apiclient_cert.pem | tr -d '\\n')",
    { WECHAT_PAY_CERT: '-----BEGIN CERTIFICATE-----', WECHAT_PAY_CERT_KEY: undefined },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT_KEY is not the key of WECHAT_PAY_CERT',
    { WECHAT_PAY_CERT_KEY: pem('client.key') },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT has expired',
    { WECHAT_PAY_CERT: pem('expired'), WECHAT_PAY_CERT_KEY: pem('expired.key') },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT is the certificate of another merchant than WECHAT_MCH_ID',
    { WECHAT_PAY_CERT: pem('other-merchant'), WECHAT_PAY_CERT_KEY: pem('other-merchant.key') },
  ],
  ['refunds', `WECHAT_PAY_CERT ${DEMO}`, demoCertificate],
  [
    'database',
    'DATABASE_URL is not a PostgreSQL URL',
    { DATABASE_URL: 'https://console.neon.tech/app/projects/cool-name-123456' },
  ],
  [
    'database',
    'DATABASE_URL is not a PostgreSQL URL: take only what stands between the quotation marks',
    { DATABASE_URL: "psql 'postgresql://shop:pw@ep-cool-name-123456.neon.tech/shop'" },
  ],
  [
    'database',
    'DATABASE_URL is not a PostgreSQL URL with user, host and database',
    { DATABASE_URL: 'postgresql://ep-cool-name-123456.neon.tech' },
  ],
  [
    'database',
    `NEON_HTTP_ENDPOINT ${STAND_IN}`,
    { NEON_HTTP_ENDPOINT: 'http://127.0.0.1:3000/sql' },
  ],
  [
    'redis',
    'UPSTASH_REDIS_REST_URL is the Redis address: copy the REST URL (https://….upstash.io)',
    { UPSTASH_REDIS_REST_URL: 'rediss://default:pw@cool-name.upstash.io:6379' },
  ],
  [
    'redis',
    'UPSTASH_REDIS_REST_URL is not a URL: perhaps it and UPSTASH_REDIS_REST_TOKEN are swapped',
    {
      UPSTASH_REDIS_REST_URL: 'AXxxSQg',
      UPSTASH_REDIS_REST_TOKEN: 'https://eu1-near-1.upstash.io',
    },
  ],
  ['redis', `UPSTASH_REDIS_REST_TOKEN ${SPACE_INSIDE}`, { UPSTASH_REDIS_REST_TOKEN: 'two words' }],
  ['redis', `UPSTASH_REDIS_REST_TOKEN ${NOT_ASCII}`, { UPSTASH_REDIS_REST_TOKEN: 'AXxxÅSQg' }],
  [
    'redis',
    'KV_REST_API_TOKEN is not set',
    {
      UPSTASH_REDIS_REST_URL: undefined,
      KV_REST_API_URL: 'https://kv.example',
      KV_REST_API_TOKEN: undefined,
    },
  ],
  [
    'secrets',
    'SESSION_SECRET is not at least 32 characters',
    { SESSION_SECRET: 'thirty-one-characters-are-too-few'.slice(0, 31) },
  ],
  [
    'secrets',
    'SESSION_SECRET is not at least 32 characters',
    { SESSION_SECRET: '十一个汉字有三十三个字节' },
  ],
  ['secrets', 'MERCHANT_API_KEY is not at least 32 characters', { MERCHANT_API_KEY: 'password' }],
  ...['MERCHANT_API_KEY', 'CRON_SECRET'].map((name): Problem => [
    'secrets',
    `${name} has the form of a user’s token, with two dots: choose one without dots`,
    { [name]: 'a-key.with-two-dots.and-thirty-two-characters' },
  ]),
  [
    'secrets',
    `MERCHANT_API_KEY ${SPACE_INSIDE}`,
    { MERCHANT_API_KEY: 'a key of more than thirty-two characters' },
  ],
  [
    'secrets',
    `MERCHANT_API_KEY ${NOT_ASCII}`,
    { MERCHANT_API_KEY: 'clé-de-plus-de-trente-deux-caractères' },
  ],
  [
    'secrets',
    `MERCHANT_API_KEY ${NOT_ASCII}`,
    { MERCHANT_API_KEY: 'a-key-with-a-delete-character-\u007f-in-it' },
  ],
  ['address', 'PUBLIC_URL lacks https://', { PUBLIC_URL: 'pay.shop.example' }],
  [
    'address',
    'PUBLIC_URL is not an http(s) URL without a query or a user name',
    { PUBLIC_URL: 'https://pay.shop.example?shop=1' },
  ],
  ...['/api', '/api/notify', '/pay'].map((path): Problem => [
    'address',
    'PUBLIC_URL has a path: set only https:// and the domain, without /api/notify',
    { PUBLIC_URL: `https://pay.shop.example${path}` },
  ]),
  ['address', 'PUBLIC_URL is too long', { PUBLIC_URL: `https://${'a'.repeat(256)}.example` }],
  ['address', 'PUBLIC_URL is not https', { PUBLIC_URL: 'http://pay.shop.example' }],
  [
    'address',
    'PUBLIC_URL leads to this machine or into a private network',
    { PUBLIC_URL: 'https://192.168.1.4' },
  ],
  [
    'address',
    'PUBLIC_URL is a name under vercel.app, which WeChat cannot reach',
    { PUBLIC_URL: 'https://shop.vercel.app' },
  ],
  [
    'address',
    'PUBLIC_URL is not set, and the project has only a name under vercel.app, which WeChat cannot reach',
    { PUBLIC_URL: undefined, VERCEL_PROJECT_PRODUCTION_URL: 'shop.vercel.app' },
  ],
  [
    'push',
    'WECHAT_PUSH_TOKEN is not a token of 3 to 32 letters and digits',
    { WECHAT_PUSH_TOKEN: 'my-token' },
  ],
  [
    'push',
    'WECHAT_PUSH_KEY is not an EncodingAESKey of 43 letters and digits: it has 44 characters',
    { WECHAT_PUSH_KEY: 'a'.repeat(44) },
  ],
  ['push', `WECHAT_PUSH_TOKEN ${DEMO}`, { WECHAT_PUSH_TOKEN: 'demoPushToken' }],
  ['events', 'ORDER_WEBHOOK_URL is not an http(s) URL', { ORDER_WEBHOOK_URL: 'erp.shop.example' }],
  [
    'events',
    'ORDER_WEBHOOK_URL has a user name or a password, which fetch refuses: verify the signature instead',
    { ORDER_WEBHOOK_URL: 'https://shop:secret@erp.shop.example/events' },
  ],
  [
    'events',
    'ORDER_WEBHOOK_URL has a part after #, which is never sent',
    { ORDER_WEBHOOK_URL: 'https://erp.shop.example/events#a' },
  ],
  [
    'events',
    'ORDER_WEBHOOK_URL has a port that fetch refuses to call (such as 25 and 6000): use another port',
    { ORDER_WEBHOOK_URL: 'https://erp.shop.example:6000/events' },
  ],
  [
    'events',
    'ORDER_WEBHOOK_SECRET is not a Standard Webhooks secret (whsec_ and Base64 of at least 24 bytes)',
    { ORDER_WEBHOOK_SECRET: 'whsec_short' },
  ],
  [
    'events',
    `ORDER_WEBHOOK_SECRET ${SPACE_INSIDE}`,
    { ORDER_WEBHOOK_SECRET: 'whsec_c2VjcmV0LW9mLXRoZS1z aG9wLXdlYmhvb2s=' },
  ],
  ['events', 'QSTASH_URL lacks https://', { QSTASH_TOKEN: 'qstash-token', QSTASH_URL: 'qstash' }],
]

const advised: readonly Problem[] = [
  ['secrets', 'MERCHANT_API_KEY is not set', { MERCHANT_API_KEY: undefined }],
  ['secrets', 'CRON_SECRET is not set', { CRON_SECRET: undefined }],
  [
    'push',
    'WECHAT_PUSH_KEY is not set',
    { WECHAT_PUSH_TOKEN: 'TokenOfTheClinic', WECHAT_PUSH_KEY: undefined },
  ],
]

const leftOut: readonly Problem[] = [
  [
    'push',
    'WECHAT_PUSH_TOKEN is not set: WeChat does not report settled and overdue orders: only cron finds them',
    { WECHAT_PUSH_TOKEN: undefined, WECHAT_PUSH_KEY: undefined },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT is not set: without a certificate refunds answer not_configured',
    { WECHAT_PAY_CERT: undefined, WECHAT_PAY_CERT_KEY: undefined },
  ],
  [
    'events',
    'ORDER_WEBHOOK_URL is not set: without it events are stored and not sent',
    { ORDER_WEBHOOK_URL: undefined },
  ],
]

const rowsOf =
  (code: string, status: Row[3]) =>
  ([check, what, change]: Problem): Row => [what, check, code, status, what, forReal(change)]

export const settings: readonly Row[] = [
  ['nothing', 'pay', 'in_form', 'ok', 'WECHAT_MCH_ID, WECHAT_PAY_KEY: in form', forReal({})],
  ...missing.map(rowsOf('missing', 'wrong')),
  ...[...malformed, ...apiSettings].map(rowsOf('malformed', 'wrong')),
  ...advised.map(rowsOf('advised', 'warning')),
  ...leftOut.map(rowsOf('left_out', 'skipped')),
  [
    'a trial that production would refuse',
    'pay',
    'production_refuses',
    'warning',
    `accepted in a trial only: WECHAT_PAY_URL ${STAND_IN}`,
    () => ({}),
  ],
]
