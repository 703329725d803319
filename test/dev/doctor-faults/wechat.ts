/** What can be wrong with WeChat, as the doctor sees it: Mini Program, merchant and certificate. */
import { pem } from '../doctor-clinic.ts'
import { misbehaving, OTHER_KEY, type Row } from './row.ts'

/** Each in the place of the other. */
const swapped: Row[5] = (clinic) =>
  clinic.changed({
    WECHAT_APP_SECRET: clinic.env['WECHAT_PAY_KEY'],
    WECHAT_PAY_KEY: clinic.env['WECHAT_APP_SECRET'],
  })

export const miniProgram: readonly Row[] = [
  [
    'nothing',
    'mini-program',
    'secret_right',
    'ok',
    'WeChat takes WECHAT_APPID and WECHAT_APP_SECRET',
    () => ({}),
  ],
  [
    'the secret of another app',
    'mini-program',
    'secret_wrong',
    'wrong',
    'WeChat does not take WECHAT_APP_SECRET (40125)',
    (clinic) => clinic.changed({ WECHAT_APP_SECRET: '00000000000000000000000000000000' }),
  ],
  [
    'the APIv2 key in the place of the AppSecret',
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
    'WeChat does not take WECHAT_APP_SECRET (40001)',
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
    'an appid that nobody has',
    'mini-program',
    'appid_unknown',
    'wrong',
    'WeChat does not know WECHAT_APPID (40013)',
    (clinic) => clinic.changed({ WECHAT_APPID: 'wx00000000000000ff' }),
  ],
  [
    'a list of addresses that may call',
    'mini-program',
    'ip_list',
    'wrong',
    'the Mini Program takes calls from listed addresses only (40164)',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: 40164 }),
  ],
  [
    'a refusal nobody thought of',
    'mini-program',
    'refused',
    'wrong',
    'WeChat gives no access token (50004)',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: 50004 }),
  ],
  [
    'a login page of the network in between',
    'mini-program',
    'not_wechat',
    'unknown',
    'what answered for 127.0.0.1:… is not WeChat',
    misbehaving({ on: 'stable_token', do: 'html' }),
  ],
  [
    'a busy WeChat',
    'mini-program',
    'busy',
    'unknown',
    'WeChat is busy, or was asked too often today',
    misbehaving({ on: 'stable_token', do: 'errcode', errcode: -1 }),
  ],
  [
    'a WeChat that fails',
    'mini-program',
    'busy',
    'unknown',
    'WeChat is busy, or was asked too often today',
    misbehaving({ on: 'stable_token', do: 'http-500' }),
  ],
  [
    'no way to WeChat',
    'mini-program',
    'unreachable',
    'unknown',
    'WeChat (127.0.0.1:…) cannot be asked: the connection is refused: nothing listens there',
    (clinic) => clinic.changed({ WECHAT_API_URL: clinic.nowhere }),
  ],
]

export const pay: readonly Row[] = [
  [
    'nothing',
    'pay',
    'key_right',
    'ok',
    'WeChat Pay takes WECHAT_PAY_KEY, and merchant and appid belong together (it answered ORDERNOTEXIST)',
    () => ({}),
  ],
  [
    'another APIv2 key',
    'pay',
    'key_wrong',
    'wrong',
    'WeChat Pay does not take our signature (SIGNERROR)',
    (clinic) => clinic.changed({ WECHAT_PAY_KEY: OTHER_KEY }),
  ],
  [
    'the AppSecret in the place of the APIv2 key',
    'pay',
    'key_is_elsewhere',
    'wrong',
    'the APIv2 key is in WECHAT_APP_SECRET, and WECHAT_PAY_KEY holds something else',
    swapped,
  ],
  [
    'two keys, neither of them the one',
    'pay',
    'key_wrong',
    'wrong',
    'WeChat Pay does not take our signature (SIGNERROR)',
    (clinic) =>
      clinic.changed({
        WECHAT_PAY_KEY: OTHER_KEY,
        WECHAT_PAY_KEY_OTHER: 'ApiV2KeyOfTheClinic0000000000003',
      }),
  ],
  [
    'two keys in the wrong order',
    'pay',
    'other_key_right',
    'warning',
    'WeChat Pay goes by WECHAT_PAY_KEY_OTHER, and not by WECHAT_PAY_KEY',
    (clinic) =>
      clinic.changed({
        WECHAT_PAY_KEY: OTHER_KEY,
        WECHAT_PAY_KEY_OTHER: clinic.env['WECHAT_PAY_KEY'],
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
    'the same, said in words only',
    'pay',
    'not_bound',
    'wrong',
    'WECHAT_APPID and WECHAT_MCH_ID are not bound to each other (APPID_MCHID_NOT_MATCH)',
    (clinic) => {
      const body =
        '<xml><return_code>FAIL</return_code><return_msg>商户号mch_id与appid不匹配</return_msg></xml>'
      clinic.anybody.say(() => ({ body }))
      return clinic.changed({ WECHAT_PAY_URL: clinic.anybody.url })
    },
  ],
  [
    'a merchant number that nobody has',
    'pay',
    'merchant_unknown',
    'wrong',
    'WeChat Pay does not know WECHAT_MCH_ID (MCHID_NOT_EXIST)',
    (clinic) => clinic.changed({ WECHAT_MCH_ID: '1600000009' }),
  ],
  [
    'an appid that nobody has',
    'pay',
    'appid_unknown',
    'wrong',
    'WeChat Pay does not know WECHAT_APPID (APPID_NOT_EXIST)',
    (clinic) => clinic.changed({ WECHAT_APPID: 'wx00000000000000ff' }),
  ],
  [
    'a product that is not switched on',
    'pay',
    'no_permission',
    'wrong',
    'the merchant may not use this payment product (NOAUTH)',
    misbehaving({ on: 'orderquery', do: 'err-code', errCode: 'NOAUTH' }),
  ],
  [
    'a refusal nobody thought of',
    'pay',
    'refused',
    'wrong',
    'WeChat Pay refuses the question: ACCOUNT_FROZEN 商户已被冻结',
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
    'an answer that was changed on the way',
    'pay',
    'not_signed',
    'wrong',
    'the answer is not signed with WECHAT_PAY_KEY',
    misbehaving({ on: 'orderquery', do: 'tamper' }),
  ],
  [
    'an answer for somebody else',
    'pay',
    'other_merchant',
    'wrong',
    'the answer is about another merchant or another appid',
    misbehaving({ on: 'orderquery', do: 'wrong-mch-id' }),
  ],
  [
    'a login page of the network in between',
    'pay',
    'not_wechat',
    'unknown',
    'what answered for 127.0.0.1:… is not WeChat Pay',
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
    'a WeChat Pay that fails',
    'pay',
    'busy',
    'unknown',
    'WeChat Pay is busy',
    misbehaving({ on: 'orderquery', do: 'http-500' }),
  ],
  [
    'no way to WeChat Pay',
    'pay',
    'unreachable',
    'unknown',
    'WeChat Pay (127.0.0.1:…) cannot be asked: the connection is refused: nothing listens there',
    (clinic) => clinic.changed({ WECHAT_PAY_URL: clinic.nowhere }),
  ],
]

const overTls =
  (change: Readonly<Record<string, string>> = {}): Row[5] =>
  (clinic) =>
    clinic.changed({ WECHAT_PAY_URL: clinic.wechatOverTls, ...change })

export const refunds: readonly Row[] = [
  [
    'nothing',
    'refunds',
    'taken',
    'ok',
    'WeChat Pay takes the certificate (asked for a refund of an order that does not exist)',
    overTls(),
  ],
  [
    'a certificate without its key',
    'refunds',
    'good_until',
    'ok',
    'the certificate is good until 2126-10-28',
    (clinic) => clinic.changed({ WECHAT_PAY_CERT_KEY: undefined }),
  ],
  ['nothing', 'refunds', 'good_until', 'ok', 'the certificate is good until 2126-10-28', overTls()],
  [
    'a certificate in its last month',
    'refunds',
    'ends_soon',
    'warning',
    'the certificate expires on 2126-10-28',
    () => ({ now: new Date('2126-10-01T00:00:00Z') }),
  ],
  [
    'a certificate for later',
    'refunds',
    'not_yet',
    'wrong',
    'the certificate is good from 2026-11-21 on only',
    () => ({ now: new Date('2026-11-01T00:00:00Z') }),
  ],
  [
    'a certificate WeChat no longer goes by',
    'refunds',
    'refused',
    'wrong',
    'WeChat Pay does not take the certificate: CERT_ERROR 证书已作废',
    misbehaving({ on: 'refund', do: 'err-code', errCode: 'CERT_ERROR', errCodeDes: '证书已作废' }),
  ],
  [
    'a certificate of another authority',
    'refunds',
    'refused',
    'wrong',
    'WeChat Pay does not take the certificate: CERT_ERROR 400 No required SSL certificate was sent',
    overTls({ WECHAT_PAY_CERT: pem('client'), WECHAT_PAY_CERT_KEY: pem('client.key') }),
  ],
  [
    'a connection that ends when the certificate is shown',
    'refunds',
    'cut_off',
    'wrong',
    'WeChat Pay ends the connection with the certificate, and answers those without',
    misbehaving({ on: 'refund', do: 'drop' }),
  ],
  [
    'refunds that are not switched on',
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
    'the certificate was not shown to WeChat: its answer under “WeChat Pay” comes first',
    (clinic) => clinic.changed({ WECHAT_PAY_KEY: OTHER_KEY }),
  ],
]
