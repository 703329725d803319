/** What is fast and wrong is no competitor: whatever is timed is first held against the rule itself. */
import * as v from 'valibot'
import type { SignType } from '../../lib/wechat/v2/sign.ts'
import { readXml } from '../../lib/wechat/v2/xml.ts'
import {
  account,
  notificationOf,
  orderContent,
  PREPAY_ID,
  tamperedNotificationOf,
} from './message-samples.ts'
import { hashText, textToSign } from './plain-signature.ts'
import type { Signer } from './signer.ts'

const texts = v.record(v.string(), v.string())

/** @throws Error when it takes a notification it should not, or the other way round, or signs otherwise than WeChat's rule has it. */
export async function checkSigner(
  { name, verify, writeOrder, signPayment }: Signer,
  type: SignType,
): Promise<void> {
  const expect = (isRight: boolean, what: string) => {
    if (!isRight) throw new Error(`${name}, ${type}: ${what}`)
  }
  expect(await verify(notificationOf(type)), 'does not take a genuine notification')
  expect(
    !(await verify(tamperedNotificationOf(type))),
    'takes a notification that was tampered with',
  )

  const read = readXml(Buffer.from(writeOrder()))
  const order = read.ok ? Object.fromEntries(read.value) : {}
  const wanted = { ...orderContent, appid: account.appid, mch_id: account.mchId, sign_type: type }
  expect(
    Object.entries(wanted).every(([field, value]) => order[field] === value),
    'writes another order',
  )
  expect(
    Object.keys(order).length === Object.keys(wanted).length + 2 && order['nonce_str'] !== '',
    'writes more or less than it should',
  )
  expect(
    order['sign'] === hashText(textToSign(order, account.key), account.key, type),
    'signs an order wrongly',
  )

  const {
    appId = '',
    timeStamp = '',
    nonceStr = '',
    package: prepayId = '',
    signType = '',
    paySign,
  } = v.parse(texts, signPayment())
  expect(
    appId === account.appid && prepayId === `prepay_id=${PREPAY_ID}` && signType === type,
    'signs other arguments',
  )
  const text = textToSign({ appId, timeStamp, nonceStr, package: prepayId, signType }, account.key)
  expect(paySign === hashText(text, account.key, type), 'signs the arguments wrongly')
}
