/**
 * Any bytes may arrive as a notification. Reading them must not crash. A message that we accept
 * must also be accepted by another library, with the same fields.
 */
import fc from 'fast-check'
import { hidesField } from '../../lib/wechat/v2/parameter-injection.ts'
import { readNotification } from '../../lib/wechat/v2/notification.ts'
import type { Fields } from '../../lib/wechat/fields.ts'
import { verify } from '../../lib/wechat/v2/sign.ts'
import { readXml } from '../../lib/wechat/xml.ts'
import type { ReadNotification } from '../../lib/ports.ts'
import { demoPay } from '../support/samples.ts'
import { messages, type Message } from './messages.ts'
import {
  otherLibraryAccepts,
  decodeReferences,
  readByGrammar,
  readWithOtherLibrary,
  openRefundWithOtherLibrary,
} from './reference-readers.ts'
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
  name: 'notifications',
  inputs,
  check: ({ bytes, recutOf }) => checkMessage(bytes, recutOf),
  print: ({ bytes }) =>
    `${JSON.stringify(bytes.toString('utf8'))}\n  in base64: ${bytes.toString('base64')}`,
}

export async function checkMessage(
  bytes: Uint8Array,
  recutOf: Message['recutOf'] = null,
): Promise<Outcome> {
  const read = await readXml(bytes)
  const notification = await readNotification(demoPay, bytes)
  const theirs = readWithOtherLibrary(bytes, demoPay.key)
  if (!read.ok) {
    if (notification.ok) throw new Violation('an unreadable notification was accepted')
    return `refused: ${read.error}${theirs.accepts ? ', the other library accepts' : ''}`
  }
  const isSignatureValid = verify(read.value, demoPay.key) !== null
  if (notification.ok && notification.value.kind === 'refund')
    return checkRefund(read.value, notification.value)
  if (!isSignatureValid) {
    if (notification.ok)
      throw new Violation('a notification with an invalid signature was accepted')
    return `refused: signature${theirs.accepts ? ', the other library accepts' : ''}`
  }
  if (!otherLibraryAccepts(read.value, demoPay.key))
    throw new Violation('the other library computes another signature over the same fields')
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
    checkPayment(notification.value, read.value, recutOf)
  }
  return `accepted: ${notification.value.kind}${difference}`
}

/**
 * The other library and the grammar of XML must read every field of an accepted message as we do.
 * Two differences are allowed, because the other library departs from XML 1.0 (sections 2.10 and
 * 4.1): it trims text outside CDATA, and it does not decode character references.
 */
function compareReadings(
  bytes: Uint8Array,
  root: string,
  ours: Fields,
  theirs: Fields | null,
): string {
  const byGrammar = readByGrammar(bytes, root)
  if (byGrammar === null) throw new Violation('a message that is not flat XML was accepted')
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
  if (withoutBlanks(theirs) === withoutBlanks(ours)) return ', except blanks'
  if (withoutBlanks(decodeReferences(theirs)) === withoutBlanks(ours))
    return ', except a character reference'
  throw new Violation('the other library reads other fields')
}

const isSame = (a: Fields, b: Fields): boolean =>
  a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
const withoutBlanks = (text: string): string => text.replaceAll(/\s/gu, '')

/** The confirmed payment must be the one that was signed. */
function checkPayment(
  { confirmation }: Extract<ReadNotification, { kind: 'paid' }>,
  fields: Fields,
  recutOf: Message['recutOf'],
): void {
  const { outTradeNo, totalFee, transactionId, feeType } = confirmation
  const field = (name: string) => fields.get(name) ?? ''
  if (
    outTradeNo !== field('out_trade_no') ||
    String(totalFee) !== field('total_fee') ||
    transactionId !== field('transaction_id')
  )
    throw new Violation('the confirmed payment differs from the message')
  if (
    field('appid') !== demoPay.appid ||
    field('mch_id') !== demoPay.mchId ||
    field('result_code') !== 'SUCCESS'
  )
    throw new Violation('a payment of another merchant was confirmed')
  if (recutOf === null) return
  const signedFor = new Map(recutOf)
  const facts = {
    out_trade_no: outTradeNo,
    total_fee: String(totalFee),
    transaction_id: transactionId,
  }
  const changed = Object.entries(facts).filter(([name, fact]) => signedFor.get(name) !== fact)
  // A later check refuses every other currency, so only CNY matters here.
  if (feeType === 'CNY' && signedFor.get('fee_type') !== 'CNY') changed.push(['fee_type', feeType])
  const names = changed.map(([name]) => name).join(' and ')
  if (names !== '')
    throw new Violation(`a signed message, divided into other fields, confirms another ${names}`)
}

/**
 * A refund notification is no proof. The other library must decrypt it too, and must read the same
 * refund.
 */
async function checkRefund(
  envelope: Fields,
  notification: Extract<ReadNotification, { kind: 'refund' }>,
): Promise<Outcome> {
  if (envelope.has('sign'))
    throw new Violation('a signed message was read as a refund notification')
  const opened = openRefundWithOtherLibrary(envelope.get('req_info') ?? '', demoPay.key)
  if (opened === null)
    throw new Violation('the other library cannot decrypt an accepted refund notification')
  const read = await readXml(opened.decrypted, 'root')
  if (!read.ok)
    throw new Violation('the other library decrypts a refund notification to another text')
  const named = ['out_trade_no', 'out_refund_no', 'refund_status'].map((name) =>
    read.value.get(name),
  )
  if (
    named.join() !==
    [notification.outTradeNo, notification.outRefundNo, notification.refundStatus].join()
  )
    throw new Violation('a refund notification was read as another refund')
  return `accepted: refund${compareReadings(opened.decrypted, 'root', read.value, opened.fields)}`
}
