/**
 * The merchant's certificate: its content, and whether WeChat accepts it.
 *
 * The check requests a refund of an order that WeChat has just reported as missing, with a random
 * refund number, so no money can move. A handshake alone is not enough, because WeChat compares
 * certificate and merchant only when it reads the request.
 */
import type { X509Certificate } from 'node:crypto'
import {
  certificateName,
  certificateSettings,
  openCertificate,
} from '../../lib/config/certificate.ts'
import type { Environment } from '../../lib/config/environment.ts'
import { configuredProtocols } from '../../lib/config/protocol.ts'
import { merchantIdentity } from '../../lib/config/v3.ts'
import { merchantNumber, paySettings } from '../../lib/config/wechat.ts'
import { loadCertificate } from '../../lib/http-client/request.ts'
import { call } from '../../lib/wechat/v2/call.ts'
import { newNonce } from '../../lib/wechat/nonce.ts'
import { isForReal, isSet, within, type Check, type Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'
import { impossibleOrder } from './pay.ts'

const PAGE = 'pay.weixin.qq.com → 账户中心 → API安全 → 商户API证书'
const NO_REFUND = 'refunds stay PROCESSING, and cron repeats them until it is fixed'

const DAY_MS = 86_400_000
/** Enough time to apply for a new one and to set it. */
const SOON_DAYS = 30

const verdicts = {
  taken: {
    status: 'ok',
    what: 'WeChat Pay accepts the certificate (tested with a refund of an order that does not exist)',
  },
  good_until: { status: 'ok', what: 'the certificate is valid until {day}' },
  ends_soon: {
    status: 'warning',
    what: 'the certificate expires on {day}',
    why: 'no refund can be made after that day',
    where: `${PAGE}: apply for a new one, set both variables, redeploy`,
  },
  not_yet: {
    status: 'wrong',
    what: 'the certificate is not valid before {day}',
    why: 'no refund can be made before that day',
    where: 'check the clock of this machine; otherwise wait',
  },
  no_number: {
    status: 'warning',
    what: 'the certificate names no merchant',
    why: 'a certificate of WeChat has the merchant number as its common name: this one may be for another purpose',
    where: `${PAGE}: apiclient_cert.pem`,
  },
  refused: {
    status: 'wrong',
    what: 'WeChat Pay does not accept the certificate: {words}',
    why: NO_REFUND,
    where: `${PAGE}: it may have been replaced; apply for a new one, set both variables, redeploy`,
  },
  cut_off: {
    status: 'wrong',
    what: 'WeChat Pay closes connections with the certificate, and answers those without',
    why: NO_REFUND,
    where: `${PAGE}: apply for a new one, set both variables, redeploy`,
  },
  other_refusal: {
    status: 'warning',
    what: 'WeChat Pay refuses refunds: {words}',
    why: NO_REFUND,
    where: 'pay.weixin.qq.com → 产品中心: check that refunds are switched on',
  },
  not_shown: {
    status: 'skipped',
    what: 'the certificate was not tested: fix the problem under “WeChat Pay” first',
  },
} as const satisfies Verdicts

const say = reporter('refunds', verdicts)

export const refunds: Check = {
  name: 'refunds',
  title: 'Refunds',
  verdicts,
  settings: [
    {
      names: ['WECHAT_PAY_CERT', 'WECHAT_PAY_CERT_KEY'],
      read: readPair,
      need: 'feature',
      applies: (env) => !configuredProtocols(env).includes('v3'),
      what: 'the certificate and its key: apiclient_cert.pem and apiclient_key.pem, as they are or in Base64',
      why: 'without a certificate refunds answer not_configured',
      where: PAGE,
    },
  ],
  // Also without its key.
  inspect: (patient) =>
    isSet(patient.env, 'WECHAT_PAY_CERT')
      ? inspect(openCertificate(patient.env, patient.now).opened, patient)
      : [],
  examine: async (patient) => {
    const pair = findPair(patient)
    // Only refunds of APIv2 use it as a client certificate.
    return pair === null || !configuredProtocols(patient.env).includes('v2')
      ? []
      : [await show(patient, pair)]
  },
}

/** APIv3 demands more of the certificate than refunds of APIv2 do. */
function readPair(env: Environment, now: Date): Pair {
  const pair = certificateSettings(env, now)
  if (configuredProtocols(env).includes('v3')) merchantIdentity(env)
  return pair
}

const findPair = ({ env, now }: Patient): Pair | null =>
  isSet(env, 'WECHAT_PAY_CERT') || isSet(env, 'WECHAT_PAY_CERT_KEY')
    ? certificateSettings(env, now)
    : null

type Pair = ReturnType<typeof certificateSettings>

function inspect(certificate: X509Certificate, patient: Patient): readonly Finding[] {
  const day = (at: Date) => ({ day: at.toISOString().slice(0, 10) })
  const { now } = patient
  const { validFromDate, validToDate } = certificate
  const isNamed = certificateName(certificate) === merchantNumber(patient.env)
  const unnamed = isForReal(patient) && !isNamed ? [say('no_number')] : []
  if (validFromDate > now) return [say('not_yet', day(validFromDate)), ...unnamed]
  const endsSoon = validToDate.getTime() - now.getTime() < SOON_DAYS * DAY_MS
  return [say(endsSoon ? 'ends_soon' : 'good_until', day(validToDate)), ...unnamed]
}

async function show(patient: Patient, { cert, key }: Pair): Promise<Finding> {
  const settings = { ...paySettings(patient.env), newNonce }
  const outTradeNo = impossibleOrder()
  const asked = await within(patient, () =>
    call(settings, '/pay/orderquery', new Map([['out_trade_no', outTradeNo]])),
  )
  if (!asked.ok || asked.value.kind !== 'missing') return say('not_shown')
  const refund = new Map([
    ['out_trade_no', outTradeNo],
    ['out_refund_no', outTradeNo],
    ['total_fee', '1'],
    ['refund_fee', '1'],
  ])
  const certified = { ...settings, certificate: loadCertificate(cert, key) }
  const said = await within(patient, () => call(certified, '/secapi/pay/refund', refund))
  // A signed answer, with any result for the order, means that the certificate is accepted.
  if (said.ok) return say('taken')
  const { error } = said
  switch (error.reason) {
    case 'wechat_unknown':
    case 'wechat_untrusted':
      return say('cut_off')
    case 'wechat_refused':
      return refusal(error.code, error.text)
    case 'wechat_misconfigured':
      return refusal(error.code, error.text ?? '')
    default:
      return say('not_shown')
  }
}

function refusal(code: string, text: string): Finding {
  const words = `${code} ${text}`.trim()
  return /证书|cert/i.test(words) ? say('refused', { words }) : say('other_refusal', { words })
}
