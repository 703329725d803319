/**
 * Generates hostile notifications: genuine ones, signed with the right or a wrong key, with a few
 * mutations.
 */
import { createCipheriv, createHash } from 'node:crypto'
import fc from 'fast-check'
import { toBeijingDigits } from '../../lib/core/time.ts'
import { sign, signed, type SignType } from '../../lib/wechat/v2/sign.ts'
import { writeXml } from '../../lib/wechat/xml.ts'
import { demoPay, filesOnDisk, sample } from '../support/samples.ts'
import {
  byteChange,
  fieldChange,
  recut,
  style,
  textChange,
  type Entries,
  type Entry,
  type Style,
} from './mutations.ts'

export interface Message {
  readonly bytes: Buffer
  /**
   * The signed fields, if the message only divides the same signed text into other fields; else
   * null.
   */
  readonly recutOf: Entries | null
}

/** The facts that a notification reports. Each target provides its own numbers. */
export interface Facts {
  readonly outTradeNo: string
  readonly transactionId: string
  readonly totalFee: string
  readonly openid: string
}

export const paidFields = ({ outTradeNo, transactionId, totalFee, openid }: Facts): Entries => [
  ['return_code', 'SUCCESS'],
  ['appid', demoPay.appid],
  ['mch_id', demoPay.mchId],
  ['nonce_str', '5d2b6c2a8db53831f7eda20af46e531c'],
  ['result_code', 'SUCCESS'],
  ['openid', openid],
  ['is_subscribe', 'N'],
  ['trade_type', 'JSAPI'],
  ['bank_type', 'OTHERS'],
  ['total_fee', totalFee],
  ['fee_type', 'CNY'],
  ['cash_fee', totalFee],
  ['attach', 'store=1&src=mp'],
  ['device_info', 'WEB'],
  ['transaction_id', transactionId],
  ['out_trade_no', outTradeNo],
  ['time_end', toBeijingDigits(new Date())],
]

/** Signs a message, given its fields before and after the mutations. */
type Signer = (before: Entries, after: Entries) => Entries

const withSign = (fields: ReadonlyMap<string, string>, key: string, type: SignType): Entries => [
  ['sign', sign(fields, key, type)],
]
const firstOf = (entries: Entries) => new Map(entries.toReversed())
/** Joins the values of a repeated field with a comma, as JavaScript prints a list. */
const joined = (entries: Entries) => {
  const values = Map.groupBy(entries, ([name]) => name)
  return new Map(
    [...values].map(([name, all]): Entry => [name, all.map(([, value]) => value).join(',')]),
  )
}
const trimmed = (entries: Entries) =>
  new Map(entries.map(([name, value]): Entry => [name, value.trim()]))
const odd = (change: (right: string) => string): Signer => {
  return (_, after) => [['sign', change(sign(new Map(after), demoPay.key, 'HMAC-SHA256'))]]
}
const OTHER_KEY = 'AnotherMerchantsKey0000000000001'

/**
 * The valid signature of the fields before the mutations: an attacker without the key can have
 * this.
 */
const signedOriginal =
  (type: SignType): Signer =>
  (before) =>
    withSign(new Map(before), demoPay.key, type)
const signedChanged = (type: SignType): Signer => {
  return (_, after) => withSign(new Map(after), demoPay.key, type)
}

const signer: fc.Arbitrary<Signer> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(signedOriginal('HMAC-SHA256'), signedOriginal('MD5')) },
  { weight: 8, arbitrary: fc.constantFrom(signedChanged('HMAC-SHA256'), signedChanged('MD5')) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Signer[]>(
      (_, after) => withSign(firstOf(after), demoPay.key, 'HMAC-SHA256'),
      (_, after) => withSign(joined(after), demoPay.key, 'MD5'),
      (_, after) => withSign(trimmed(after), demoPay.key, 'HMAC-SHA256'),
      (_, after) => withSign(new Map(after), OTHER_KEY, 'HMAC-SHA256'),
      (_, after) => withSign(new Map(after), '', 'MD5'),
      () => [],
      odd(() => ''),
      odd((right) => right.slice(0, 32)),
      odd((right) => right.slice(0, 63)),
      odd((right) => `${right}0`),
      odd((right) => right.toLowerCase()),
      odd((right) => ` ${right}`),
      odd((right) => `${right.slice(0, 63)}\u0000`),
      odd((right) => right.replaceAll('A', 'Ａ')),
      odd(() => 'A'.repeat(32)),
      (before, after) => [
        ...signedOriginal('MD5')(before, after),
        ...signedChanged('HMAC-SHA256')(before, after),
      ],
    ),
  },
)

const few = <T>(change: fc.Arbitrary<(from: T) => T>, maxLength: number) =>
  fc
    .array(change, { maxLength })
    .map((all) => (from: T) => all.reduce((changed, next) => next(changed), from))

/** Usually no change, so that many messages stay nearly valid. */
const sometimes = <T>(change: fc.Arbitrary<(from: T) => T>, outOf: number) =>
  fc.oneof(
    { weight: outOf - 1, arbitrary: fc.constant((from: T) => from) },
    { weight: 1, arbitrary: few(change, 2) },
  )

const styles = fc.array(style, { minLength: 1, maxLength: 5 })

const write = (root: string, entries: Entries, ways: readonly Style[]) =>
  `<${root}>${entries.map((entry, index) => ways[index % ways.length]?.(entry) ?? '').join('')}</${root}>`

/** A notification of the payment that `facts` describes. */
const paymentNotification = (facts: fc.Arbitrary<Facts>): fc.Arbitrary<Message> =>
  fc
    .tuple(
      facts,
      few(fieldChange, 2),
      signer,
      fc.boolean(),
      styles,
      sometimes(textChange, 4),
      sometimes(byteChange, 6),
    )
    .map(([fact, changeFields, signing, signFirst, ways, changeText, changeBytes]) => {
      const before = paidFields(fact)
      const after = changeFields(before)
      const signature = signing(before, after)
      const entries = signFirst ? [...signature, ...after] : [...after, ...signature]
      return {
        bytes: changeBytes(Buffer.from(changeText(write('xml', entries, ways)), 'utf8')),
        recutOf: null,
      }
    })

/** An `attach` with which a payer tries to inject fields into the notification. */
export const INJECTION_ATTACH = `x&mch_id=${demoPay.mchId}&nonce_str=n&out_trade_no=AnotherOrder&p=`

/** A notification with a valid signature whose signed text is divided into other fields. */
const recutNotification = (facts: fc.Arbitrary<Facts>): fc.Arbitrary<Message> =>
  fc
    .tuple(
      facts,
      fc.array(recut, { minLength: 1, maxLength: 12 }),
      fc.constantFrom('CNY', 'USD'),
      fc.constantFrom('store=1&src=mp', INJECTION_ATTACH),
    )
    .map(([fact, changes, currency, attach]) => {
      const own = new Map(Object.entries({ fee_type: currency, attach }))
      const before: Entries = paidFields(fact).map(([name, value]) => [
        name,
        own.get(name) ?? value,
      ])
      const after = changes.reduce<Entries>((entries, change) => change(entries), before)
      const signature = sign(new Map(before), demoPay.key, 'HMAC-SHA256')
      return {
        bytes: Buffer.from(writeXml(new Map([...after, ['sign', signature]]))),
        recutOf: before,
      }
    })

const recorded = filesOnDisk.filter((file) => file.endsWith('.xml')).map(sample)

const recordedMessage: fc.Arbitrary<Message> = fc
  .tuple(fc.constantFrom(...recorded), sometimes(textChange, 2), sometimes(byteChange, 2))
  .map(([bytes, changeText, changeBytes]) => ({
    bytes: changeBytes(Buffer.from(changeText(bytes.toString('utf8')), 'utf8')),
    recutOf: null,
  }))

export interface RefundFacts {
  readonly outTradeNo: string
  readonly outRefundNo: string
}

const refundFields = ({ outTradeNo, outRefundNo }: RefundFacts): Entries => [
  ['out_trade_no', outTradeNo],
  ['out_refund_no', outRefundNo],
  ['transaction_id', '4200002500202501020000000001'],
  ['refund_id', '50300002502025010200000000001'],
  ['refund_fee', '100'],
  ['refund_status', 'SUCCESS'],
]

function encrypt(plain: Buffer, key: string): string {
  const cipher = createCipheriv(
    'aes-256-ecb',
    createHash('md5').update(key, 'utf8').digest('hex'),
    null,
  )
  return Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64')
}

/**
 * A refund notification: an unsigned envelope with encrypted content. An attacker without the key
 * can move cipher blocks.
 */
const refundNotification = (facts: fc.Arbitrary<RefundFacts>): fc.Arbitrary<Message> =>
  fc
    .tuple(
      facts,
      few(fieldChange, 2),
      styles,
      sometimes(textChange, 4),
      sometimes(byteChange, 6),
      few(fieldChange, 1),
    )
    .chain(([fact, changeFields, ways, changeText, changeBytes, changeEnvelope]) =>
      fc
        .tuple(
          sometimes(byteChange, 3),
          fc.constantFrom(demoPay.key, demoPay.key, demoPay.key, OTHER_KEY),
          fc.boolean(),
        )
        .map(([changeEncrypted, key, isSigned]) => {
          const plain = changeText(write('root', changeFields(refundFields(fact)), ways))
          const encrypted = changeEncrypted(
            Buffer.from(encrypt(changeBytes(Buffer.from(plain, 'utf8')), key)),
          ).toString('latin1')
          const envelope: Entries = [
            ['return_code', 'SUCCESS'],
            ['appid', demoPay.appid],
            ['mch_id', demoPay.mchId],
            ['req_info', encrypted],
          ]
          const fields = new Map(changeEnvelope(envelope))
          return {
            bytes: Buffer.from(writeXml(isSigned ? signed(fields, demoPay.key, 'MD5') : fields)),
            recutOf: null,
          }
        }),
    )

export const messages = (
  facts: fc.Arbitrary<Facts>,
  refunds: fc.Arbitrary<RefundFacts>,
): fc.Arbitrary<Message> =>
  fc.oneof(
    { weight: 12, arbitrary: paymentNotification(facts) },
    { weight: 2, arbitrary: recutNotification(facts) },
    { weight: 3, arbitrary: recordedMessage },
    { weight: 2, arbitrary: refundNotification(refunds) },
  )
