import { err, ok, type Result } from '../result.ts'
import type { V3Call } from './call.ts'
import { decryptField } from './encryption.ts'
import { badParameter, type V3Refusal } from './refusal.ts'

/** Opens a field that was encrypted with the key that `Wechatpay-Serial` names. */
export function decrypt(
  { v3, incoming }: V3Call,
  field: string,
  value: string,
): Result<string, V3Refusal> {
  const serial = incoming.headers.get('wechatpay-serial')
  if (serial === null) return err(badParameter('Wechatpay-Serial', '缺少必填参数', 'header'))
  const key = v3.keys.find(serial)
  const plain = key === undefined ? null : decryptField(key.privateKey, value)
  return plain === null
    ? err(badParameter(field, '请确认待处理的消息是否为加密后的密文'))
    : ok(plain)
}
