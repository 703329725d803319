import * as v from 'valibot'
import { err, ok } from '../result.ts'
import { readBody, text } from './body.ts'
import type { V3Operation } from './call.ts'
import { encryptField } from './encryption.ts'
import { queueEchoNotification } from './notification.ts'
import { notifyUrlSchema } from './prepay.ts'
import { badParameter } from './refusal.ts'
import { decrypt } from './sensitive-field.ts'

const echoSchema = v.strictObject({
  echo_message: text(1024),
  encrypted_echo_message: v.exactOptional(text(1024)),
  notify_url: v.exactOptional(notifyUrlSchema),
})

/** Answers the same message, and notifies it. It moves no money. */
export const echo: V3Operation = (call) => {
  const { simulation, v3, incoming } = call
  if (!incoming.headers.has('wechatpay-serial'))
    return err(badParameter('Wechatpay-Serial', '缺少必填参数', 'header'))
  const read = readBody(echoSchema, incoming)
  if (!read.ok) return read
  const { echo_message, encrypted_echo_message, notify_url } = read.value
  const plain =
    encrypted_echo_message === undefined
      ? null
      : decrypt(call, '/encrypted_echo_message', encrypted_echo_message)
  if (plain?.ok === false) return plain
  if (notify_url !== undefined) queueEchoNotification(simulation, notify_url, echo_message)
  return ok({
    echo_message,
    ...(plain === null
      ? {}
      : { encrypted_echo_message: encryptField(v3.merchant.publicKey, plain.value) }),
  })
}
