import { signedRequest, type PaySettings } from '../../lib/wechat/v2/call.ts'
import { newNonce } from '../../lib/wechat/nonce.ts'
import { createWechat } from '../../lib/wechat/wechat.ts'
import { account, orderContent, PREPAY_ID } from './message-samples.ts'
import type { CreateSigner } from './signer.ts'

/** As the functions do it; a notification is also judged by appid, merchant, amount and time before it is called good. */
export const createOurs: CreateSigner = (signType) => {
  const settings: PaySettings = { ...account, signType, hosts: ['https://api.mch.weixin.qq.com'] }
  const notHere = () => {
    throw new Error('nothing here needs this')
  }
  const wechat = createWechat(
    { pay: () => settings, certificate: notHere, miniProgram: notHere },
    notHere,
  )
  return {
    name: 'this project',
    verify(bytes) {
      const notification = wechat.readNotification(bytes)
      return notification.ok && notification.value.kind === 'paid'
    },
    writeOrder: () => signedRequest(settings, newNonce, new Map(Object.entries(orderContent))).body,
    signPayment: () => wechat.signPayment(PREPAY_ID, new Date()),
  }
}
