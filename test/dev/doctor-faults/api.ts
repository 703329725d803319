/** The API of new orders, and the settings of APIv3. All are visible without requests. */
import { createPublicKey } from 'node:crypto'
import { expect } from 'vitest'
import { requestRefund } from '../../support/refunds.ts'
import { merchantPair, signedHeaders } from '../../support/v3-keys.ts'
import { SHOP_KEY_ID, v3Variables } from '../../support/v3-variables.ts'
import { pem } from '../doctor-setup.ts'
import type { Row } from './row.ts'

const v3 = v3Variables()
const both = { ...v3, WECHAT_PAY_API: undefined }
const onlyV3 = { ...both, WECHAT_PAY_KEY: undefined }
const [KEY, ID] = ['WECHAT_PAY_PUBLIC_KEY', 'WECHAT_PAY_PUBLIC_KEY_ID'] as const
const publicKeyOf = (name: string): string =>
  createPublicKey(pem(name)).export({ type: 'spki', format: 'pem' }).toString()

type Changes = Readonly<Record<string, string | undefined>>
const row = (fault: string, code: string, status: Row[3], what: string, change: Changes): Row => [
  fault,
  'api',
  code,
  status,
  what,
  (setup) => setup.changed(change),
]

export const api: readonly Row[] = [
  row('a shop of v2', 'v2', 'ok', 'new orders use APIv2, signed with HMAC-SHA256', {}),
  row('a shop of v2 with MD5', 'v2', 'ok', 'new orders use APIv2, signed with MD5', {
    WECHAT_SIGN_TYPE: 'MD5',
  }),
  row(
    'a shop of v2',
    'other_lacks',
    'skipped',
    'APIv3 is not configured: it would need WECHAT_PAY_V3_KEY, the merchant’s certificate, and for most merchants WECHAT_PAY_PUBLIC_KEY',
    {},
  ),
  row('a shop of v3', 'v3_public_key', 'ok', 'new orders use APIv3, in public key mode', onlyV3),
  row(
    'a shop of v3',
    'other_lacks',
    'skipped',
    'APIv2 is not configured: it would need WECHAT_PAY_KEY',
    onlyV3,
  ),
  row(
    'a shop of v3 without a public key',
    'v3_certificates',
    'ok',
    'new orders use APIv3, in certificate mode',
    { ...onlyV3, [KEY]: undefined, [ID]: undefined },
  ),
  row(
    'v3 without the certificate',
    'no_certificate',
    'wrong',
    'APIv3 lacks WECHAT_PAY_CERT, WECHAT_PAY_CERT_KEY',
    { ...onlyV3, WECHAT_PAY_CERT: undefined, WECHAT_PAY_CERT_KEY: undefined },
  ),
  row(
    'both, and no choice',
    'not_chosen',
    'warning',
    'APIv2 and APIv3 are both configured, and WECHAT_PAY_API is not set',
    both,
  ),
  row(
    'both, and v3 is chosen',
    'also',
    'ok',
    'orders that were placed with APIv2 are finished with it',
    v3,
  ),
]

/** WeChat answers a query of APIv3 in this way. */
const answered = (
  fault: string,
  code: string,
  status: Row[3],
  what: string,
  answer: { readonly status: number; readonly code: string; readonly isSigned: boolean },
  change: Changes = {},
): Row => [
  fault,
  'api',
  code,
  status,
  what,
  ({ fakeServer, changed }) => {
    const body = JSON.stringify({ code: answer.code, message: '' })
    fakeServer.answerWith(() => ({
      status: answer.status,
      headers: answer.isSigned ? signedHeaders(body, new Date(), { serial: SHOP_KEY_ID }) : {},
      body,
    }))
    return changed({ ...onlyV3, WECHAT_PAY_URL: fakeServer.url, ...change })
  },
]

export const apiAnswers: readonly Row[] = [
  answered(
    'a merchant without platform certificates',
    'v3_no_key',
    'wrong',
    'WECHAT_PAY_PUBLIC_KEY is not set, and WeChat has no platform certificates for this merchant (WeChat Pay was asked for its certificates)',
    { status: 404, code: 'RESOURCE_NOT_EXISTS', isSigned: false },
    { [KEY]: undefined, [ID]: undefined },
  ),
  answered(
    'nothing',
    'v3_right',
    'ok',
    'WeChat Pay accepts the certificate, and signs with the key that is configured (APIv3)',
    { status: 404, code: 'ORDER_NOT_EXIST', isSigned: true },
  ),
  answered(
    'the certificate of another merchant',
    'v3_refused',
    'wrong',
    'WeChat Pay refuses the query of APIv3: SIGN_ERROR',
    { status: 401, code: 'SIGN_ERROR', isSigned: true },
  ),
  answered(
    'an answer of another server',
    'v3_not_signed',
    'wrong',
    'the answer of APIv3 is not signed with a key of WeChat Pay that is configured',
    { status: 200, code: '', isSigned: false },
  ),
  row('no connection', 'v3_unknown', 'unknown', 'WeChat Pay did not answer the query of APIv3', {
    ...onlyV3,
    WECHAT_PAY_URL: 'http://127.0.0.1:2',
  }),
]

/** One open order and one refund in progress, both of APIv2. */
const withOpenWork = (
  fault: string,
  code: string,
  status: Row[3],
  what: string,
  change: Changes,
): Row => [
  fault,
  'api',
  code,
  status,
  what,
  async ({ shop, changed }) => {
    if ((await shop.sql('select 1 from refunds')).length === 0) {
      const { token, outTradeNo } = await shop.sell()
      expect(await requestRefund(shop, outTradeNo, 'R-1', 1000)).toEqual([202, 'PROCESSING'])
      await shop.placeOrder(token)
    }
    return changed(change)
  },
]

export const openWork: readonly Row[] = [
  withOpenWork(
    'a shop of v2 with open orders',
    'needed',
    'ok',
    'APIv2 is still needed: open orders 1, unfinished refunds 1',
    {},
  ),
  withOpenWork(
    'a shop that moved to v3, with open orders of v2',
    'needed',
    'ok',
    'APIv2 is still needed: open orders 1, unfinished refunds 1',
    v3,
  ),
  withOpenWork(
    'a shop that prepares v3',
    'not_needed',
    'ok',
    'no open order and no unfinished refund needs APIv3',
    v3,
  ),
  withOpenWork(
    'a key of v2 that was removed too early',
    'settings_gone',
    'wrong',
    'APIv2 is still needed and not configured: open orders 1, unfinished refunds 1',
    onlyV3,
  ),
]

type Problem = readonly [check: string, what: string, change: Changes]

/** Each refusal of a setting of APIv3. */
export const apiSettings: readonly Problem[] = [
  ['api', 'WECHAT_PAY_API is neither v2 nor v3', { WECHAT_PAY_API: '3' }],
  [
    'api',
    'WECHAT_PAY_V3_KEY is not an APIv3 key of 32 characters: it has 5',
    { ...v3, WECHAT_PAY_V3_KEY: 'short' },
  ],
  [
    'refunds',
    'WECHAT_PAY_CERT has no RSA key, which APIv3 demands: put apiclient_cert.pem there',
    { ...v3, WECHAT_PAY_CERT: pem('merchant'), WECHAT_PAY_CERT_KEY: pem('merchant.key') },
  ],
  [
    'api',
    `${KEY} is not set, but WECHAT_PAY_PUBLIC_KEY_OTHER is: a single key belongs in ${KEY}`,
    {
      ...v3,
      [KEY]: undefined,
      [ID]: undefined,
      WECHAT_PAY_PUBLIC_KEY_OTHER: v3[KEY],
      WECHAT_PAY_PUBLIC_KEY_ID_OTHER: SHOP_KEY_ID,
    },
  ],
  [
    'api',
    `WECHAT_PAY_PUBLIC_KEY_OTHER is ${KEY}, but the ids differ: put the key of the other id there`,
    {
      ...v3,
      WECHAT_PAY_PUBLIC_KEY_OTHER: v3[KEY],
      WECHAT_PAY_PUBLIC_KEY_ID_OTHER: 'PUB_KEY_ID_2',
    },
  ],
  [
    'api',
    `WECHAT_PAY_PUBLIC_KEY_ID_OTHER is ${ID}, but the keys differ: each key has an id of its own`,
    {
      ...v3,
      WECHAT_PAY_PUBLIC_KEY_OTHER: merchantPair.publicKey
        .export({ type: 'spki', format: 'pem' })
        .toString(),
      WECHAT_PAY_PUBLIC_KEY_ID_OTHER: SHOP_KEY_ID,
    },
  ],
  ['api', `${KEY} is not set, but ${ID} is: put pub_key.pem there`, { ...v3, [KEY]: '' }],
  [
    'api',
    `${ID} is not set, but ${KEY} is: copy the id from beside the key in the console`,
    { ...v3, [ID]: '' },
  ],
  [
    'api',
    `${KEY} holds the id of a key: put the id into ${ID}, and pub_key.pem there`,
    { ...v3, [KEY]: SHOP_KEY_ID },
  ],
  [
    'api',
    `${KEY} is not an RSA key: put WeChat Pay’s there (pub_key.pem)`,
    { ...v3, [KEY]: publicKeyOf('merchant.key') },
  ],
  [
    'api',
    `${KEY} is the merchant’s own public key: put WeChat Pay’s there (pub_key.pem)`,
    { ...v3, [KEY]: publicKeyOf('rsa-merchant.key') },
  ],
  [
    'api',
    `${ID} is not the id of a public key: PUB_KEY_ID_ and digits; it looks like the serial of a certificate`,
    { ...v3, [ID]: '7A67AFFB638123BC3D4757D300467DCD50658464' },
  ],
]
