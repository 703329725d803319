/**
 * Reads a notification, from the bytes received to a verified value. A message that fails a check
 * is refused. Only a refund notification has no signature: see `readRefundNotification`.
 */
import type { Failure } from '../../core/failure.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Acknowledgement, ReadNotification } from '../../ports.ts'
import type { PaySettings } from './keys.ts'
import { findUndocumented } from './notification-fields.ts'
import { hidesField } from './parameter-injection.ts'
import { toConfirmation } from './payment-fields.ts'
import { readRefundNotification } from './refund-notification.ts'
import { verifyMessage } from './verify.ts'
import { readXml } from '../xml.ts'

export async function readNotification(
  settings: PaySettings,
  bytes: Uint8Array,
): Promise<Result<ReadNotification, Failure>> {
  const read = await readXml(bytes)
  if (!read.ok) return err({ reason: 'notice_rejected', check: read.error })
  if (read.value.has('req_info') && !read.value.has('sign'))
    return readRefundNotification(settings, read.value)
  const check = verifyMessage(settings, read.value)
  if (check !== null) return err({ reason: 'notice_rejected', check })
  if (read.value.get('result_code') !== 'SUCCESS') return ok({ kind: 'not_paid' })
  const confirmation = toConfirmation(read.value)
  if (confirmation === null) return err({ reason: 'notice_rejected', check: 'content' })
  const attach = read.value.get('attach') ?? ''
  return ok({
    kind: 'paid',
    confirmation,
    attach: attach || null,
    undocumented: findUndocumented(read.value),
    mayAttachHideFields: hidesField(attach),
  })
}

const toXml = (code: string, message: string): string =>
  `<xml><return_code><![CDATA[${code}]]></return_code><return_msg><![CDATA[${message}]]></return_msg></xml>`

/**
 * One line of XML without a prologue. WeChat sends the notification again unless it reads SUCCESS;
 * the HTTP status does not matter to it.
 */
export const acknowledge = (handled: Result<unknown, Failure>): Acknowledgement => ({
  status: !handled.ok && handled.error.reason === 'body_too_large' ? 413 : 200,
  contentType: 'text/xml; charset=utf-8',
  body: handled.ok ? toXml('SUCCESS', 'OK') : toXml('FAIL', 'NOT TAKEN'),
})
