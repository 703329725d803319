/**
 * Checks that a message is WeChat's: an answer or a notification. Nothing is used from a message
 * that fails, except the text of a transport refusal, which is never signed.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { Failure } from '../../core/failure.ts'
import { keysOf, type PaySettings } from './keys.ts'
import { notAccepted } from './refusals.ts'
import type { Fields } from '../fields.ts'
import { verify } from './sign.ts'
import { readXml } from '../xml.ts'

/** Returns the first check that the message fails; null if it passes all of them. */
export function verifyMessage(
  settings: PaySettings,
  fields: Fields,
): 'signature' | 'merchant' | 'content' | null {
  const type = keysOf(settings)
    .map((key) => verify(fields, key))
    .reduce((one, other) => one ?? other)
  if (type === null) return 'signature'
  if (type !== settings.signType) settings.onOtherSignType?.(type)
  if (fields.get('appid') !== settings.appid || fields.get('mch_id') !== settings.mchId)
    return 'merchant'
  return fields.get('return_code') === 'SUCCESS' && (fields.get('nonce_str') ?? '') !== ''
    ? null
    : 'content'
}

/** Reads the answer to a call. */
export async function readAnswer(
  settings: PaySettings,
  bytes: Uint8Array,
): Promise<Result<Fields, Failure>> {
  const read = await readXml(bytes)
  if (!read.ok) return err({ reason: 'wechat_untrusted', check: read.error })
  const fields = read.value
  // A transport refusal only decides that this call has failed, so it needs no signature.
  if (fields.get('return_code') === 'FAIL') return err(notAccepted(fields.get('return_msg') ?? ''))
  const check = verifyMessage(settings, fields)
  return check === null ? ok(fields) : err({ reason: 'wechat_untrusted', check })
}
