import { newNonce } from '../../lib/wechat/nonce.ts'
import type { CallSettings } from '../../lib/wechat/v2/keys.ts'
import { readNotification } from '../../lib/wechat/v2/notification.ts'
import { createOrderCalls } from '../../lib/wechat/v2/pay.ts'
import { signedRequest } from '../../lib/wechat/v2/transport.ts'
import { account, orderContent, PREPAY_ID } from './message-samples.ts'
import type { CreateSigner } from './signer.ts'

/** As the functions do it; a notification is also judged by appid, merchant, amount and time before it is called good. */
export const createOurs: CreateSigner = (signType) => {
  const settings: CallSettings = {
    ...account,
    signType,
    hosts: ['https://api.mch.weixin.qq.com'],
    newNonce,
  }
  return {
    name: 'this project',
    verify(bytes) {
      const notification = readNotification(settings, bytes)
      return notification.ok && notification.value.kind === 'paid'
    },
    writeOrder: () => signedRequest(settings, new Map(Object.entries(orderContent))).body,
    signPayment: () => createOrderCalls(settings).signPayment(PREPAY_ID, new Date()),
  }
}
