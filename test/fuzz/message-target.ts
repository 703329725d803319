/**
 * What must hold for any bytes that come as a notification: they are read without a crash, and nothing is taken as rightly signed
 * that another library refuses, or reads otherwise.
 */
import fc from 'fast-check'
import { hidesField } from '../../lib/wechat/v2/parameter-injection.ts'
import { readNotification } from '../../lib/wechat/v2/notification.ts'
import { verify, type Fields } from '../../lib/wechat/v2/sign.ts'
import { readXml } from '../../lib/wechat/v2/xml.ts'
import type { Notification } from '../../lib/ports.ts'
import { demoPay } from '../support/samples.ts'
import { messages, type Message } from './messages.ts'
import {
  acceptsFields,
  decodeReferences,
  readByGrammar,
  secondOpinion,
  secondOpinionOnRefund,
} from './second-opinion.ts'
import { Violation, type Outcome, type Target } from './target.ts'

const order = {
  outTradeNo: '20250102030405000000000000000001',
  transactionId: '4200002500202501020000000001',
  totalFee: '101',
  openid: 'oDemo000000000000000000User1',
}
const inputs = messages(
  fc.constant(order),
  fc.constant({ outTradeNo: order.outTradeNo, outRefundNo: 'R20250102030405000000000000000001' }),
)

export const messageTarget: Target<Message> = {
  name: 'notices, read',
  inputs,
  judge: ({ bytes, recutOf }) => judgeMessage(bytes, recutOf),
  print: ({ bytes }) =>
    `${JSON.stringify(bytes.toString('utf8'))}\n  in base64: ${bytes.toString('base64')}`,
}

export function judgeMessage(bytes: Uint8Array, recutOf: Message['recutOf'] = null): Outcome {
  const read = readXml(bytes)
  const notification = readNotification(demoPay, bytes)
  const theirs = secondOpinion(bytes, demoPay.key)
  if (!read.ok) {
    if (notification.ok) throw new Violation('a notification was taken that cannot be read')
    return `refused: ${read.error}${theirs.accepts ? ', the other library accepts' : ''}`
  }
  const rightlySigned = verify(read.value, demoPay.key) !== null
  if (notification.ok && notification.value.kind === 'refund')
    return judgeRefund(read.value, notification.value)
  if (!rightlySigned) {
    if (notification.ok) throw new Violation('a notification was taken that is not rightly signed')
    return `refused: signature${theirs.accepts ? ', the other library accepts' : ''}`
  }
  if (!acceptsFields(read.value, demoPay.key))
    throw new Violation('the other library comes to another signature over the same fields')
  const difference = compareReadings(bytes, 'xml', read.value, theirs.fields)
  if (difference === '' && !theirs.accepts)
    throw new Violation('the other library refuses the signature')
  if (!notification.ok)
    return `signed, refused: ${'check' in notification.error ? notification.error.check : notification.error.reason}${difference}`
  if (notification.value.kind === 'paid') {
    const own = recutOf === null ? 'store=1&src=mp' : (new Map(recutOf).get('attach') ?? null)
    const { undocumented, attach } = notification.value
    if (undocumented !== null || (attach !== own && hidesField(attach ?? '')))
      return `accepted: doubtful${difference}`
    judgePayment(notification.value, read.value, recutOf)
  }
  return `accepted: ${notification.value.kind}${difference}`
}

/**
 * What is believed must be read alike by the other library and by the letter of XML, field by field. Two differences are the
 * other library's own: it cuts blanks off text that stands outside of CDATA, and leaves character references as they are
 * (XML 1.0, sections 2.10 and 4.1).
 */
function compareReadings(
  bytes: Uint8Array,
  root: string,
  ours: Fields,
  theirs: Fields | null,
): string {
  const byGrammar = readByGrammar(bytes, root)
  if (byGrammar === null) throw new Violation('a message was believed that is no flat XML')
  if (!isSame(byGrammar, ours)) throw new Violation('the grammar of XML reads other fields')
  if (theirs === null || theirs.size !== ours.size)
    throw new Violation('the other library reads other fields')
  const differences = [...ours].map(([name, value]) =>
    nameDifference(value, theirs.get(name) ?? ''),
  )
  return differences.find((difference) => difference !== '') ?? ''
}

function nameDifference(ours: string, theirs: string): string {
  if (theirs === ours) return ''
  if (withoutBlanks(theirs) === withoutBlanks(ours)) return ', but for blanks'
  if (withoutBlanks(decodeReferences(theirs)) === withoutBlanks(ours))
    return ', but for a character reference'
  throw new Violation('the other library reads other fields')
}

const isSame = (a: Fields, b: Fields): boolean =>
  a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
const withoutBlanks = (text: string): string => text.replaceAll(/\s/gu, '')

/** What a payment is settled by is what was signed. */
function judgePayment(
  { confirmation }: Extract<Notification, { kind: 'paid' }>,
  fields: Fields,
  recutOf: Message['recutOf'],
): void {
  const { outTradeNo, totalFee, transactionId, feeType } = confirmation
  const said = (name: string) => fields.get(name) ?? ''
  if (
    outTradeNo !== said('out_trade_no') ||
    String(totalFee) !== said('total_fee') ||
    transactionId !== said('transaction_id')
  )
    throw new Violation('a payment was confirmed that is not what the message says')
  if (
    said('appid') !== demoPay.appid ||
    said('mch_id') !== demoPay.mchId ||
    said('result_code') !== 'SUCCESS'
  )
    throw new Violation('a payment was confirmed to somebody else')
  if (recutOf === null) return
  const signedFor = new Map(recutOf)
  const facts = {
    out_trade_no: outTradeNo,
    total_fee: String(totalFee),
    transaction_id: transactionId,
  }
  const changed = Object.entries(facts).filter(([name, fact]) => signedFor.get(name) !== fact)
  // Any other currency is refused further on, so only this one matters.
  if (feeType === 'CNY' && signedFor.get('fee_type') !== 'CNY') changed.push(['fee_type', feeType])
  const names = changed.map(([name]) => name).join(' and ')
  if (names !== '')
    throw new Violation(`a signed message, cut at another place, confirms another ${names}`)
}

/** A refund notification proves nothing; that it opens, and what it names, the other library must agree on. */
function judgeRefund(
  outside: Fields,
  notification: Extract<Notification, { kind: 'refund' }>,
): Outcome {
  if (outside.has('sign')) throw new Violation('a signed message was taken for a refund notice')
  const opened = secondOpinionOnRefund(outside.get('req_info') ?? '', demoPay.key)
  if (opened === null)
    throw new Violation('the other library cannot open a refund notification that was taken')
  const read = readXml(opened.inside, 'root')
  if (!read.ok)
    throw new Violation('the other library opens a refund notification to something else')
  const named = ['out_trade_no', 'out_refund_no', 'refund_status'].map((name) =>
    read.value.get(name),
  )
  if (
    named.join() !==
    [notification.outTradeNo, notification.outRefundNo, notification.refundStatus].join()
  )
    throw new Violation('a refund notification was taken for another refund')
  return `accepted: refund${compareReadings(opened.inside, 'root', read.value, opened.fields)}`
}
