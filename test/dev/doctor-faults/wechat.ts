/** Faults at WeChat: Mini Program, merchant and certificate. */
import { pem } from '../doctor-setup.ts'
import { misbehaving, OTHER_KEY, type Row } from './row.ts'

/** The two keys swapped. */
const swapped: Row[5] = (setup) =>
  setup.changed({
    WECHAT_APP_SECRET: setup.env['WECHAT_PAY_KEY'],
    WECHAT_PAY_KEY: setup.env['WECHAT_APP_SECRET'],
  })

export const miniProgram: readonly Row[] = [
  [
    'nothing',
    'mini-program',
    'secret_right',
    'ok',
    'WeChat accepts WECHAT_APPID and WECHAT_APP_SECRET',
    () => ({}),
  ],
  [
    'the secret of another app',
    'mini-program',
    'secret_wrong',
    'wrong',
    'WeChat does not accept WECHAT_APP_SECRET (40125)',
    (setup) => setup.changed({ WECHAT_APP_SECRET: '00000000000000000000000000000000' }),
  ],
  [
    'the APIv2 key in place of the AppSecret',
    'mini-program',
    'secret_is_pay_key',
    'wrong',
    'WECHAT_APP_SECRET holds the APIv2 key of the merchant',
    swapped,
  ],
  [
    'a secret that was reset',
    'mini-program',
    'secret_wrong',
    'wrong',
    'WeChat does not accept WECHAT_APP_SECRET (40001)',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: 40001 }),
  ],
  [
    'a frozen secret',
    'mini-program',
    'secret_frozen',
    'wrong',
    'the AppSecret is frozen (40243)',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: 40243 }),
  ],
  [
    'an unknown appid',
    'mini-program',
    'appid_unknown',
    'wrong',
    'WeChat does not know WECHAT_APPID (40013)',
    (setup) => setup.changed({ WECHAT_APPID: 'wx00000000000000ff' }),
  ],
  [
    'an IP allow-list without this address',
    'mini-program',
    'ip_list',
    'wrong',
    'the Mini Program accepts calls from listed addresses only (40164)',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: 40164 }),
  ],
  [
    'an unknown refusal',
    'mini-program',
    'refused',
    'wrong',
    'WeChat does not issue an access token (50004)',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: 50004 }),
  ],
  [
    'a login page of a captive portal',
    'mini-program',
    'not_wechat',
    'unknown',
    'the server that answered for 127.0.0.1:… is not WeChat',
    misbehaving({ on: 'stable_token', do: 'html' }),
  ],
  [
    'a busy WeChat',
    'mini-program',
    'busy',
    'unknown',
    'WeChat is busy, or its daily limit is reached',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: -1 }),
  ],
  [
    'a failing WeChat',
    'mini-program',
    'busy',
    'unknown',
    'WeChat is busy, or its daily limit is reached',
    misbehaving({ on: 'stable_token', do: 'http-500' }),
  ],
  [
    'an unreachable WeChat',
    'mini-program',
    'unreachable',
    'unknown',
    'WeChat (127.0.0.1:…) cannot be reached: the connection is refused: nothing listens there',
    (setup) => setup.changed({ WECHAT_API_URL: setup.nowhere }),
  ],
]

export const pay: readonly Row[] = [
  [
    'nothing',
    'pay',
    'key_right',
    'ok',
    'WeChat Pay accepts WECHAT_PAY_KEY, and merchant and appid belong together (it answered ORDERNOTEXIST)',
    () => ({}),
  ],
  [
    'another APIv2 key',
    'pay',
    'key_wrong',
    'wrong',
    'WeChat Pay does not accept the signature (SIGNERROR)',
    (setup) => setup.changed({ WECHAT_PAY_KEY: OTHER_KEY }),
  ],
  [
    'the AppSecret in place of the APIv2 key',
    'pay',
    'key_is_elsewhere',
    'wrong',
    'the APIv2 key is in WECHAT_APP_SECRET, and WECHAT_PAY_KEY holds something else',
    swapped,
  ],
  [
    'two wrong keys',
    'pay',
    'key_wrong',
    'wrong',
    'WeChat Pay does not accept the signature (SIGNERROR)',
    (setup) =>
      setup.changed({
        WECHAT_PAY_KEY: OTHER_KEY,
        WECHAT_PAY_KEY_OTHER: 'ApiV2KeyOfTheClinic0000000000003',
      }),
  ],
  [
    'two keys in the wrong order',
    'pay',
    'other_key_right',
    'warning',
    'WeChat Pay uses WECHAT_PAY_KEY_OTHER, and not WECHAT_PAY_KEY',
    (setup) =>
      setup.changed({
        WECHAT_PAY_KEY: OTHER_KEY,
        WECHAT_PAY_KEY_OTHER: setup.env['WECHAT_PAY_KEY'],
      }),
  ],
  [
    'an appid that is not bound to the merchant',
    'pay',
    'not_bound',
    'wrong',
    'WECHAT_APPID and WECHAT_MCH_ID are not bound to each other (APPID_MCHID_NOT_MATCH)',
    misbehaving({ on: 'orderquery', do: 'err-code', errCode: 'APPID_MCHID_NOT_MATCH' }),
  ],
  [
    'the same without a code',
    'pay',
    'not_bound',
    'wrong',
    'WECHAT_APPID and WECHAT_MCH_ID are not bound to each other (APPID_MCHID_NOT_MATCH)',
    (setup) => {
      const body =
        '<xml><return_code>FAIL</return_code><return_msg>商户号mch_id与appid不匹配</return_msg></xml>'
      setup.fakeServer.answerWith(() => ({ body }))
      return setup.changed({ WECHAT_PAY_URL: setup.fakeServer.url })
    },
  ],
  [
    'an unknown merchant number',
    'pay',
    'merchant_unknown',
    'wrong',
    'WeChat Pay does not know WECHAT_MCH_ID (MCHID_NOT_EXIST)',
    (setup) => setup.changed({ WECHAT_MCH_ID: '1600000009' }),
  ],
  [
    'an unknown appid',
    'pay',
    'appid_unknown',
    'wrong',
    'WeChat Pay does not know WECHAT_APPID (APPID_NOT_EXIST)',
    (setup) => setup.changed({ WECHAT_APPID: 'wx00000000000000ff' }),
  ],
  [
    'a payment product that is not enabled',
    'pay',
    'no_permission',
    'wrong',
    'the merchant may not use this payment product (NOAUTH)',
    misbehaving({ on: 'orderquery', do: 'err-code', errCode: 'NOAUTH' }),
  ],
  [
    'an unknown refusal',
    'pay',
    'refused',
    'wrong',
    'WeChat Pay refuses the query: ACCOUNT_FROZEN 商户已被冻结',
    misbehaving({
      on: 'orderquery',
      do: 'err-code',
      errCode: 'ACCOUNT_FROZEN',
      errCodeDes: '商户已被冻结',
    }),
  ],
  [
    'an answer without a signature',
    'pay',
    'not_signed',
    'wrong',
    'the answer is not signed with WECHAT_PAY_KEY',
    misbehaving({ on: 'orderquery', do: 'unsigned' }),
  ],
  [
    'an answer that was changed in transit',
    'pay',
    'not_signed',
    'wrong',
    'the answer is not signed with WECHAT_PAY_KEY',
    misbehaving({ on: 'orderquery', do: 'tamper' }),
  ],
  [
    'an answer for another merchant',
    'pay',
    'other_merchant',
    'wrong',
    'the answer is about another merchant or another appid',
    misbehaving({ on: 'orderquery', do: 'wrong-mch-id' }),
  ],
  [
    'a login page of a captive portal',
    'pay',
    'not_wechat',
    'unknown',
    'the server that answered for 127.0.0.1:… is not WeChat Pay',
    misbehaving({ on: 'orderquery', do: 'html' }),
  ],
  [
    'a busy WeChat Pay',
    'pay',
    'busy',
    'unknown',
    'WeChat Pay is busy',
    misbehaving({ on: 'orderquery', do: 'err-code', errCode: 'FREQUENCY_LIMITED' }),
  ],
  [
    'a failing WeChat Pay',
    'pay',
    'busy',
    'unknown',
    'WeChat Pay is busy',
    misbehaving({ on: 'orderquery', do: 'http-500' }),
  ],
  [
    'an unreachable WeChat Pay',
    'pay',
    'unreachable',
    'unknown',
    'WeChat Pay (127.0.0.1:…) cannot be reached: the connection is refused: nothing listens there',
    (setup) => setup.changed({ WECHAT_PAY_URL: setup.nowhere }),
  ],
]

const overTls =
  (change: Readonly<Record<string, string>> = {}): Row[5] =>
  (setup) =>
    setup.changed({ WECHAT_PAY_URL: setup.wechatOverTls, ...change })

export const refunds: readonly Row[] = [
  [
    'nothing',
    'refunds',
    'taken',
    'ok',
    'WeChat Pay accepts the certificate (tested with a refund of an order that does not exist)',
    overTls(),
  ],
  [
    'a certificate without its key',
    'refunds',
    'good_until',
    'ok',
    'the certificate is valid until 2126-10-28',
    (setup) => setup.changed({ WECHAT_PAY_CERT_KEY: undefined }),
  ],
  [
    'nothing',
    'refunds',
    'good_until',
    'ok',
    'the certificate is valid until 2126-10-28',
    overTls(),
  ],
  [
    'a certificate in its last month',
    'refunds',
    'ends_soon',
    'warning',
    'the certificate expires on 2126-10-28',
    () => ({ now: new Date('2126-10-01T00:00:00Z') }),
  ],
  [
    'a certificate that is not valid yet',
    'refunds',
    'not_yet',
    'wrong',
    'the certificate is not valid before 2026-11-21',
    () => ({ now: new Date('2026-11-01T00:00:00Z') }),
  ],
  [
    'a certificate that WeChat no longer accepts',
    'refunds',
    'refused',
    'wrong',
    'WeChat Pay does not accept the certificate: CERT_ERROR 证书已作废',
    misbehaving({ on: 'refund', do: 'err-code', errCode: 'CERT_ERROR', errCodeDes: '证书已作废' }),
  ],
  [
    'a certificate of another authority',
    'refunds',
    'refused',
    'wrong',
    'WeChat Pay does not accept the certificate: CERT_ERROR 400 No required SSL certificate was sent',
    overTls({ WECHAT_PAY_CERT: pem('client'), WECHAT_PAY_CERT_KEY: pem('client.key') }),
  ],
  [
    'a connection that ends when the certificate is sent',
    'refunds',
    'cut_off',
    'wrong',
    'WeChat Pay closes connections with the certificate, and answers those without',
    misbehaving({ on: 'refund', do: 'drop' }),
  ],
  [
    'refunds that are not enabled',
    'refunds',
    'other_refusal',
    'warning',
    'WeChat Pay refuses refunds: NOAUTH 商户无此接口权限',
    misbehaving({ on: 'refund', do: 'err-code', errCode: 'NOAUTH' }),
  ],
  [
    'another APIv2 key',
    'refunds',
    'not_shown',
    'skipped',
    'the certificate was not tested: fix the problem under “WeChat Pay” first',
    (setup) => setup.changed({ WECHAT_PAY_KEY: OTHER_KEY }),
  ],
]
