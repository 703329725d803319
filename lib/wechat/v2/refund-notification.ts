import { createDecipheriv, createHash } from 'node:crypto'
import type { Failure, MessageCheck } from '../../core/failure.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ReadNotification } from '../../ports.ts'
import { keysOf, type PaySettings } from './keys.ts'
import { parseRefundStatus } from './refund-status.ts'
import type { Fields } from '../fields.ts'
import { readXml } from '../xml.ts'

/**
 * Reads a refund notification. It has no signature. `req_info` is encrypted (AES-256-ECB; the key
 * is the hex MD5 of our key). If it can be decrypted, its author knows the key, but the blocks may
 * not be in their original order. So a notification only names a refund to ask WeChat about.
 */
export async function readRefundNotification(
  settings: PaySettings,
  fields: Fields,
): Promise<Result<ReadNotification, Failure>> {
  if (fields.get('appid') !== settings.appid || fields.get('mch_id') !== settings.mchId)
    return err({ reason: 'notice_rejected', check: 'merchant' })
  const plain = await openUnderAny(keysOf(settings), fields.get('req_info') ?? '')
  if (!plain.ok) return err({ reason: 'notice_rejected', check: plain.error })
  const [outTradeNo, outRefundNo] = [
    plain.value.get('out_trade_no') ?? '',
    plain.value.get('out_refund_no') ?? '',
  ]
  const refundStatus = parseRefundStatus(plain.value.get('refund_status') ?? '')
  if (outTradeNo === '' || outRefundNo === '' || refundStatus === null)
    return err({ reason: 'notice_rejected', check: 'content' })
  return ok({ kind: 'refund', outTradeNo, outRefundNo, refundStatus })
}

/** A wrong key may decrypt to nonsense, so only a result that can be read ends the search. */
async function openUnderAny(
  keys: readonly string[],
  reqInfo: string,
): Promise<Result<Fields, MessageCheck>> {
  let check: MessageCheck = 'signature'
  for (const key of keys) {
    const opened = open(reqInfo, key)
    if (opened === null) continue
    const plain = await readXml(opened, 'root')
    if (plain.ok) return plain
    check = plain.error
  }
  return err(check)
}

function open(reqInfo: string, key: string): Uint8Array | null {
  try {
    const decipher = createDecipheriv(
      'aes-256-ecb',
      createHash('md5').update(key, 'utf8').digest('hex'),
      null,
    )
    return Buffer.concat([decipher.update(Buffer.from(reqInfo, 'base64')), decipher.final()])
  } catch {
    return null
  }
}
