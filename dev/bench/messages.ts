/**
 * Signed messages per second: a notification verified, a unified order signed and written, the
 * second signature.
 *
 * This project is beside the libraries people use for APIv2 on Node today. The hash alone, over a
 * prepared text, is the lower limit.
 */
import { createHmac, hash } from 'node:crypto'
import * as v from 'valibot'
import type { SignType } from '../../lib/wechat/v2/sign.ts'
import { readXml } from '../../lib/wechat/xml.ts'
import { timeTasks, toContestTable, type Task } from './message-contest.ts'
import {
  account,
  NONCE,
  notificationOf,
  orderContent,
  paymentOf,
  PREPAY_ID,
} from './message-samples.ts'
import type { Part } from './part.ts'
import { installPeers } from './peers.ts'
import { createOurs, createPlugin, createTenpay, type Signer } from './signers.ts'

const HASH = 'the hash alone'

type Fields = Readonly<Record<string, string>>

export const measure: Part = async (bench) => {
  const load = await installPeers(bench.progress)
  const tasks: Task[] = []
  for (const type of ['MD5', 'HMAC-SHA256'] as const) {
    const signers = [createOurs, createPlugin, createTenpay].map((create) => create(type, load))
    for (const signer of signers) await checkSigner(signer, type)
    tasks.push(...tasksOf(type, signers))
  }
  return toContestTable(
    { title: 'Messages of APIv2', about, notes, limit: HASH },
    await timeTasks(tasks, bench),
  )
}

const about =
  'Messages of APIv2 per second on one core. A notification is verified, from the bytes received to ' +
  'usable fields. A unified order gets a nonce, is signed and written. The arguments of ' +
  '`wx.requestPayment` are signed. The figure in brackets is how many times as fast this project ' +
  'is. Every candidate has the same fields and the same key, and its result is checked before it is ' +
  'timed. Only the processor time of the thread counts. The hash alone, over a text that is ready, ' +
  'is the minimum for every signature. The aim: faster than each library.'

const notes = [
  'The time of this project includes checks that the others do not make. It refuses a message that is not flat UTF-8 of WeChat, and checks appid, merchant number, amount and time of a notification.',
]

/** WeChat's rule: the fields in the order of their names, then the key. */
function textToSign(fields: Fields, key: string): string {
  const pairs = Object.entries(fields).filter(
    ([name, value]) => name !== 'sign' && name !== 'paySign' && value !== '',
  )
  return [...pairs.map((pair) => pair.join('=')).toSorted(), `key=${key}`].join('&')
}

const hashText = (text: string, key: string, type: SignType): string =>
  (type === 'MD5'
    ? hash('md5', text, 'hex')
    : createHmac('sha256', key).update(text).digest('hex')
  ).toUpperCase()

/** Each kind of work by each signer, ours first and the hash last. */
function tasksOf(type: SignType, signers: readonly Signer[]): readonly Task[] {
  const { appid, mchId, key } = account
  const task = (label: string, toWork: (signer: Signer) => () => unknown, fields: Fields) => {
    const text = textToSign(fields, key)
    const works = signers.map((signer) => ({ name: signer.name, work: toWork(signer) }))
    const limit = { name: HASH, work: () => hashText(text, key, type) }
    return { label: `${label}, ${type}`, works: [...works, limit] }
  }
  const notification = notificationOf(type)
  const sender = { appid, mch_id: mchId, nonce_str: NONCE, sign_type: type }
  const payment = { appId: appid, timeStamp: '1735758245', nonceStr: NONCE, signType: type }
  return [
    task(
      'notification verified',
      ({ verify }) =>
        () =>
          verify(notification),
      paymentOf(type),
    ),
    task('order signed', ({ writeOrder }) => writeOrder, { ...orderContent, ...sender }),
    task('second signature', ({ signPayment }) => signPayment, {
      ...payment,
      package: `prepay_id=${PREPAY_ID}`,
    }),
  ]
}

/**
 * Checks a signer against WeChat's rule before it is timed.
 *
 * @throws Error if it accepts a wrong notification, refuses a right one, or signs incorrectly
 */
async function checkSigner(
  { name, verify, writeOrder, signPayment }: Signer,
  type: SignType,
): Promise<void> {
  const { appid, mchId, key } = account
  const expect = (isRight: boolean, problem: string) => {
    if (!isRight) throw new Error(`${name}, ${type}: ${problem}`)
  }
  const isSigned = (fields: Fields, sign: string | undefined) =>
    sign === hashText(textToSign(fields, key), key, type)

  const genuine = notificationOf(type)
  const tampered = genuine.toString('utf8').replace('<total_fee>2800<', '<total_fee>1<')
  expect(await verify(genuine), 'refuses a genuine notification')
  expect(!(await verify(Buffer.from(tampered))), 'accepts a notification that was tampered with')

  const read = await readXml(Buffer.from(writeOrder()))
  const order: Fields = read.ok ? Object.fromEntries(read.value) : {}
  const { nonce_str: nonce = '', sign, ...content } = order
  const sent: Fields = { ...orderContent, appid, mch_id: mchId, sign_type: type }
  expect(nonce !== '' && textToSign(content, key) === textToSign(sent, key), 'writes another order')
  expect(isSigned(order, sign), 'signs an order incorrectly')

  const {
    appId = '',
    timeStamp = '',
    nonceStr = '',
    package: prepayId = '',
    signType = '',
    paySign,
  } = v.parse(v.record(v.string(), v.string()), signPayment())
  expect(
    appId === appid && prepayId === `prepay_id=${PREPAY_ID}` && signType === type,
    'signs other arguments',
  )
  expect(
    isSigned({ appId, timeStamp, nonceStr, package: prepayId, signType }, paySign),
    'signs the arguments incorrectly',
  )
}
