/**
 * Signed messages per second: a notification verified, a unified order signed and written, the second signature. Ours, the
 * libraries people use for APIv2 on Node today, and the bare hash over a text that is ready: nobody can do with less.
 */
import type { SignType } from '../../lib/wechat/v2/sign.ts'
import { checkSigner } from './check-signer.ts'
import { account, notificationOf, orderContent, paymentOf, PREPAY_ID } from './message-samples.ts'
import type { Part } from './part.ts'
import { installPeers } from './peers.ts'
import { hashText, textToSign } from './plain-signature.ts'
import { median, takeTurns } from './rounds.ts'
import { createOurs } from './signer-ours.ts'
import { createPlugin } from './signer-plugin.ts'
import { createTenpay } from './signer-tenpay.ts'
import type { Signer } from './signer.ts'
import { timeOne } from './stopwatch.ts'
import type { Table } from './table.ts'

const [BATCH_MS, QUICK_BATCH_MS] = [200, 40]
const HASH = 'the hash alone'

type Work = () => unknown
interface Row {
  readonly label: string
  readonly names: readonly string[]
  /** Microseconds for one, round after round. */
  readonly samplesOf: (name: string) => readonly number[]
}

export const messages: Part = {
  name: 'messages',
  async measure({ isQuick, rounds, progress }) {
    const load = await installPeers(progress)
    const rows: Row[] = []
    for (const type of ['MD5', 'HMAC-SHA256'] as const) {
      const signers = [createOurs, createPlugin, createTenpay].map((create) => create(type, load))
      for (const signer of signers) await checkSigner(signer, type)
      for (const { label, works } of tasksOf(type, signers)) {
        const samplesOf = await takeTurns([...works.keys()], rounds, (name, round) => {
          progress(`${label}, round ${round + 1} of ${rounds}`)
          return timeOne(works.get(name) ?? (() => undefined), isQuick ? QUICK_BATCH_MS : BATCH_MS)
        })
        rows.push({ label, names: [...works.keys()], samplesOf })
      }
    }
    return toTable(rows)
  },
}

/** Each kind of work as everybody does it, ours first and the hash last. */
function tasksOf(
  type: SignType,
  signers: readonly Signer[],
): { label: string; works: ReadonlyMap<string, Work> }[] {
  const { appid, mchId, key } = account
  const notification = notificationOf(type)
  const nonce = '5d2b6c2a8db53831f7eda20af46e531c'
  const order = { ...orderContent, appid, mch_id: mchId, nonce_str: nonce, sign_type: type }
  const payment = {
    appId: appid,
    timeStamp: '1735758245',
    nonceStr: nonce,
    package: `prepay_id=${PREPAY_ID}`,
    signType: type,
  }
  const task = (
    label: string,
    work: (signer: Signer) => Work,
    fields: Readonly<Record<string, string>>,
  ) => {
    const text = textToSign(fields, key)
    const works = new Map<string, Work>(signers.map((signer) => [signer.name, work(signer)]))
    return { label: `${label}, ${type}`, works: works.set(HASH, () => hashText(text, key, type)) }
  }
  return [
    task(
      'notification verified',
      ({ verify }) =>
        () =>
          verify(notification),
      paymentOf(type),
    ),
    task('order signed', ({ writeOrder }) => writeOrder, order),
    task('second signature', ({ signPayment }) => signPayment, payment),
  ]
}

function toTable(rows: readonly Row[]): Table {
  const names = rows[0]?.names ?? []
  const [ours = '', ...others] = names
  const compared = rows.map(({ label, samplesOf }) => {
    const perSecond = (name: string) => 1e6 / median(samplesOf(name))
    const times = (name: string) => perSecond(ours) / perSecond(name)
    return { label, perSecond, times }
  })
  return {
    title: 'Messages',
    about:
      'Messages of APIv2 per second on one core: a notification verified, from the bytes received to fields that can be used; a unified order given a ' +
      'nonce, signed and written; the arguments of `wx.requestPayment` signed. In brackets how many times as fast this project is. Everybody has the ' +
      'same fields under the same key, and everybody’s result is checked before it is timed; what counts is the time the thread computes. The hash alone, ' +
      'over a text that is ready, is what no signature can do without. The aim is to be ahead of each library.',
    columns: ['', ...names],
    rows: compared.map(({ label, perSecond, times }) => [
      label,
      thousands(perSecond(ours)),
      ...others.map((name) => `${thousands(perSecond(name))} (${times(name).toFixed(2)})`),
    ]),
    notes: [
      'What it does beyond the others is in the time of this project: it refuses what is no flat UTF-8 message of WeChat’s, and looks at appid, merchant, amount and time of a notification.',
    ],
    plot: {
      title: 'Messages: per second on one core',
      unit: 'messages per second, logarithmic',
      scale: 'log',
      series: [...names],
      limit: HASH,
      rows: compared.map(({ label, perSecond }) => ({
        label,
        marks: names.map((series) => ({ series, value: perSecond(series) })),
      })),
    },
    missed: compared.flatMap(({ label, times }) =>
      others
        .filter((name) => name !== HASH && !(times(name) > 1))
        .map((name) => `${label}: ${name} is ahead (${times(name).toFixed(2)})`),
    ),
  }
}

const thousands = (perSecond: number): string => `${(perSecond / 1_000).toFixed(1)}k`
