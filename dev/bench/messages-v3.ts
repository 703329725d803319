/**
 * Messages of APIv3 per second: a notification decrypted, a request signed, the second
 * signature. The limit is RSA and AES of Node alone.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto'
import * as v from 'valibot'
import { toRfc3339 } from '../../lib/core/time.ts'
import { demoCertificate, demoV3Values, demoWechatPrivateKey } from '../world/demo-values.ts'
import { timeTasks, toContestTable, type Task } from './message-contest.ts'
import { account as v2, NONCE, orderContent, PREPAY_ID } from './message-samples.ts'
import type { Part } from './part.ts'
import { installPeers } from './peers.ts'
import {
  createNodeV3,
  createOurs,
  createPlugin,
  type Notification,
  type V3Account,
  type V3Signer,
} from './signers-v3.ts'

const BARE = 'bare RSA and AES'
const LEAST_OF_BARE_SIGNING = 0.8
const TARGET = '/v3/pay/transactions/jsapi'
const ASSOCIATED_DATA = 'transaction'
const GCM_NONCE = 'fdasflkja484'
const TAG_BYTES = 16

const platformSerial = demoV3Values.WECHAT_PAY_PUBLIC_KEY_ID
const platformKey = createPublicKey(demoV3Values.WECHAT_PAY_PUBLIC_KEY)
const platformPrivateKey = createPrivateKey(demoWechatPrivateKey)
const account: V3Account = {
  appid: v2.appid,
  mchId: v2.mchId,
  apiKey: demoV3Values.WECHAT_PAY_V3_KEY,
  merchant: {
    serial: new X509Certificate(demoCertificate.WECHAT_PAY_CERT).serialNumber,
    privateKey: createPrivateKey(demoCertificate.WECHAT_PAY_CERT_KEY),
  },
  publicKeys: new Map([[platformSerial, platformKey]]),
  hosts: ['https://api.mch.weixin.qq.com'],
  certificate: demoCertificate.WECHAT_PAY_CERT,
  privateKeyPem: demoCertificate.WECHAT_PAY_CERT_KEY,
  platformSerial,
  platformKey,
}

const orderNumber = orderContent.out_trade_no
const body = JSON.stringify({
  appid: account.appid,
  mchid: account.mchId,
  description: orderContent.body,
  out_trade_no: orderNumber,
  time_expire: '2025-01-02T05:04:05+08:00',
  attach: orderContent.attach,
  notify_url: orderContent.notify_url,
  amount: { total: Number(orderContent.total_fee), currency: orderContent.fee_type },
  payer: { openid: orderContent.openid },
  scene_info: { payer_client_ip: orderContent.spbill_create_ip },
})

export const measure: Part = async (bench) => {
  const load = await installPeers(bench.progress)
  const signers = [createOurs, createPlugin, createNodeV3].map((create) => create(account, load))
  for (const signer of signers) await checkSigner(signer)
  return toContestTable(
    { title: 'Messages of APIv3', about, notes, limit: BARE },
    await timeTasks(tasksOf(signers), bench),
  )
}

const about =
  'Messages of APIv3 per second on one core, as in the table above. A notification is verified and ' +
  'decrypted, from the bytes received to usable fields. A request of prepay is signed. The arguments ' +
  'of `wx.requestPayment` are signed. The limit is RSA with 2,048 bits, and for a notification ' +
  'AES-256-GCM too, over bytes that are ready. There are two aims: faster than each library, and for ' +
  `each signature at least ${LEAST_OF_BARE_SIGNING} of the limit.`

const notes = [
  'The time of this project includes checks that the others do not make: the age of a notification, its merchant, app and amount, and strict UTF-8. wechatpay-node-v3 does not check the tag of the encrypted part.',
]

const message = (headers: Notification['headers'], text: Buffer): Buffer =>
  Buffer.from(
    `${headers['wechatpay-timestamp']}\n${headers['wechatpay-nonce']}\n${text.toString('utf8')}\n`,
  )

/** Signed now, because an old notification is refused. */
function newNotification() {
  const plain = JSON.stringify({
    appid: account.appid,
    mchid: account.mchId,
    out_trade_no: orderNumber,
    transaction_id: '4200000000202501020000000001',
    trade_type: 'JSAPI',
    trade_state: 'SUCCESS',
    trade_state_desc: '支付成功',
    bank_type: 'OTHERS',
    attach: orderContent.attach,
    success_time: toRfc3339(new Date()),
    payer: { openid: orderContent.openid },
    amount: {
      total: Number(orderContent.total_fee),
      payer_total: Number(orderContent.total_fee),
      currency: 'CNY',
      payer_currency: 'CNY',
    },
  })
  const cipher = createCipheriv('aes-256-gcm', account.apiKey, GCM_NONCE)
  cipher.setAAD(Buffer.from(ASSOCIATED_DATA))
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  const text = Buffer.from(
    JSON.stringify({
      id: 'EV-2018022511223320873',
      create_time: toRfc3339(new Date()),
      resource_type: 'encrypt-resource',
      event_type: 'TRANSACTION.SUCCESS',
      summary: '支付成功',
      resource: {
        original_type: 'transaction',
        algorithm: 'AEAD_AES_256_GCM',
        ciphertext: sealed.toString('base64'),
        associated_data: ASSOCIATED_DATA,
        nonce: GCM_NONCE,
      },
    }),
  )
  const unsigned = {
    'wechatpay-timestamp': String(Math.floor(Date.now() / 1000)),
    'wechatpay-nonce': NONCE,
    'wechatpay-serial': platformSerial,
  }
  const signature = sign('sha256', message(unsigned, text), platformPrivateKey)
  const headers = { ...unsigned, 'wechatpay-signature': signature.toString('base64') }
  return { headers, body: text, signature, sealed }
}

/** Each kind of work by each signer, ours first and the limit last. */
function tasksOf(signers: readonly V3Signer[]): readonly Task[] {
  const notification = newNotification()
  const task = (
    label: string,
    toWork: (signer: V3Signer) => () => unknown,
    limit: () => unknown,
  ) => {
    const works = signers.map((signer) => ({ name: signer.name, work: toWork(signer) }))
    return { label, works: [...works, { name: BARE, work: limit }] }
  }
  const signLimit = (text: Buffer) => () => sign('sha256', text, account.merchant.privateKey)
  const request = Buffer.from(`POST\n${TARGET}\n1735758245\n${NONCE}\n${body}\n`)
  const payment = Buffer.from(`${account.appid}\n1735758245\n${NONCE}\nprepay_id=${PREPAY_ID}\n`)
  return [
    task(
      'notification decrypted',
      ({ createReader }) => createReader(notification),
      openLimit(notification),
    ),
    {
      ...task(
        'request signed',
        ({ signRequest }) =>
          () =>
            signRequest(TARGET, body),
        signLimit(request),
      ),
      leastOfLimit: LEAST_OF_BARE_SIGNING,
    },
    {
      ...task(
        'second signature',
        ({ signPayment }) =>
          () =>
            signPayment(PREPAY_ID),
        signLimit(payment),
      ),
      leastOfLimit: LEAST_OF_BARE_SIGNING,
    },
  ]
}

function openLimit({ headers, body: text, signature, sealed }: ReturnType<typeof newNotification>) {
  const signed = message(headers, text)
  const associatedData = Buffer.from(ASSOCIATED_DATA)
  const [encrypted, tag] = [sealed.subarray(0, -TAG_BYTES), sealed.subarray(-TAG_BYTES)]
  return () => {
    if (!verify('sha256', signed, platformKey, signature)) throw new Error('not signed')
    const decipher = createDecipheriv('aes-256-gcm', account.apiKey, GCM_NONCE)
    decipher.setAAD(associatedData).setAuthTag(tag)
    return [decipher.update(encrypted), decipher.final()]
  }
}

/**
 * Checks a signer before it is timed.
 *
 * @throws Error if it accepts a wrong notification, refuses a right one, or signs incorrectly
 */
async function checkSigner({
  name,
  createReader,
  signRequest,
  signPayment,
}: V3Signer): Promise<void> {
  const expect = (isRight: boolean, problem: string) => {
    if (!isRight) throw new Error(`${name}: ${problem}`)
  }
  const genuine = newNotification()
  const tampered = { ...genuine, body: Buffer.concat([genuine.body, Buffer.from(' ')]) }
  expect((await createReader(genuine)()) === orderNumber, 'refuses a genuine notification')
  expect((await createReader(tampered)()) === null, 'accepts a notification that was changed')

  const publicKey = createPublicKey(account.merchant.privateKey)
  const isSigned = (lines: readonly string[], signature = '') =>
    verify(
      'sha256',
      Buffer.from(`${lines.join('\n')}\n`),
      publicKey,
      Buffer.from(signature, 'base64'),
    )
  const header = signRequest(TARGET, body)
  const field = (one: string) => new RegExp(`${one}="([^"]*)"`).exec(header)?.[1] ?? ''
  const [nonce, timestamp] = [field('nonce_str'), field('timestamp')]
  expect(field('mchid') === account.mchId && nonce !== '', 'names no merchant or nonce')
  expect(
    isSigned(['POST', TARGET, timestamp, nonce, body], field('signature')),
    'signs a request incorrectly',
  )

  const { signType, paySign, ...args } = v.parse(
    v.record(v.string(), v.string()),
    signPayment(PREPAY_ID),
  )
  const { appId = '', timeStamp = '', nonceStr = '', package: prepayId = '' } = args
  expect(
    appId === account.appid && prepayId === `prepay_id=${PREPAY_ID}` && signType === 'RSA',
    'signs other arguments',
  )
  expect(
    isSigned([appId, timeStamp, nonceStr, prepayId], paySign),
    'signs the arguments incorrectly',
  )
}
