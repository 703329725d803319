import { signed, type Fields, type SignType } from '../../lib/wechat/sign.ts'
import { writeXml } from '../../lib/wechat/xml.ts'
import type { Fault } from './faults.ts'

const OTHER_KEY = 'AnotherMerchantsKey0000000000001'

/** One message as WeChat signs and writes it, or as the fault wants it. */
export function writeSigned(fields: Fields, key: string, type: SignType, fault: Fault | null): string {
  switch (fault?.do) {
    case 'unsigned':
      return writeXml(fields)
    case 'wrong-key':
      return writeXml(signed(fields, OTHER_KEY, type))
    case 'wrong-appid':
      return writeXml(signed(new Map([...fields, ['appid', 'wx00000000other001']]), key, type))
    case 'wrong-mch-id':
      return writeXml(signed(new Map([...fields, ['mch_id', '1900009999']]), key, type))
    case 'wrong-amount':
      return writeXml(signed(raised(fields), key, type))
    case 'tamper':
      return writeXml(tampered(signed(fields, key, type)))
    default:
      return writeXml(signed(fields, key, type))
  }
}

function raised(fields: Fields): Fields {
  const total = fields.get('total_fee')
  if (total === undefined) return fields
  const changed = new Map([...fields, ['total_fee', String(Number(total) + 1)]])
  return changed.has('cash_fee') ? changed.set('cash_fee', String(Number(total) + 1)) : changed
}

function tampered(fields: Fields): Fields {
  if (fields.has('total_fee')) return raised(fields)
  const name = fields.has('prepay_id') ? 'prepay_id' : 'nonce_str'
  return new Map([...fields, [name, `${fields.get(name)?.slice(0, -1)}z`]])
}
