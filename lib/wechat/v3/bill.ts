/**
 * Reads the bill of a day over APIv3 as a stream. The first call, whose answer is signed, names the
 * file and its SHA-1. The file itself is not signed, so its rows count only if the hash is right,
 * which is known at its end.
 */
import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { Day } from '../../core/day.ts'
import { err } from '../../core/result.ts'
import { download, type Pieces } from '../../http-client/download.ts'
import { startBudget } from '../../http-client/time-budget.ts'
import { BILL_LIMITS, expand, readRows, whyUnreadable, type Batches } from '../bill-stream.ts'
import { call, signedRequest, type CallSettings } from './call.ts'

const BILL = '/v3/bill/tradebill'

const billFile = v.object({
  hash_type: v.literal('SHA1'),
  hash_value: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/i), v.toLowerCase()),
  download_url: v.pipe(v.string(), v.url()),
})

export async function* readBill(settings: CallSettings, day: Day, withinMs: number): Batches {
  const left = startBudget(withinMs)
  const target = `${BILL}?bill_date=${day}&bill_type=ALL&tar_type=GZIP`
  const answer = await call(settings, 'bill', { name: BILL, target })
  if (!answer.ok) return yield answer
  const { value } = answer
  // WeChat has no bill for a day without trade.
  if (value.kind === 'missing') return
  if (value.kind === 'not_now') return yield err({ reason: 'bill_not_ready' })
  if (value.kind !== 'success')
    return yield err({ reason: 'wechat_refused', code: value.code, text: value.text })
  const file = v.safeParse(billFile, value.json)
  const url = file.success ? new URL(file.output.download_url) : null
  if (!file.success || url === null || !isOfWechat(url, settings.hosts))
    return yield err({ reason: 'wechat_untrusted', check: 'content' })
  const pieces = await download({
    ...signedRequest(settings, { target: url.pathname + url.search, body: '' }),
    ...BILL_LIMITS,
    deadlineMs: left(),
    spanName: 'wechat bill file',
    isRepeatable: true,
    url: url.href,
  })
  if ('why' in pieces) yield err({ reason: 'wechat_unknown', silence: pieces })
  else yield* readFile(settings, pieces, file.output.hash_value)
}

/** The request for the file names the merchant, so it goes to WeChat only. */
const isOfWechat = ({ protocol, hostname, origin }: URL, hosts: CallSettings['hosts']): boolean =>
  hosts.some((host) => new URL(host).origin === origin) ||
  (protocol === 'https:' && /\.(?:weixin\.qq\.com|wechatpay\.cn)$/.test(hostname))

async function* readFile(
  ours: Pick<CallSettings, 'appid' | 'mchId'>,
  pieces: Pieces,
  sha1: string,
): Batches {
  const hash = createHash('sha1')
  const hashed = async function* (text: Pieces) {
    for await (const piece of text) {
      hash.update(piece)
      yield piece
    }
  }
  try {
    const { whole } = await expand(pieces)
    for await (const batch of readRows(ours, hashed(whole))) {
      yield batch
      if (!batch.ok) return
    }
  } catch (cause) {
    return yield err(whyUnreadable(cause))
  }
  if (hash.digest('hex') !== sha1) yield err({ reason: 'wechat_untrusted', check: 'content' })
}
