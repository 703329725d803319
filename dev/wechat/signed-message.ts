import { withSignature, type Fields, type SignType } from './signature.ts'
import { writeXml } from './xml.ts'
import { isUnsigned, type Fault } from './faults.ts'

export const OTHER_KEY = 'AnotherMerchantsKey0000000000001'
export const OTHER_APPID = 'wx00000000other001'
export const OTHER_MCH_ID = '1900009999'

/** One message as WeChat signs and writes it, or as the fault changes it. */
export function writeSigned(
  fields: Fields,
  key: string,
  type: SignType,
  fault: Fault | null,
): string {
  if (isUnsigned(fault)) return writeXml(fields)
  switch (fault?.do) {
    case 'wrong-key':
      return writeXml(withSignature(fields, OTHER_KEY, type))
    case 'wrong-appid':
      return writeXml(withSignature(new Map([...fields, ['appid', OTHER_APPID]]), key, type))
    case 'wrong-mch-id':
      return writeXml(withSignature(new Map([...fields, ['mch_id', OTHER_MCH_ID]]), key, type))
    case 'wrong-amount':
      return writeXml(withSignature(raised(fields), key, type))
    case 'tamper':
      return writeXml(tampered(withSignature(fields, key, type)))
    default:
      return writeXml(withSignature(fields, key, type))
  }
}

/** The refunded amount of a refund; otherwise the paid amount and its cash part. */
const amounts = [
  ['refund_fee', 'cash_refund_fee'],
  ['refund_fee_0'],
  ['total_fee', 'cash_fee'],
] as const

function raised(fields: Fields): Fields {
  const raising = amounts.find(([name]) => fields.has(name)) ?? []
  return new Map(
    [...fields].map(([name, value]) => [
      name,
      raising.some((other) => other === name) ? String(Number(value) + 1) : value,
    ]),
  )
}

function tampered(fields: Fields): Fields {
  if (amounts.some(([name]) => fields.has(name))) return raised(fields)
  const name = fields.has('prepay_id') ? 'prepay_id' : 'nonce_str'
  return new Map([...fields, [name, `${fields.get(name)?.slice(0, -1)}z`]])
}
